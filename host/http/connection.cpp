#include "http/connection.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/log.h"
#include "core/uuid.h"
#include "http/admission.h"
#include "http/listener.h"
#include "http/problem.h"

namespace imgsrv::http {
namespace {

// One receive: enough for any head, and a bound on what a client can make us keep by pipelining.
constexpr std::size_t kReceive = 32 * 1024;
// How long to listen to a client after the last answer, so that its unread bytes do not destroy that answer
// (RFC 9112, section 9.6).
constexpr std::chrono::milliseconds kLinger{2'000};

bool is_request_id(std::string_view text) {
    static constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !text.empty() && text.size() <= 128 && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

Response internal_error(const Request& request, std::string_view what) {
    return problem(Status(Code::internal, "a handler threw an exception").with_detail(std::string(what)),
                   request.request_id);
}

Response call_handler(const Handler& handler, Request& request) {
    try {
        return handler(request);
    } catch (const std::exception& error) {
        return internal_error(request, error.what());
    } catch (...) {
        return internal_error(request, "not a std::exception");
    }
}

std::optional<Response> call_fast(const FastHandler& handler, const Request& request) {
    try {
        return handler(request);
    } catch (const std::exception& error) {
        return internal_error(request, error.what());
    } catch (...) {
        return internal_error(request, "not a std::exception");
    }
}

}  // namespace

// One request and its response.
struct Connection::Exchange {
    Request request;
    Framing framing;
    const Route* route = nullptr;
    BodyReader* body = nullptr;  // request.body
    bool counted_upload = false;
    std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
    Response response;  // the handler's, until the loop takes it
    std::optional<ResponseWriter> writer;
};

Connection::Connection(EventLoop& loop, ServerContext& server, const Listener& listener, std::uint64_t id, int fd,
                       std::string peer)
    : loop_(loop), server_(server), listener_(listener), id_(id), peer_(std::move(peer)), stream_(fd) {
    ++server_.connections;
}

Connection::~Connection() {
    --server_.connections;
}

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
    refuse_head({503, "the server has no room for another connection"});
    drive();
}

void Connection::on_ready(bool readable) {
    if (state_ == State::handling || state_ == State::refilling) {
        // The worker looks after the socket; hear of it no more until it comes back.
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
            refuse_head({408, "the request's head did not arrive in time"});
            return drive();
        case State::sending:
            end_exchange(false);
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
    // A request may have come in at this moment: then it is answered.
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
    end_exchange(false);
    close();
}

void Connection::drive() {
    for (bool more = true; more;) {
        switch (state_) {
            case State::sniffing:
                more = sniff();
                break;
            case State::handshaking:
                more = handshake();
                break;
            case State::receiving:
                more = receive_head();
                break;
            case State::sending:
                more = send();
                break;
            case State::lingering:
                more = linger();
                break;
            case State::handling:
            case State::refilling:
            case State::closed:
                return;
        }
    }
    if (state_ == State::handshaking || state_ == State::sending)
        loop_.watch(*this, blocked_on_ == Io::want_write ? Interest::write : Interest::read);
    else if (state_ == State::sniffing || state_ == State::receiving || state_ == State::lingering)
        loop_.watch(*this, Interest::read);
}

// A TLS client speaks first, with a handshake record. Anything else is most likely plain HTTP, and such clients count
// on being dropped at once; a client that says nothing costs no TLS session.
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
    readable_ = true;  // the request may have come with the handshake's last bytes
    return true;
}

bool Connection::receive_head() {
    std::string_view input;
    if (std::exchange(readable_, false)) {
        const auto buffer = loop_.scratch().first(kReceive);
        const IoResult got = stream_.read(buffer);
        if (got.outcome == Io::end || got.outcome == Io::failed) {
            close();
            return false;
        }
        input = {reinterpret_cast<const char*>(buffer.data()), got.bytes};
        readable_ = got.outcome == Io::done && stream_.has_pending();
    }
    // A head that came in one piece is read where it lies; only what is left of the input is kept.
    const bool kept = !inbox_.empty();
    if (kept) {
        inbox_.append(input);
        input = inbox_.view();
    }
    if (input.empty()) return readable_;

    const auto found = scanner_.scan(input);
    const std::size_t length = scanner_.length();
    if (found == HeadScanner::Found::nothing || length > server_.limits.head_bytes) {
        if (!kept) inbox_.append(input);
        if (length > kMaxTarget + 64 && input.find('\n') == std::string_view::npos) {
            refuse_head({414, "the target is over " + std::to_string(kMaxTarget) + " bytes long"});
            return true;
        }
        if (length > server_.limits.head_bytes) {
            refuse_head({431, "the head is over " + std::to_string(server_.limits.head_bytes) + " bytes long"});
            return true;
        }
        if (!std::exchange(head_timed_, true)) loop_.set_timeout(*this, server_.limits.head_timeout);
        return readable_;
    }
    scanner_ = {};
    if (found == HeadScanner::Found::bad_line) {
        refuse_head({400, "malformed request: a line ends without CR"});
        return true;
    }
    std::string copy;
    std::string_view head = input.substr(0, length);
    if (kept) {
        copy = head;
        head = copy;
        inbox_.consume(length);
    } else {
        inbox_.append(input.substr(length));
    }
    // RFC 9112, section 2.2: empty lines before a request are passed over.
    if (head == "\r\n") return true;
    head_timed_ = false;
    TimerWheel::clear(timer);
    handle(head);
    return true;
}

void Connection::begin_exchange() {
    exchange_ = std::make_unique<Exchange>();
    ++server_.requests;
    Request& request = exchange_->request;
    request.peer = peer_;
    request.tls = stream_.tls();
    request.cancel = server_.cancel;
}

void Connection::handle(std::string_view head) {
    begin_exchange();
    Exchange& exchange = *exchange_;
    Request& request = exchange.request;
    const auto error = parse_head(head, request, exchange.framing);
    const std::string* id = request.headers.find("X-Request-Id");
    request.request_id = id != nullptr && is_request_id(*id) ? *id : new_uuid();
    if (error) {
        exchange.framing.keep_alive = false;
        return respond(problem(error->status, error->detail, request.request_id));
    }
    Admission admission = admit(request, exchange.framing, server_.router, server_.limits);
    if (admission.answer) return respond(std::move(*admission.answer));
    exchange.route = admission.route;
    if (exchange.route->fast && !request.has_body)
        if (auto response = call_fast(exchange.route->fast, request)) return respond(std::move(*response));
    if (!exchange.route->handler) return respond(problem(404, "nothing is at this path", request.request_id));
    dispatch();
}

// Answers what is no request, and ends the connection.
void Connection::refuse_head(const HeadError& error) {
    begin_exchange();
    exchange_->request.request_id = new_uuid();
    respond(problem(error.status, error.detail, exchange_->request.request_id));
}

void Connection::dispatch() {
    Exchange& exchange = *exchange_;
    Request& request = exchange.request;
    const auto busy = [&](std::string_view what) {
        respond(problem(Status(Code::unavailable, std::string(what)), request.request_id));
    };
    if (exchange.route->body == BodyKind::streaming && request.has_body) {
        exchange.counted_upload = true;
        if (++server_.uploads > server_.limits.uploads)
            return busy("too many uploads at once; at most " + std::to_string(server_.limits.uploads));
    }
    BodyReader::Options options;
    options.length = request.content_length;
    options.chunked = exchange.framing.chunked;
    options.expects_continue = exchange.framing.expects_continue;
    options.limit =
        exchange.route->body == BodyKind::streaming ? server_.limits.part_bytes : server_.limits.document_bytes;
    options.timeout = server_.limits.body_timeout;
    options.cancel = server_.cancel;
    auto body = std::make_unique<BodyReader>(stream_, inbox_, std::move(options));
    exchange.body = body.get();
    request.body = std::move(body);
    state_ = State::handling;
    if (!server_.workers.run([self = shared_from_this()] { self->run_handler(); })) {
        state_ = State::receiving;
        busy("no thread can be started");
    }
}

void Connection::run_handler() {
    exchange_->response = call_handler(exchange_->route->handler, exchange_->request);
    loop_.post([self = shared_from_this()] { self->handled(); });
}

void Connection::handled() {
    Exchange& exchange = *exchange_;
    const Code failure = exchange.body->failure();
    if (aborted_ || failure == Code::cancelled) {
        end_exchange(false);
        return close();
    }
    if (failure == Code::deadline)
        respond(problem(408, "the body did not arrive in time", exchange.request.request_id));
    else
        respond(std::move(exchange.response));
    drive();
}

void Connection::respond(Response response) {
    Exchange& exchange = *exchange_;
    const bool unread = exchange.body ? !exchange.body->finished() : exchange.request.has_body;
    close_after_ = response.close || unread || !exchange.framing.keep_alive || server_.draining;
    ResponseWriter::Options options;
    options.head_request = exchange.request.method == Method::head;
    options.http11 = exchange.framing.http11;
    options.close = close_after_;
    options.request_id = exchange.request.request_id;
    exchange.writer.emplace(std::move(response), options);
    state_ = State::sending;
}

bool Connection::send() {
    const auto step = exchange_->writer->send(stream_, loop_.scratch());
    switch (step) {
        case ResponseWriter::Step::done:
            end_response();
            return true;
        case ResponseWriter::Step::refill:
            start_refill();
            return true;
        case ResponseWriter::Step::failed:
            end_exchange(false);
            close();
            return false;
        case ResponseWriter::Step::blocked:
        case ResponseWriter::Step::blocked_read:
        case ResponseWriter::Step::yield:
            break;
    }
    blocked_on_ = step == ResponseWriter::Step::blocked_read ? Io::want_read : Io::want_write;
    loop_.set_timeout(*this, server_.limits.send_timeout);
    return false;
}

void Connection::start_refill() {
    TimerWheel::clear(timer);
    state_ = State::refilling;
    if (!server_.workers.run([self = shared_from_this()] { self->refill(); })) {
        end_exchange(false);
        close();
    }
}

void Connection::refill() {
    Status status;
    try {
        status = exchange_->writer->refill();
    } catch (const std::exception& error) {
        status = Status(Code::internal, "a stream threw an exception").with_detail(error.what());
    }
    loop_.post([self = shared_from_this(), status = std::move(status)] { self->refilled(status); });
}

void Connection::refilled(const Status& status) {
    if (!status.ok())
        log::error("response cut short", {{"request_id", exchange_->request.request_id}, {"error", status.describe()}});
    if (aborted_ || !status.ok()) {
        end_exchange(false);
        return close();
    }
    state_ = State::sending;
    drive();
}

void Connection::end_response() {
    end_exchange(true);
    if (close_after_ || server_.draining) {
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
        const IoResult got = stream_.discard();
        if (got.outcome == Io::done) continue;
        if (got.outcome != Io::want_read) close();
        return false;
    }
    return false;
}

void Connection::end_exchange(bool completed) {
    if (!exchange_) return;
    Exchange& exchange = *exchange_;
    if (exchange.counted_upload) --server_.uploads;
    if (server_.observer != nullptr) {
        http::Exchange told;
        told.request = &exchange.request;
        told.status = exchange.writer ? exchange.writer->status() : exchange.response.status;
        told.bytes_in = exchange.body ? exchange.body->received() : 0;
        told.bytes_out = exchange.writer ? exchange.writer->body_sent() : 0;
        told.duration = std::chrono::steady_clock::now() - exchange.started;
        told.completed = completed;
        server_.observer->on_exchange(told);
    }
    if (exchange.writer) {
        // A reader may hold a connection to a backend: its end is no work for the loop.
        if (std::shared_ptr<ports::ByteReader> reader = exchange.writer->take_reader())
            server_.workers.run([reader = std::move(reader)] {});
    }
    exchange_.reset();
    --server_.requests;
}

void Connection::close() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    loop_.close(*this);
}

}  // namespace imgsrv::http
