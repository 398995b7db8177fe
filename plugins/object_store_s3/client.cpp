#include "client.h"

#include <algorithm>
#include <chrono>
#include <imgsrv/cpp/patience.hpp>
#include <random>

namespace imgsrv::s3 {
namespace {

constexpr std::size_t kLargestDocument = 8 * 1024 * 1024;  // a page of 1000 entries has some 500 KiB
constexpr std::chrono::milliseconds kFirstPause{100};
constexpr std::chrono::milliseconds kLongestPause{2000};

std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

// Whether the store itself says that it did nothing and should be asked again.
bool turned_away(const Answer& answer) {
    if (answer.status == 503 || answer.status == 429) return true;
    if (!answer.error) return false;
    const auto& code = answer.error->code;
    return code == "SlowDown" || code == "OperationAborted" || code == "ConditionalRequestConflict";
}

bool worth_repeating(const Answer& answer) {
    if (turned_away(answer) || answer.status == 500 || answer.status == 502 || answer.status == 504) return true;
    if (!answer.error) return false;
    const auto& code = answer.error->code;
    // The last two come with status 200, from copies and completions.
    return code == "RequestTimeout" || code == "InternalError" || code == "ServiceUnavailable";
}

// Swift's "202 Accepted" means that newer bytes are already at the key: none of these are stored. A PUT reports it as
// 200 without an etag, a completion as an error with this status.
bool was_overtaken(const Request& request, const Answer& answer) {
    if (request.payload == nullptr) return false;
    return request.method == "PUT" ? answer.ok() && answer.etag().empty() : answer.status == 202 && answer.error;
}

bool nothing_was_sent(const TransportFailure& trouble) {
    using Reason = TransportFailure::Reason;
    return trouble.reason == Reason::unreachable || trouble.reason == Reason::unknown_host ||
           trouble.reason == Reason::untrusted;
}

// The full-jitter rule: anywhere between nothing and a bound that doubles.
std::chrono::milliseconds jittered(int attempt) {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto bound = std::min(kLongestPause, kFirstPause * (1 << std::min(attempt - 1, 10)));
    return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(1, bound.count())(random));
}

}  // namespace

std::string Answer::header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
}

Client::Client(const Settings& settings, CredentialSource& credentials, sdk::Host host)
    : settings_(settings), credentials_(credentials), host_(host), pool_(settings) {}

Client::Wire Client::sign(const Request& request) const {
    const auto credentials = credentials_.current();
    const Signer signer(*credentials, settings_.address.region, "s3", now());
    Payload* payload = request.payload;

    SignedRequest to_sign{
        request.method, settings_.address.path(request.key), canonical_query(request.query), request.headers, {}};
    bool in_chunks = false;
    if (payload == nullptr) {
        to_sign.payload_hash = sha256_hex("");
    } else if (auto hash = payload->sha256()) {
        to_sign.payload_hash = std::move(*hash);
    } else {
        in_chunks = sign_chunks_;
        to_sign.payload_hash = in_chunks ? kStreamingPayload : kUnsignedPayload;
    }
    auto& headers = to_sign.headers;
    headers["host"] = settings_.address.authority();
    headers["x-amz-date"] = signer.timestamp();
    headers["x-amz-content-sha256"] = to_sign.payload_hash;
    if (!credentials->session_token.empty()) headers["x-amz-security-token"] = credentials->session_token;
    if (in_chunks) {
        headers["content-encoding"] = "aws-chunked";
        headers["x-amz-decoded-content-length"] = std::to_string(payload->size());
    }

    Wire wire;
    if (in_chunks) {
        wire.body = std::make_unique<ChunkSignedBody>(*payload, signer, signer.signature(to_sign));
    } else if (payload != nullptr) {
        auto body = std::make_unique<MeasuredBody>(*payload);
        wire.measured = body.get();
        wire.body = std::move(body);
    }
    wire.http.method = request.method;
    wire.http.url = settings_.address.url(request.key, to_sign.query);
    for (const auto& [name, value] : headers) wire.http.headers.push_back(name + ": " + value);
    wire.http.headers.push_back("authorization: " + signer.authorization(to_sign));
    wire.http.headers.push_back("user-agent: imgsrv/" + std::string(host_.version()));
    wire.http.headers.emplace_back("accept:");
    if (payload != nullptr) {
        wire.http.headers.emplace_back("content-type: application/octet-stream");
        // A body that can be read only once is not sent before the store asks for it: a refusal, or a connection that
        // died in the pool, then costs nothing. An empty value keeps libcurl from asking for others.
        wire.http.headers.emplace_back(payload->sha256() ? "expect:" : "expect: 100-continue");
    }
    return wire;
}

TimeLimits Client::limits(const Request& request) const {
    if (request.slow) return {settings_.server_work, settings_.server_work};
    const bool large = request.payload != nullptr && !request.payload->sha256();
    return {settings_.inactivity, large ? std::chrono::milliseconds::zero() : settings_.answer};
}

Client::Opened Client::send_once(const sdk::Call& call, const Request& request, bool leave_body) {
    const auto wire = sign(request);
    const auto time = leave_body ? TimeLimits{settings_.inactivity, {}} : limits(request);
    Opened out{{}, std::make_unique<Transfer>(pool_, wire.http, wire.body.get(), time)};
    out.transfer->wait_for_head(call);
    const bool success = out.transfer->status() >= 200 && out.transfer->status() < 300;
    if (!leave_body || !success) out.answer.body = out.transfer->read_text(call, kLargestDocument);
    out.answer.status = out.transfer->status();
    out.answer.headers = out.transfer->headers();
    if (!out.answer.body.empty()) out.answer.error = parse_error(out.answer.body);
    if (wire.measured != nullptr) out.answer.sent_md5 = wire.measured->md5();
    if (was_overtaken(request, out.answer)) out.answer.error = ErrorDocument{"OperationAborted", {}, {}, {}};
    if (!leave_body || !success) out.transfer.reset();
    return out;
}

Client::Opened Client::send_until_answered(const sdk::Call& call, const Request& request, bool leave_body) {
    using Reason = TransportFailure::Reason;
    for (int attempt = 1;; ++attempt) {
        try {
            auto out = send_once(call, request, leave_body);
            const auto& answer = out.answer;
            const bool again = turned_away(answer) || (worth_repeating(answer) && request.repeat == Repeat::always);
            if (!again || !pause(call, request, attempt, failure(request, answer).retry_after_ms)) {
                count(request, answer.ok() ? "success" : answer.status >= 500 ? "error" : "refused");
                return out;
            }
        } catch (const TransportFailure& trouble) {
            // A caller that waited for a silent store has waited long enough.
            const bool may_help = trouble.reason != Reason::untrusted && trouble.reason != Reason::silent &&
                                  trouble.reason != Reason::late;
            const bool may_repeat = request.repeat == Repeat::always || nothing_was_sent(trouble);
            if (!may_help || !may_repeat || !pause(call, request, attempt, 0)) {
                count(request, "error");
                throw failure(request, trouble);
            }
        }
    }
}

Answer Client::send(const sdk::Call& call, const Request& request) {
    return send_until_answered(call, request, false).answer;
}

Client::Opened Client::open(const sdk::Call& call, const Request& request) {
    return send_until_answered(call, request, true);
}

bool Client::pause(const sdk::Call& call, const Request& request, int attempt, std::uint32_t asked_ms) const {
    if (attempt >= settings_.attempts) return false;
    auto nap = std::chrono::milliseconds(asked_ms);
    // The caller can wait for the store's pause better than a thread of ours.
    if (nap > kLongestPause) return false;
    nap = std::max(nap, jittered(attempt));
    if (const auto left = call.remaining(); left && *left <= nap) return false;
    if (request.payload != nullptr && !request.payload->restart()) return false;
    sdk::Patience patience;
    const sdk::Patience::Scope scope(patience, call);
    patience.wait_until(sdk::monotonic_ns() + std::chrono::nanoseconds(nap).count());
    patience.check("the request to the object store");
    count(request, "retry");
    return true;
}

Answer Client::send_ok(const sdk::Call& call, const Request& request) {
    auto answer = send(call, request);
    if (!answer.ok()) throw failure(request, answer);
    return answer;
}

void Client::count(const Request& request, const char* outcome) const {
    const imgsrv_kv labels[] = {{sdk::str("operation"), sdk::str(request.operation)},
                                {sdk::str("outcome"), sdk::str(outcome)}};
    host_.raw()->metric(host_.raw()->ctx, IMGSRV_METRIC_COUNTER, "s3_requests_total", 1, labels, std::size(labels));
}

}  // namespace imgsrv::s3
