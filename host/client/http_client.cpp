#include "client/http_client.h"

#include <curl/curl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "client/backoff.h"

namespace imgsrv::client {
namespace {

// No document of the API comes near this; a longer answer is not from imgsrv.
constexpr std::size_t kMaxAnswer = 64U << 20U;
constexpr long kConnectTimeoutSeconds = 10;
constexpr long kUploadBuffer = 512L << 10U;

// What one attempt shares with libcurl's callbacks.
struct Attempt {
    const Call& call;
    Reply reply;
    std::uint64_t position = 0;  // in the body that is sent
    Status failure;              // not the network's: the file, the size of the answer

    void count(std::int64_t bytes) const {
        if (call.file && call.file->sent != nullptr) call.file->sent->fetch_add(bytes, std::memory_order_relaxed);
    }
    void rewind_to(std::uint64_t to) {
        count(static_cast<std::int64_t>(to) - static_cast<std::int64_t>(position));
        position = to;
    }
};

std::size_t read_file(char* out, std::size_t size, std::size_t count, void* user) {
    auto& attempt = *static_cast<Attempt*>(user);
    const FileWindow& file = *attempt.call.file;
    const std::size_t want = std::min<std::uint64_t>(size * count, file.length - attempt.position);
    if (want == 0) return 0;
    ssize_t got = -1;
    do {
        got = ::pread(file.fd, out, want, static_cast<off_t>(file.offset + attempt.position));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        attempt.failure = got == 0
                              ? Status(Code::data_loss, "the file shrank while it was sent")
                              : Status(Code::internal, std::string("the file cannot be read: ") + std::strerror(errno));
        return CURL_READFUNC_ABORT;
    }
    attempt.position += static_cast<std::uint64_t>(got);
    attempt.count(got);
    return static_cast<std::size_t>(got);
}

int seek_file(void* user, curl_off_t offset, int origin) {
    if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
    static_cast<Attempt*>(user)->rewind_to(static_cast<std::uint64_t>(offset));
    return CURL_SEEKFUNC_OK;
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
    auto& attempt = *static_cast<Attempt*>(user);
    const std::size_t n = size * count;
    if (attempt.reply.body.size() + n > kMaxAnswer) {
        attempt.failure = Status(Code::internal, "the answer is larger than any answer of imgsrv");
        return 0;
    }
    attempt.reply.body.append(data, n);
    return n;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
    auto& attempt = *static_cast<Attempt*>(user);
    const std::string_view line(data, size * count);
    if (line.starts_with("HTTP/"))
        attempt.reply.headers.clear();  // the head of the final answer, after a 100 (Continue)
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
        std::string name(line.substr(0, colon));
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
        std::string_view value = line.substr(colon + 1);
        const std::size_t first = value.find_first_not_of(" \t");
        const std::size_t last = value.find_last_not_of(" \t\r\n");
        attempt.reply.headers[name] = first == std::string_view::npos ? "" : value.substr(first, last - first + 1);
    }
    return line.size();
}

int stop_when_cancelled(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const auto& cancel = static_cast<Attempt*>(user)->call.cancel;
    return cancel && cancel->cancelled() ? 1 : 0;
}

// The status for a failure in libcurl. Unless no connection was made, the request may have been carried out.
Status transport_status(CURLcode code, const char* text) {
    const std::string what = *text != '\0' ? text : curl_easy_strerror(code);
    switch (code) {
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return Status(Code::invalid_argument, "the server's address is not a URL: " + what);
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            return Status(Code::unavailable, "the server's certificate is not trusted (" + what +
                                                 "); use --cacert to trust its authority");
        case CURLE_COULDNT_CONNECT:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_SSL_CONNECT_ERROR:
            return Status(Code::unavailable, what).with_retryable();
        default:
            return Status(Code::unavailable, what).with_retryable().with_outcome_unknown();
    }
}

// Waits, or returns early when the call is cancelled.
void pause(std::chrono::milliseconds wait, const CancelToken& cancel) {
    pollfd p{.fd = cancel ? cancel->fd() : -1, .events = POLLIN, .revents = 0};
    ::poll(&p, 1, static_cast<int>(wait.count()));
}

bool is_cancelled(const Call& call) {
    return call.cancel && call.cancel->cancelled();
}

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

struct HttpClient::Curl {
    Curl() : handle(curl_easy_init()) {}
    ~Curl() { curl_easy_cleanup(handle); }
    Curl(const Curl&) = delete;
    Curl& operator=(const Curl&) = delete;

    CURL* handle;
    std::array<char, CURL_ERROR_SIZE> error{};
};

HttpClient::HttpClient(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {
    static const CURLcode kOnce = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)kOnce;
    curl_ = std::make_unique<Curl>();
}

HttpClient::~HttpClient() = default;

Result<Reply> HttpClient::attempt(const Call& call) {
    CURL* h = curl_->handle;
    if (h == nullptr) return Status(Code::internal, "libcurl could not be started");
    Attempt attempt{.call = call, .reply = {}, .failure = {}};
    const std::string url = connection_->base_url + call.path;
    const std::string body = call.json.value_or("");
    const std::string method(call.method);

    curl_easy_reset(h);  // keeps the connection open
    curl_->error[0] = '\0';
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, curl_->error.data());
    curl_easy_setopt(h, CURLOPT_URL, url.c_str());
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, std::max<long>(1, connection_->inactivity.count() / 1000));
    if (!connection_->ca_file.empty()) curl_easy_setopt(h, CURLOPT_CAINFO, connection_->ca_file.c_str());
    curl_easy_setopt(h, CURLOPT_USERAGENT, "imgsrv");
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, &attempt);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, &attempt);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, stop_when_cancelled);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, &attempt);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);

    std::unique_ptr<curl_slist, FreeList> headers;
    const auto add_header = [&](const std::string& line) {
        headers.reset(curl_slist_append(headers.release(), line.c_str()));
    };
    add_header("Accept: application/json");
    if (!connection_->token.empty()) add_header("Authorization: Bearer " + connection_->token);
    if (call.file) {
        curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(call.file->length));
        curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
        curl_easy_setopt(h, CURLOPT_READFUNCTION, read_file);
        curl_easy_setopt(h, CURLOPT_READDATA, &attempt);
        curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, seek_file);
        curl_easy_setopt(h, CURLOPT_SEEKDATA, &attempt);
        add_header("Content-Type: application/octet-stream");
    } else if (call.json || method == "POST" || method == "PUT") {
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, body.c_str());
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
        add_header(call.json ? "Content-Type: application/json" : "Content-Type:");
    } else if (method == "HEAD") {
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers.get());

    const CURLcode code = curl_easy_perform(h);
    long status = 0;
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    attempt.reply.status = static_cast<int>(status);
    const bool accepted = code == CURLE_OK && status / 100 == 2;
    if (!accepted) attempt.rewind_to(0);
    if (!attempt.failure.ok()) return attempt.failure;
    if (is_cancelled(call)) return Status(Code::cancelled, "stopped");
    if (code != CURLE_OK) return transport_status(code, curl_->error.data());
    return std::move(attempt.reply);
}

Result<Reply> HttpClient::send(const Call& call) {
    Backoff backoff(connection_->answered
                        ? connection_->retry_for
                        : std::min<std::chrono::milliseconds>(connection_->retry_for, Connection::kFirstContact));
    int failures = 0;
    while (true) {
        if (is_cancelled(call)) return Status(Code::cancelled, "stopped");
        Result<Reply> reply = attempt(call);
        const Status status = reply.ok() ? status_of(*reply) : reply.status();
        if (reply.ok()) connection_->answered = true;
        const bool again = status.retryable() && (call.repeatable || !status.outcome_unknown());
        if (!again) {
            if (reply.ok() && connection_->away.exchange(false) && connection_->on_outage)
                connection_->on_outage(Status());
            return reply;
        }
        const auto wait = backoff.next(Backoff::Clock::now(), std::chrono::milliseconds(status.retry_after_ms()));
        if (!wait) return Status(status);
        // The first failure of a call is often the only one (a busy server, a connection it has closed).
        if (failures++ > 0 && !connection_->away.exchange(true) && connection_->on_outage)
            connection_->on_outage(status);
        pause(*wait, call.cancel);
    }
}

Result<nlohmann::json> HttpClient::json(const Call& call) {
    IMGSRV_ASSIGN(const Reply reply, send(call));
    IMGSRV_TRY(status_of(reply));
    if (reply.body.empty()) return nlohmann::json();
    auto document = nlohmann::json::parse(reply.body, nullptr, false);
    if (document.is_discarded())
        return Status(Code::internal, connection_->base_url + call.path + " returned no JSON; is it an imgsrv server?");
    return document;
}

Result<nlohmann::json> HttpClient::get(std::string path) {
    return json({.path = std::move(path), .json = {}, .file = {}, .cancel = {}});
}

std::string encode_segment(std::string_view text) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4U];
            out += kHex[byte & 15U];
        }
    }
    return out;
}

}  // namespace imgsrv::client
