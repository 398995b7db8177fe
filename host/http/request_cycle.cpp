#include "http/request_cycle.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "core/uuid.h"
#include "http/admission.h"
#include "http/client_address.h"
#include "http/content_coding.h"
#include "http/problem.h"

namespace imgsrv::http {
namespace {

constexpr std::uint64_t kShortDocument = 16 * 1024;

bool is_request_id(std::string_view text) {
    static constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !text.empty() && text.size() <= 128 && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

// Calls a handler; an exception becomes 500.
template <class Call>
auto guarded(const Request& request, const Call& call) -> decltype(call()) {
    const auto failed = [&](std::string_view what) {
        return problem(Status(Code::internal, "a handler threw an exception").with_detail(std::string(what)),
                       request.request_id);
    };
    try {
        return call();
    } catch (const std::exception& error) {
        return failed(error.what());
    } catch (...) {
        return failed("not a std::exception");
    }
}

}  // namespace

RequestCycle::RequestCycle(ServerContext& server, const Peer& peer, bool tls) : server_(server), peer_(peer) {
    ++server_.requests;
    request_.peer = peer.address;
    request_.tls = tls;
    request_.cancel = server_.cancel;
}

RequestCycle::~RequestCycle() {
    if (slot_ != nullptr) --*slot_;
    if (server_.observer != nullptr) {
        AccessRecord record;
        record.request = &request_;
        record.status = writer_ ? writer_->status() : response_ ? response_->status : 0;
        record.bytes_in = body_ != nullptr ? body_->received() : 0;
        record.bytes_out = writer_ ? writer_->body_sent() : 0;
        record.duration = std::chrono::steady_clock::now() - started_;
        record.completed = completed_;
        server_.observer->on_access(record);
    }
    // A stream's reader may hold a connection to a backend: closing it is not for the event loop.
    if (writer_)
        if (std::shared_ptr<ports::ByteReader> reader = writer_->take_reader())
            server_.workers.run([reader = std::move(reader)] {});
    --server_.requests;
}

std::optional<Response> RequestCycle::open(std::string_view head) {
    const auto error = parse_head(head, request_, framing_);
    const std::string* id = request_.headers.find("X-Request-Id");
    request_.request_id = id != nullptr && is_request_id(*id) ? *id : new_uuid();
    if (error) return refuse(*error);
    if (server_.limits.trusted_hops > 0)
        request_.peer =
            client_address(peer_.address, request_.headers.joined("X-Forwarded-For"), server_.limits.trusted_hops);
    Admission admission = admit(request_, framing_, server_.router, server_.limits);
    // Requests that match no route count too.
    if (server_.limiter && (admission.route == nullptr || admission.route->limited))
        if (auto refusal = limit_rate()) return refusal;
    if (admission.answer) return std::move(admission.answer);
    route_ = admission.route;
    if (route_->fast && !request_.has_body) {
        auto answer = guarded(request_, [&]() -> std::optional<Response> { return route_->fast(request_); });
        if (answer) return answer;
    }
    if (!route_->handler) return problem_of(404, "nothing is at this path");
    return std::nullopt;
}

std::optional<Response> RequestCycle::limit_rate() {
    RateLimiter& limiter = *server_.limiter;
    const auto client = server_.limits.trusted_hops > 0 ? limiter.client(request_.peer) : peer_.client;
    const auto wait = limiter.take(client, started_);
    if (wait.count() == 0) return std::nullopt;
    Response refusal = problem_of(429, "more than " + std::to_string(server_.limits.requests_per_minute) +
                                           " requests per minute from this address");
    refusal.headers.add("Retry-After", std::to_string(wait.count()));
    return refusal;
}

Response RequestCycle::refuse(const HeadError& error) {
    if (request_.request_id.empty()) request_.request_id = new_uuid();
    framing_.keep_alive = false;
    return problem_of(error.status, error.detail);
}

bool RequestCycle::has_short_document() const {
    return route_->body == BodyKind::document && request_.has_body && !framing_.chunked && !framing_.expects_continue &&
           *request_.content_length <= kShortDocument;
}

bool RequestCycle::take_slot(std::atomic<std::size_t>& taken, std::size_t limit) {
    slot_ = &taken;
    return ++taken <= limit;
}

std::optional<Response> RequestCycle::admit_body(SocketStream& stream, Inbox& inbox) {
    const Limits& limits = server_.limits;
    const bool streaming = route_->body == BodyKind::streaming;
    const bool here = !framing_.chunked && inbox.view().size() >= request_.content_length.value_or(0);
    const auto full = [&](const char* what) { return problem(Status(Code::unavailable, what), request_.request_id); };
    // A body that has yet to arrive holds a worker for as long as its client likes, so some workers are reserved for
    // other requests.
    if (streaming && request_.has_body) {
        if (!take_slot(server_.uploads, limits.uploads)) return full("too many uploads at once");
    } else if (!here && !take_slot(server_.documents, std::max<std::size_t>(1, limits.workers / 4))) {
        return full("too many request bodies at once");
    }
    BodyReader::Options options;
    options.length = request_.content_length;
    options.chunked = framing_.chunked;
    options.expects_continue = framing_.expects_continue;
    options.limit = streaming ? limits.part_bytes : limits.document_bytes;
    options.timeout = limits.body_timeout;
    options.cancel = server_.cancel;
    auto body = std::make_unique<BodyReader>(stream, inbox, std::move(options));
    body_ = body.get();
    request_.body = std::move(body);
    return std::nullopt;
}

void RequestCycle::run_handler() {
    response_ = guarded(request_, [&]() -> Response {
        Response response = route_->handler(request_);
        encode(request_, response);
        return response;
    });
}

Response RequestCycle::take_response() {
    if (body_->failure() == Code::deadline) return problem_of(408, "the body did not arrive in time");
    return std::move(*response_);
}

Response RequestCycle::problem_of(int status, std::string_view detail) const {
    return problem(status, detail, request_.request_id);
}

void RequestCycle::respond(Response response, bool last) {
    // The unread rest of a body must never be taken for the next request.
    const bool unread = body_ != nullptr ? !body_->finished() : request_.has_body;
    last_ = last || response.close || unread || !framing_.keep_alive;
    ResponseWriter::Options options;
    options.head_request = request_.method == Method::head;
    options.http11 = framing_.http11;
    options.close = last_;
    options.request_id = request_.request_id;
    options.alone = server_.requests == 1;
    writer_.emplace(std::move(response), options);
}

}  // namespace imgsrv::http
