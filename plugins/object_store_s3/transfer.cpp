#include "transfer.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <new>

#include "trimmed.h"

namespace imgsrv::s3 {
namespace {

using Clock = std::chrono::steady_clock;

// How often a call without a descriptor to wait for is polled for cancellation.
constexpr auto kAskEvery = std::chrono::milliseconds(20);

// Whether a TLS handshake failed because the other side went away, as a restarting server does, and not because of what
// it sent.
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

Transfer::Transfer(ConnectionPool& pool, const HttpRequest& request, UploadBody* body, TimeLimits limits)
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
    connection_->set(CURLOPT_URL, request.url.c_str());
    connection_->set(CURLOPT_HTTPHEADER, header_list_.get());
    connection_->set(CURLOPT_ERRORBUFFER, error_text_.data());
    connection_->set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    connection_->set(CURLOPT_HEADERDATA, this);
    connection_->set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    connection_->set(CURLOPT_WRITEDATA, this);
    // Without a body these send Content-Length: 0, which stores insist on.
    if (body_ != nullptr || request.method == "PUT" || request.method == "POST") {
        connection_->set(CURLOPT_UPLOAD, 1L);
        connection_->set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body_ != nullptr ? body_->size() : 0));
        connection_->set(CURLOPT_READFUNCTION, &Transfer::on_read);
        connection_->set(CURLOPT_READDATA, this);
    }
    if (request.method == "HEAD")
        connection_->set(CURLOPT_NOBODY, 1L);
    else
        connection_->set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (curl_multi_add_handle(connection_->multi(), connection_->easy()) != CURLM_OK) throw std::bad_alloc();
}

Transfer::~Transfer() {
    curl_multi_remove_handle(connection_->multi(), connection_->easy());
    if (result_ == CURLE_OK) pool_.give_back(std::move(connection_));
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.note_progress();
    transfer.add_header_line(trimmed({data, size * count}));
    return size * count;
}

void Transfer::add_header_line(std::string_view line) {
    if (line.starts_with("HTTP/")) {
        headers_.clear();
        status_ = 0;
        if (const auto blank = line.find(' '); blank != std::string_view::npos)
            status_ = std::strtol(std::string(line.substr(blank + 1, 3)).c_str(), nullptr, 10);
        return;
    }
    if (line.empty()) {
        head_done_ = status_ >= 200;  // an interim "100 Continue" is not the answer
        return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    headers_[std::move(name)] = trimmed(line.substr(colon + 1));
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.note_progress();
    const std::size_t n = size * count;
    const std::size_t room = transfer.target_.size() - transfer.filled_;
    if (room == 0) {
        transfer.paused_ = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    const std::size_t now = std::min(n, room);
    std::memcpy(transfer.target_.data() + transfer.filled_, data, now);
    transfer.filled_ += now;
    if (now < n) {
        const auto* rest = reinterpret_cast<const std::byte*>(data) + now;
        transfer.spill_.assign(rest, rest + (n - now));
        transfer.spill_begin_ = 0;
    }
    return n;
}

std::size_t Transfer::on_read(char* to, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.body_ == nullptr) return 0;
    try {
        const std::size_t n = transfer.body_->read({reinterpret_cast<std::byte*>(to), size * count});
        transfer.note_progress();
        return n;
    } catch (...) {
        transfer.body_failure_ = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

template <class Done>
void Transfer::drive(const sdk::Call& call, Done done) {
    while (!result_ && !done()) {
        int running = 0;
        if (curl_multi_perform(connection_->multi(), &running) != CURLM_OK)
            throw TransportFailure(TransportFailure::Reason::broken, "libcurl failed");
        collect_result();
        if (body_failure_) std::rethrow_exception(body_failure_);
        if (!result_ && !done()) wait(call);
    }
}

void Transfer::collect_result() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(connection_->multi(), &left))
        if (message->msg == CURLMSG_DONE) result_ = message->data.result;
}

void Transfer::wait(const sdk::Call& call) {
    using Reason = TransportFailure::Reason;
    call.throw_if_cancelled();
    const auto now = Clock::now();
    const auto quiet_until = last_progress_ + limits_.inactivity;
    if (now >= quiet_until) {
        throw TransportFailure(Reason::silent, "no data for " + std::to_string(limits_.inactivity.count()) + " ms");
    }
    Clock::duration nap = quiet_until - now;
    if (limits_.total.count() > 0) {
        const auto end = began_ + limits_.total;
        if (now >= end) {
            throw TransportFailure(Reason::late,
                                   "no complete answer within " + std::to_string(limits_.total.count()) + " ms");
        }
        nap = std::min<Clock::duration>(nap, end - now);
    }
    if (const auto left = call.remaining()) nap = std::min<Clock::duration>(nap, *left);
    curl_waitfd cancelled{call.cancel_fd(), CURL_WAIT_POLLIN, 0};
    const bool has_fd = cancelled.fd >= 0;
    if (!has_fd && call.raw() != nullptr && call.raw()->cancelled != nullptr)
        nap = std::min<Clock::duration>(nap, kAskEvery);
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(nap).count();
    curl_multi_poll(connection_->multi(), &cancelled, has_fd ? 1 : 0,
                    static_cast<int>(std::min<std::int64_t>(ms, 60'000)), nullptr);
}

void Transfer::throw_if_failed() const {
    if (!result_ || *result_ == CURLE_OK) return;
    const char* text = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(*result_);
    throw TransportFailure(reason_of(*result_, text), text);
}

void Transfer::wait_for_head(const sdk::Call& call) {
    call.throw_if_cancelled();
    drive(call, [&] { return head_done_; });
    if (!head_done_) throw_if_failed();
    if (!head_done_) throw TransportFailure(TransportFailure::Reason::broken, "the answer ended before its headers");
    // When the body failed, the store cannot have seen its end: its answer refuses something else.
    if (body_failure_) std::rethrow_exception(body_failure_);
}

std::size_t Transfer::read(const sdk::Call& call, std::span<std::byte> buffer) {
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
        Transfer& transfer;
        ~Forget() { transfer.target_ = {}; }
    } const forget{*this};
    drive(call, [&] { return filled_ > 0; });
    if (filled_ == 0) throw_if_failed();
    const std::size_t n = filled_;
    filled_ = 0;
    return n;
}

std::string Transfer::read_text(const sdk::Call& call, std::size_t most) {
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
