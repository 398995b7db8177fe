#include "exchange.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <new>
#include <thread>

#include "trimmed.h"

namespace imgsrv::s3 {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kUploadBuffer = 256 * 1024;
constexpr long kDownloadBuffer = 128 * 1024;
// Servers close idle connections after a minute or so; one that is older is not tried.
constexpr long kMaxIdleSeconds = 45;
// How long the store may take to say that it wants the body, before it gets it unasked.
constexpr long kContinueMs = 1000;
// A call without a descriptor to wait for is asked this often whether it was cancelled.
constexpr auto kAskEvery = std::chrono::milliseconds(20);

void start_libcurl() {
    static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_ALL);
    if (kStarted != CURLE_OK) throw sdk::Failure(IMGSRV_INTERNAL, "libcurl cannot be initialised");
}

template <class T>
void set(CURL* easy, CURLoption option, T value) {
    if (const CURLcode code = curl_easy_setopt(easy, option, value); code != CURLE_OK) {
        throw sdk::Failure(IMGSRV_INTERNAL,
                           "libcurl refuses option " + std::to_string(option) + ": " + curl_easy_strerror(code));
    }
}

// Whether a TLS handshake failed because the other side went away, as servers do that restart, and not for what it
// said.
bool hung_up(std::string_view text) {
    return text.find("reset by peer") != text.npos || text.find("SSL_ERROR_SYSCALL") != text.npos ||
           text.find("unexpected eof") != text.npos;
}

TransportFailure::Reason reason_of(CURLcode code, std::string_view text) {
    using Reason = TransportFailure::Reason;
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return Reason::unknown_host;
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:  // only connecting has a limit of libcurl's
            return Reason::unreachable;
        case CURLE_SSL_CONNECT_ERROR:
            return hung_up(text) ? Reason::unreachable : Reason::untrusted;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_CIPHER:
            return Reason::untrusted;
        default:
            return Reason::broken;
    }
}

}  // namespace

Connection::Connection(const Settings& settings) : settings_(settings) {
    start_libcurl();
    multi_.reset(curl_multi_init());
    easy_.reset(curl_easy_init());
    if (!multi_ || !easy_) throw std::bad_alloc();
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 1L);
}

void Connection::reset() {
    CURL* easy = easy_.get();
    curl_easy_reset(easy);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_QUICK_EXIT, 1L);  // a name service that hangs is not waited for beyond the call
    set(easy, CURLOPT_PROTOCOLS_STR, settings_.address.tls ? "https" : "http");
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_PATH_AS_IS, 1L);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect.count()));
    set(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, kContinueMs);
    set(easy, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
    set(easy, CURLOPT_BUFFERSIZE, kDownloadBuffer);
    if (settings_.address.tls) {
        set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        if (!settings_.ca_file.empty()) set(easy, CURLOPT_CAINFO, settings_.ca_file.c_str());
    }
}

std::unique_ptr<Connection> ConnectionPool::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto connection = std::move(idle_.back());
            idle_.pop_back();
            return connection;
        }
    }
    return std::make_unique<Connection>(settings_);
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < settings_.idle_connections) idle_.push_back(std::move(connection));
}

Exchange::Exchange(ConnectionPool& pool, const HttpRequest& request, UploadBody* body, TimeLimits limits)
    : pool_(pool),
      connection_(pool.take()),
      body_(body),
      limits_(limits),
      began_(Clock::now()),
      last_progress_(began_) {
    connection_->reset();
    for (const auto& header : request.headers) {
        curl_slist* longer = curl_slist_append(header_list_.get(), header.c_str());
        if (longer == nullptr) throw std::bad_alloc();
        static_cast<void>(header_list_.release());
        header_list_.reset(longer);
    }
    CURL* easy = connection_->easy();
    set(easy, CURLOPT_URL, request.url.c_str());
    set(easy, CURLOPT_HTTPHEADER, header_list_.get());
    set(easy, CURLOPT_ERRORBUFFER, error_text_.data());
    set(easy, CURLOPT_HEADERFUNCTION, &Exchange::on_header);
    set(easy, CURLOPT_HEADERDATA, this);
    set(easy, CURLOPT_WRITEFUNCTION, &Exchange::on_body);
    set(easy, CURLOPT_WRITEDATA, this);
    // Without a body these say so with Content-Length: 0, which stores insist on.
    if (body_ != nullptr || request.method == "PUT" || request.method == "POST") {
        set(easy, CURLOPT_UPLOAD, 1L);
        set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body_ != nullptr ? body_->size() : 0));
        set(easy, CURLOPT_READFUNCTION, &Exchange::on_read);
        set(easy, CURLOPT_READDATA, this);
    }
    if (request.method == "HEAD") {
        set(easy, CURLOPT_NOBODY, 1L);
    } else {
        set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    if (curl_multi_add_handle(connection_->multi(), easy) != CURLM_OK) throw std::bad_alloc();
}

Exchange::~Exchange() {
    curl_multi_remove_handle(connection_->multi(), connection_->easy());
    if (result_ == CURLE_OK) pool_.give_back(std::move(connection_));
}

std::size_t Exchange::on_header(char* data, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    exchange.note_progress();
    exchange.add_header_line(trimmed({data, size * count}));
    return size * count;
}

void Exchange::add_header_line(std::string_view line) {
    if (line.starts_with("HTTP/")) {
        headers_.clear();
        status_ = 0;
        if (const auto blank = line.find(' '); blank != std::string_view::npos) {
            status_ = std::strtol(std::string(line.substr(blank + 1, 3)).c_str(), nullptr, 10);
        }
        return;
    }
    if (line.empty()) {
        head_done_ = status_ >= 200;  // what came before is a mere "100 Continue"
        return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    headers_[std::move(name)] = trimmed(line.substr(colon + 1));
}

std::size_t Exchange::on_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    exchange.note_progress();
    const std::size_t n = size * count;
    const std::size_t room = exchange.target_.size() - exchange.filled_;
    if (room == 0) {
        exchange.paused_ = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    const std::size_t now = std::min(n, room);
    std::memcpy(exchange.target_.data() + exchange.filled_, data, now);
    exchange.filled_ += now;
    if (now < n) {
        const auto* rest = reinterpret_cast<const std::byte*>(data) + now;
        exchange.spill_.assign(rest, rest + (n - now));
        exchange.spill_begin_ = 0;
    }
    return n;
}

std::size_t Exchange::on_read(char* to, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    if (exchange.body_ == nullptr) return 0;
    try {
        const std::size_t n = exchange.body_->read({reinterpret_cast<std::byte*>(to), size * count});
        exchange.note_progress();
        return n;
    } catch (...) {
        exchange.body_failure_ = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

template <class Done>
void Exchange::drive(const sdk::Call& call, Done done) {
    while (!result_ && !done()) {
        int running = 0;
        if (curl_multi_perform(connection_->multi(), &running) != CURLM_OK) {
            throw TransportFailure(TransportFailure::Reason::broken, "libcurl failed");
        }
        collect_result();
        if (body_failure_) std::rethrow_exception(body_failure_);
        if (!result_ && !done()) wait(call);
    }
}

void Exchange::collect_result() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(connection_->multi(), &left)) {
        if (message->msg == CURLMSG_DONE) result_ = message->data.result;
    }
}

void Exchange::wait(const sdk::Call& call) {
    using Reason = TransportFailure::Reason;
    call.throw_if_cancelled();
    const auto now = Clock::now();
    const auto quiet_until = last_progress_ + limits_.inactivity;
    if (now >= quiet_until) {
        throw TransportFailure(Reason::silent,
                               "nothing came for " + std::to_string(limits_.inactivity.count()) + " ms");
    }
    Clock::duration nap = quiet_until - now;
    if (limits_.total.count() > 0) {
        const auto end = began_ + limits_.total;
        if (now >= end) {
            throw TransportFailure(Reason::late,
                                   "no whole answer within " + std::to_string(limits_.total.count()) + " ms");
        }
        nap = std::min<Clock::duration>(nap, end - now);
    }
    if (const auto left = call.remaining()) nap = std::min<Clock::duration>(nap, *left);
    curl_waitfd cancelled{call.cancel_fd(), CURL_WAIT_POLLIN, 0};
    const bool has_fd = cancelled.fd >= 0;
    if (!has_fd && call.raw() != nullptr && call.raw()->cancelled != nullptr) {
        nap = std::min<Clock::duration>(nap, kAskEvery);
    }
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(nap).count();
    curl_multi_poll(connection_->multi(), &cancelled, has_fd ? 1 : 0,
                    static_cast<int>(std::min<std::int64_t>(ms, 60'000)), nullptr);
}

void Exchange::throw_if_failed() const {
    if (!result_ || *result_ == CURLE_OK) return;
    const char* text = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(*result_);
    throw TransportFailure(reason_of(*result_, text), text);
}

void Exchange::wait_for_head(const sdk::Call& call) {
    call.throw_if_cancelled();
    drive(call, [&] { return head_done_; });
    if (!head_done_) throw_if_failed();
    if (!head_done_) throw TransportFailure(TransportFailure::Reason::broken, "the answer has no head");
    // The store answers a body that failed before it could see the end of it only to refuse something else.
    if (body_failure_) std::rethrow_exception(body_failure_);
}

std::size_t Exchange::read(const sdk::Call& call, std::span<std::byte> buffer) {
    if (buffer.empty()) return 0;
    if (spill_begin_ < spill_.size()) {
        const std::size_t n = std::min(buffer.size(), spill_.size() - spill_begin_);
        std::memcpy(buffer.data(), spill_.data() + spill_begin_, n);
        spill_begin_ += n;
        return n;
    }
    target_ = buffer;
    filled_ = 0;
    note_progress();  // the time until the next read was the reader's
    if (paused_) {
        paused_ = false;
        curl_easy_pause(connection_->easy(), CURLPAUSE_CONT);
    }
    struct Forget {
        Exchange& exchange;
        ~Forget() { exchange.target_ = {}; }
    } const forget{*this};
    drive(call, [&] { return filled_ > 0; });
    if (filled_ == 0) throw_if_failed();
    const std::size_t n = filled_;
    filled_ = 0;
    return n;
}

std::string Exchange::read_text(const sdk::Call& call, std::size_t most) {
    std::string text;
    std::array<char, 16 * 1024> block;
    while (text.size() < most) {
        const auto n = read(call, std::as_writable_bytes(std::span(block)));
        if (n == 0) break;
        text.append(block.data(), std::min(n, most - text.size()));
    }
    return text;
}

}  // namespace imgsrv::s3
