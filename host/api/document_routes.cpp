#include "api/cached_text_response.h"
#include "api/endpoint.h"
#include "http/problem.h"

namespace imgsrv::api {
namespace {

constexpr std::string_view kYaml = "application/yaml";

}  // namespace

void add_document_routes(Endpoints& endpoints) {
    // The public documents of publish steps need no token; an invalid one is ignored.
    const auto& services = endpoints.shared();
    for (const std::string& path : services->documents.paths()) {
        endpoints.add_plain(
            http::Method::get, path,
            [services, path](const http::Request& request) -> std::optional<http::Response> {
                const auto document = services->documents.cached(path);
                if (!document) return std::nullopt;
                return cached_text_response_at_once(request, *document->text, document->content_type);
            },
            [services, path](http::Request& request) {
                const ports::Call call{request.request_id, std::nullopt, request.cancel};
                const auto document = services->documents.get(call, path);
                if (!document.ok()) return http::problem(document.status(), request.request_id);
                return cached_text_response(request, *(*document)->text, (*document)->content_type);
            });
    }

    const auto openapi = std::make_shared<const services::CachedText>(services->openapi);
    endpoints.add_plain(
        http::Method::get, "/openapi/v1.yaml",
        [openapi](const http::Request& request) { return cached_text_response_at_once(request, *openapi, kYaml); },
        [openapi](http::Request& request) { return cached_text_response(request, *openapi, kYaml); });
}

}  // namespace imgsrv::api
