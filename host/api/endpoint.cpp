#include "api/endpoint.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/cached_text_response.h"
#include "core/base64.h"
#include "core/log.h"
#include "domain/names.h"
#include "http/percent.h"
#include "http/problem.h"

namespace imgsrv::api {
namespace {

constexpr std::string_view kPublic = "public, max-age=60";

constexpr std::string_view kJson = "application/json";

http::Response with_link(http::Response response, const CachedResponse& cached) {
    if (response.status == 200 && !cached.link.empty()) response.headers.add("Link", cached.link);
    return response;
}

// The cursor is opaque to clients: the sort key as base64url (RFC 4648, section 5), without padding.
constexpr std::size_t kLongestKey = 1024;

Result<std::string> decode_cursor(std::string_view text) {
    const Status foreign(Code::invalid_argument, "after is not a cursor from this server");
    auto key = decode_base64url(text);
    if (!key) return foreign;
    // Keys are text; a database refuses anything else in a query.
    if (!domain::check_text("after", *key, kLongestKey).ok()) return foreign;
    return std::move(*key);
}

Status gate_status(Gate gate, const services::Caller& caller) {
    switch (gate) {
        case Gate::open:
            return {};
        case Gate::write:
            return services::AccessService::require(caller, domain::Action::content_write);
        case Gate::manage:
            return services::AccessService::require(caller, domain::Action::auth_manage);
    }
    return {Code::internal, "unknown gate"};
}

http::Response failure(const Status& status, const http::Request& request) {
    // Failures whose cause the client is not told are logged where the problem document is made.
    const bool told = status.code() != Code::internal && status.code() != Code::data_loss;
    if (told && (!status.detail().empty() || status.code() == Code::unavailable))
        log::info("request refused", {{"request_id", request.request_id}, {"error", status.describe()}});
    return http::problem(status, request.request_id);
}

// Caches may store what an open gate answers to anonymous readers, and nothing else.
void set_caching(http::Response& response, bool shared) {
    if (response.headers.find("Cache-Control")) return;
    if (!shared || response.status != 200) {
        response.headers.add("Cache-Control", "no-store");
        return;
    }
    response.headers.add("Cache-Control", std::string(kPublic));
}

// The request's own query with the cursor of the next page.
void add_next_link(http::Response& response, const RequestContext& context, std::string_view next) {
    std::string link = context.request.path + "?";
    std::string_view rest = context.request.query;
    while (!rest.empty()) {
        const auto pair = rest.substr(0, rest.find('&'));
        if (!pair.starts_with("after=") && !pair.empty()) link += std::string(pair) + "&";
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    }
    response.headers.add("Link", "<" + link + "after=" + encode_base64url(next) + ">; rel=\"next\"");
}

}  // namespace

services::View RequestContext::view() const {
    return caller.may(domain::Action::content_write) ? services::View::all : services::View::published;
}

Result<domain::PageRequest> RequestContext::page() const {
    domain::PageRequest page;
    IMGSRV_ASSIGN(const auto limit, request.query_value("limit"));
    if (limit) {
        const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), page.limit);
        if (error != std::errc() || end != limit->data() + limit->size() || page.limit < 1 ||
            page.limit > domain::kMaxPageLimit)
            return Status(Code::invalid_argument, "limit '" + limit->substr(0, 32) + "' is not a number from 1 to " +
                                                      std::to_string(domain::kMaxPageLimit));
    }
    IMGSRV_ASSIGN(const auto after, request.query_value("after"));
    if (after) {
        IMGSRV_ASSIGN(page.after, decode_cursor(*after));
    }
    return page;
}

Endpoints::Endpoints(http::Router& router, Services services)
    : router_(router),
      services_(std::make_shared<Services>(std::move(services))),
      cache_(std::make_shared<ResponseCache>(services_->clock)) {}

void Endpoints::add(http::Method method, std::string pattern, Gate gate, http::BodyKind body, Endpoint endpoint,
                    http::FastHandler fast) {
    http::Route route{method, std::move(pattern), body, nullptr, std::move(fast)};
    route.handler = [services = services_, gate, endpoint = std::move(endpoint)](http::Request& request) {
        RequestContext context{request, {request.request_id, std::nullopt, request.cancel}, {}};
        auto caller =
            services->access.authenticate(context.call, request.headers.joined("Authorization"), request.peer);
        if (!caller.ok()) return failure(caller.status(), request);
        context.caller = std::move(caller).value();
        request.principal_id = context.caller.principal_id;
        if (const Status allowed = gate_status(gate, context.caller); !allowed.ok()) return failure(allowed, request);
        auto response = endpoint(context);
        if (!response.ok()) return failure(response.status(), request);
        set_caching(*response, gate == Gate::open && context.caller.anonymous());
        return std::move(response).value();
    };
    router_.add(std::move(route));
}

void Endpoints::add_cached(std::string pattern, Endpoint endpoint) {
    const auto known = [cache = cache_](const http::Request& request) -> std::optional<http::Response> {
        if (request.headers.find("Authorization")) return std::nullopt;
        const auto cached = cache->find(request.target);
        if (!cached) return std::nullopt;
        auto response = cached_text_response_at_once(request, cached->text, kJson);
        if (!response) return std::nullopt;
        return with_link(std::move(*response), *cached);
    };
    const auto ask = [services = services_, cache = cache_,
                      endpoint = std::move(endpoint)](RequestContext& context) -> Result<http::Response> {
        const auto answer = [&](const CachedResponse& cached) {
            return with_link(cached_text_response(context.request, cached.text, kJson), cached);
        };
        // Cached already, but not in the coding that this client wants.
        if (context.caller.anonymous())
            if (const auto cached = cache->find(context.request.target)) return answer(*cached);
        // Read before the query: a response newer than its generation is merely queried once more.
        const std::int64_t generation = services->clock.generation();
        auto response = endpoint(context);
        if (!response.ok() || response->status != 200 || !context.caller.anonymous()) return response;
        auto* body = std::get_if<std::string>(&response->body);
        if (!body) return response;
        auto fresh = std::make_shared<CachedResponse>(std::move(*body));
        fresh->generation = generation;
        if (const std::string* link = response->headers.find("Link")) fresh->link = *link;
        cache->put(context.request.target, fresh);
        return answer(*fresh);
    };
    add(http::Method::get, std::move(pattern), Gate::open, http::BodyKind::none, ask, known);
}

void Endpoints::add_plain(http::Method method, std::string pattern, http::FastHandler fast, http::Handler handler) {
    router_.add({method, std::move(pattern), http::BodyKind::none, std::move(handler), std::move(fast)});
}

void Endpoints::add_probe(std::string pattern, std::function<http::Response()> answer) {
    http::Route route{http::Method::get, std::move(pattern), http::BodyKind::none, nullptr, nullptr};
    route.fast = [answer = std::move(answer)](const http::Request&) { return std::optional(answer()); };
    route.limited = false;
    router_.add(std::move(route));
}

http::Response json_response(int status, const Json& body) {
    http::Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = body.dump() + "\n";
    return response;
}

http::Response no_content() {
    http::Response response;
    response.status = 204;
    return response;
}

template <class T>
http::Response list_response(const RequestContext& context, std::string_view name, const domain::Page<T>& page) {
    Json items = Json::array();
    for (const T& item : page.items) items.push_back(to_json(item));
    auto response = json_response(200, {{std::string(name), std::move(items)}});
    if (page.next) add_next_link(response, context, *page.next);
    return response;
}

template http::Response list_response(const RequestContext&, std::string_view, const domain::Page<domain::Image>&);
template http::Response list_response(const RequestContext&, std::string_view, const domain::Page<domain::Version>&);
template http::Response list_response(const RequestContext&, std::string_view, const domain::Page<domain::Artifact>&);
template http::Response list_response(const RequestContext&, std::string_view, const domain::Page<domain::Alias>&);
template http::Response list_response(const RequestContext&, std::string_view, const domain::Page<domain::PublishJob>&);
template http::Response list_response(const RequestContext&, std::string_view, const domain::Page<domain::Principal>&);
template http::Response list_response(const RequestContext&, std::string_view, const domain::Page<domain::ApiToken>&);
template http::Response list_response(const RequestContext&, std::string_view,
                                      const domain::Page<domain::ProvisioningRule>&);

void add_routes(http::Router& router, Services services) {
    Endpoints endpoints(router, std::move(services));
    add_upload_routes(endpoints);
    add_blob_routes(endpoints);
    add_catalogue_routes(endpoints);
    add_artifact_routes(endpoints);
    add_alias_routes(endpoints);
    add_publish_routes(endpoints);
    add_auth_routes(endpoints);
    add_provisioning_routes(endpoints);
    add_document_routes(endpoints);
    add_health_routes(endpoints);
}

}  // namespace imgsrv::api
