#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connection_pool.h"

namespace imgsrv::s3 {

struct HttpRequest {
    std::string method;
    std::string url;
    std::vector<std::string> headers;  // "Name: value"
};

// What is sent with a request, exactly size() bytes.
class UploadBody {
  public:
    virtual ~UploadBody() = default;
    virtual std::uint64_t size() const = 0;
    // 1 to buffer.size() bytes, as long as some are left. What it throws ends the transfer, which rethrows it.
    virtual std::size_t read(std::span<std::byte> buffer) = 0;
};

// There was no answer, or only part of one.
struct TransportFailure : std::exception {
    enum class Reason {
        unreachable,   // no connection was made: nothing was sent
        unknown_host,  // the same, because the name has no address
        untrusted,     // the same, because the peer's certificate is not trusted, or it speaks no TLS
        broken,        // the connection ended
        silent,        // nothing moved for too long
        late,          // it took too long as a whole
    };
    TransportFailure(Reason why, std::string what_happened) : reason(why), text(std::move(what_happened)) {}
    const char* what() const noexcept override { return text.c_str(); }

    Reason reason;
    std::string text;
};

struct TimeLimits {
    std::chrono::milliseconds inactivity;
    std::chrono::milliseconds total;  // zero: none
};

// One request and its answer, which is pulled: unread bytes stay in the sockets. Every wait obeys the call and the
// limits; time that the body's source takes does not count as inactivity. One thread at a time.
class Transfer {
  public:
    // Nothing happens yet. body may be null; it and pool outlive the transfer.
    Transfer(ConnectionPool& pool, const HttpRequest& request, UploadBody* body, TimeLimits limits);
    // When the answer was not read to its end, the connection is closed.
    ~Transfer();
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    // Sends the request and waits for the answer's headers. Throws TransportFailure, CANCELLED or DEADLINE, and what
    // the body throws.
    void wait_for_head(const sdk::Call& call);
    long status() const { return status_; }
    // The answer's headers; names in lower case.
    const std::map<std::string, std::string>& headers() const { return headers_; }
    // 1 to buffer.size() bytes of the answer's body, 0 at its end.
    std::size_t read(const sdk::Call& call, std::span<std::byte> buffer);
    // The whole body, at most `most` bytes; what is beyond is not read.
    std::string read_text(const sdk::Call& call, std::size_t most);

  private:
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_read(char* to, std::size_t size, std::size_t count, void* self);
    void add_header_line(std::string_view line);

    // Lets libcurl work until done() or the end of the transfer.
    template <class Done>
    void drive(const sdk::Call& call, Done done);
    void collect_result();
    void wait(const sdk::Call& call);
    void throw_if_failed() const;
    void note_progress() { last_progress_ = std::chrono::steady_clock::now(); }

    ConnectionPool& pool_;
    std::unique_ptr<Connection> connection_;
    UploadBody* body_;
    const TimeLimits limits_;
    struct FreeList {
        void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
    };
    std::unique_ptr<curl_slist, FreeList> header_list_;
    std::array<char, CURL_ERROR_SIZE> error_text_{};

    std::chrono::steady_clock::time_point began_;
    std::chrono::steady_clock::time_point last_progress_;
    std::exception_ptr body_failure_;
    long status_ = 0;
    bool head_done_ = false;
    std::map<std::string, std::string> headers_;
    std::optional<CURLcode> result_;

    std::span<std::byte> target_;  // what the reader of the answer offers
    std::size_t filled_ = 0;
    std::vector<std::byte> spill_;  // what did not fit; from spill_begin_ on
    std::size_t spill_begin_ = 0;
    bool paused_ = false;
};

}  // namespace imgsrv::s3
