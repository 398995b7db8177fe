#include "http/connection.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "core/log.h"
#include "http/listener.h"

namespace imgsrv::http {
namespace {

// One receive: enough for any head, and the bound on what a pipelining client can make us buffer.
constexpr std::size_t kReceive = 32 * 1024;
// How long to keep reading after the last response: closing with unread bytes would reset the connection and could
// destroy that response (RFC 9112, section 9.6).
constexpr std::chrono::milliseconds kLinger{2'000};

Peer make_peer(const ServerContext& server, std::string address) {
    Peer peer{std::move(address), 0};
    if (server.limiter && server.limits.trusted_hops == 0) peer.client = server.limiter->client(peer.address);
    return peer;
}

}  // namespace

Connection::Connection(EventLoop& loop, ServerContext& server, const Listener& listener, std::uint64_t id, int fd,
                       std::string peer)
    : loop_(loop),
      server_(server),
      listener_(listener),
      id_(id),
      peer_(make_peer(server, std::move(peer))),
      stream_(fd) {}

void Connection::start() {
    if (listener_.tls()) {
        state_ = State::sniffing;
        loop_.set_timeout(*this, server_.limits.handshake_timeout);
    } else {
        head_timed_ = true;
        loop_.set_timeout(*this, server_.limits.head_timeout);
    }
}

void Connection::refuse() {
    if (listener_.tls()) return close();
    refuse_head({503, "the server has too many connections"});
    drive();
}

void Connection::on_ready(bool readable) {
    if (state_ == State::handling || state_ == State::refilling) {
        // The worker owns the socket; no more events until it hands it back.
        loop_.watch(*this, Interest::none);
        return;
    }
    if (readable) readable_ = true;
    drive();
}

void Connection::on_timeout() {
    switch (state_) {
        case State::receiving:
            if (inbox_.empty()) return close();
            refuse_head({408, "the request head did not arrive in time"});
            return drive();
        case State::collecting:
            respond(cycle_->problem_of(408, "the body did not arrive in time"));
            return drive();
        case State::sending:
            // The kernel reports a socket as writable only when much of its buffer is free, which may be megabytes; a
            // slow client that took less than that has not stopped.
            if (const std::size_t now = stream_.in_flight(); now < in_flight_) {
                in_flight_ = now;
                return loop_.set_timeout(*this, server_.limits.send_timeout);
            }
            return close();
        case State::handling:
        case State::refilling:
        case State::closed:
            return;
        case State::sniffing:
        case State::handshaking:
        case State::lingering:
            return close();
    }
}

void Connection::drain() {
    if (state_ == State::sniffing || state_ == State::handshaking) return close();
    if (state_ != State::receiving) return;
    // A request that has just arrived is still answered.
    readable_ = true;
    drive();
    if (state_ == State::receiving && inbox_.empty()) close();
}

void Connection::abort() {
    if (state_ == State::closed) return;
    if (state_ == State::handling || state_ == State::refilling) {
        aborted_ = true;
        ::shutdown(fd(), SHUT_RDWR);
        return;
    }
    close();
}

void Connection::drive() {
    while (step()) {
    }
    if (state_ == State::handling || state_ == State::refilling || state_ == State::closed) return;
    const bool may_write = state_ == State::handshaking || state_ == State::sending;
    loop_.watch(*this, may_write && blocked_on_ == Io::want_write ? Interest::write : Interest::read);
}

bool Connection::step() {
    switch (state_) {
        case State::sniffing:
            return sniff();
        case State::handshaking:
            return handshake();
        case State::receiving:
            return receive_head();
        case State::collecting:
            return collect();
        case State::sending:
            return send();
        case State::lingering:
            return linger();
        case State::handling:
        case State::refilling:
        case State::closed:
            break;
    }
    return false;
}

// A TLS client speaks first, with a handshake record. Anything else is most likely plain HTTP and is dropped at once. A
// client that sends nothing costs no TLS session.
bool Connection::sniff() {
    if (!std::exchange(readable_, false)) return false;
    unsigned char first = 0;
    const auto n = ::recv(fd(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    static constexpr unsigned char kHandshakeRecord = 0x16;
    const TlsContext context = listener_.tls_context();
    SSL* const ssl = n == 1 && first == kHandshakeRecord ? ::SSL_new(context.get()) : nullptr;
    if (ssl == nullptr) {
        close();
        return false;
    }
    stream_.start_tls(ssl);
    state_ = State::handshaking;
    return true;
}

bool Connection::handshake() {
    const IoResult result = stream_.handshake();
    if (result.outcome == Io::want_read || result.outcome == Io::want_write) {
        blocked_on_ = result.outcome;
        return false;
    }
    if (result.outcome != Io::done) {
        close();
        return false;
    }
    state_ = State::receiving;
    head_timed_ = true;
    loop_.set_timeout(*this, server_.limits.head_timeout);
    readable_ = true;  // the request may have arrived with the last bytes of the handshake
    return true;
}

// The bytes that have arrived, in the loop's scratch memory; none when the client is gone, and then the connection is
// closed.
std::optional<std::string_view> Connection::receive() {
    if (!std::exchange(readable_, false)) return std::string_view();
    const auto buffer = loop_.scratch().first(kReceive);
    const IoResult got = stream_.read(buffer);
    if (got.outcome == Io::end || got.outcome == Io::failed) {
        close();
        return std::nullopt;
    }
    readable_ = got.outcome == Io::done && stream_.has_pending();
    return std::string_view(reinterpret_cast<const char*>(buffer.data()), got.bytes);
}

bool Connection::receive_head() {
    const auto received = receive();
    if (!received) return false;
    std::string_view input = *received;
    // A head that arrived in one piece is parsed in place; only the rest of the input is buffered.
    const bool buffered = !inbox_.empty();
    if (buffered) {
        inbox_.append(input);
        input = inbox_.view();
    }
    if (input.empty()) return readable_;

    const auto found = scanner_.scan(input);
    const std::size_t length = scanner_.length();
    if (found == HeadScanner::Found::nothing || length > server_.limits.head_bytes) {
        if (!buffered) inbox_.append(input);
        if (length > kMaxTarget + 64 && input.find('\n') == std::string_view::npos) {
            refuse_head({414, "the target is longer than " + std::to_string(kMaxTarget) + " bytes"});
            return true;
        }
        if (length > server_.limits.head_bytes) {
            refuse_head(
                {431, "the request head is longer than " + std::to_string(server_.limits.head_bytes) + " bytes"});
            return true;
        }
        if (!std::exchange(head_timed_, true)) loop_.set_timeout(*this, server_.limits.head_timeout);
        return readable_;
    }
    scanner_ = {};
    if (found == HeadScanner::Found::malformed) {
        refuse_head({400, "malformed request: not HTTP/1.1, or a line without CR LF"});
        return true;
    }
    std::string copy;
    std::string_view head = input.substr(0, length);
    if (buffered) {
        copy = head;
        head = copy;
        inbox_.consume(length);
    } else {
        inbox_.append(input.substr(length));
    }
    // RFC 9112, section 2.2: empty lines before a request are skipped.
    if (head == "\r\n") return true;
    head_timed_ = false;
    TimerWheel::clear(timer);
    handle(head);
    return true;
}

void Connection::handle(std::string_view head) {
    cycle_ = std::make_unique<RequestCycle>(server_, peer_, stream_.tls());
    if (auto answer = cycle_->open(head)) return respond(std::move(*answer));
    if (cycle_->has_short_document())
        state_ = State::collecting;
    else
        dispatch();
}

// Answers a malformed request and ends the connection.
void Connection::refuse_head(const HeadError& error) {
    cycle_ = std::make_unique<RequestCycle>(server_, peer_, stream_.tls());
    respond(cycle_->refuse(error));
}

void Connection::respond(Response response) {
    cycle_->respond(std::move(response), server_.draining);
    state_ = State::sending;
}

bool Connection::collect() {
    const auto received = receive();
    if (!received) return false;
    inbox_.append(*received);
    if (inbox_.view().size() < *cycle_->request().content_length) {
        loop_.set_timeout(*this, server_.limits.body_timeout);
        return readable_;
    }
    dispatch();
    return true;
}

void Connection::dispatch() {
    TimerWheel::clear(timer);
    if (auto refusal = cycle_->admit_body(stream_, inbox_)) return respond(std::move(*refusal));
    if (server_.workers.run([self = shared_from_this()] { self->run_handler(); }))
        state_ = State::handling;
    else
        respond(cycle_->problem_of(503, "the server cannot start a thread"));
}

void Connection::run_handler() {
    cycle_->run_handler();
    loop_.post([self = shared_from_this()] { self->handled(); });
}

void Connection::handled() {
    if (aborted_ || cycle_->body_cancelled()) return close();
    respond(cycle_->take_response());
    drive();
}

bool Connection::send() {
    const auto step = cycle_->writer().send(stream_, loop_.scratch());
    switch (step) {
        case ResponseWriter::Step::done:
            end_response();
            return true;
        case ResponseWriter::Step::refill:
            start_refill();
            return true;
        case ResponseWriter::Step::failed:
            close();
            return false;
        case ResponseWriter::Step::blocked:
        case ResponseWriter::Step::blocked_read:
        case ResponseWriter::Step::yield:
            break;
    }
    blocked_on_ = step == ResponseWriter::Step::blocked_read ? Io::want_read : Io::want_write;
    in_flight_ = stream_.in_flight();
    loop_.set_timeout(*this, server_.limits.send_timeout);
    return false;
}

void Connection::start_refill() {
    TimerWheel::clear(timer);
    if (server_.workers.run([self = shared_from_this()] { self->refill(); }))
        state_ = State::refilling;
    else
        close();
}

void Connection::refill() {
    Status status;
    try {
        status = cycle_->writer().refill();
    } catch (const std::exception& error) {
        status = Status(Code::internal, "a stream threw an exception").with_detail(error.what());
    } catch (...) {
        status = Status(Code::internal, "a stream threw something that is not a std::exception");
    }
    loop_.post([self = shared_from_this(), status = std::move(status)] { self->refilled(status); });
}

void Connection::refilled(const Status& status) {
    if (!status.ok())
        log::error("response cut short", {{"request_id", cycle_->request().request_id}, {"error", status.describe()}});
    if (aborted_ || !status.ok()) return close();
    state_ = State::sending;
    drive();
}

void Connection::end_response() {
    cycle_->set_completed();
    const bool last = cycle_->is_last() || server_.draining;
    cycle_.reset();
    if (last) {
        stream_.finish_sending();
        state_ = State::lingering;
        loop_.set_timeout(*this, kLinger);
        return;
    }
    state_ = State::receiving;
    readable_ = stream_.has_pending();
    loop_.set_timeout(*this, server_.limits.idle_timeout);
}

bool Connection::linger() {
    for (int i = 0; i < 16; ++i) {
        const IoResult got = stream_.discard(loop_.scratch());
        if (got.outcome == Io::done) continue;
        if (got.outcome != Io::want_read) close();
        return false;
    }
    return false;
}

void Connection::close() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    cycle_.reset();
    loop_.close(*this);
}

}  // namespace imgsrv::http
