#include "api/conditional.h"
#include "api/endpoint.h"
#include "core/sha256.h"
#include "http/problem.h"

namespace imgsrv::api {
namespace {

http::Response document_response(const http::Request& request, std::string content_type, std::string etag,
                                 std::shared_ptr<const std::string> body) {
    http::Response response;
    response.headers.add("Cache-Control", "public, max-age=60");
    response.headers.add("ETag", etag);
    if (request.headers.find("If-None-Match") && names_etag(request.headers.joined("If-None-Match"), etag)) {
        response.status = 304;
        return response;
    }
    response.headers.add("Content-Type", std::move(content_type));
    response.body = std::move(body);
    return response;
}

http::Response document_response(const http::Request& request, const services::RenderedDocument& document) {
    return document_response(request, document.content_type, document.etag, document.body);
}

}  // namespace

void add_document_routes(Endpoints& endpoints) {
    // The public documents of publish steps need no token, and an invalid one does no harm to them.
    const auto& services = endpoints.shared();
    for (const std::string& path : services->documents.paths()) {
        endpoints.add_plain(
            http::Method::get, path,
            [services, path](const http::Request& request) -> std::optional<http::Response> {
                const auto document = services->documents.cached(path);
                if (!document) return std::nullopt;
                return document_response(request, *document);
            },
            [services, path](http::Request& request) {
                const ports::Call call{request.request_id, std::nullopt, request.cancel};
                const auto document = services->documents.get(call, path);
                if (!document.ok()) return http::problem(document.status(), request.request_id);
                return document_response(request, **document);
            });
    }

    auto openapi = std::make_shared<const std::string>(services->openapi);
    const std::string etag = "\"" + sha256_hex(*openapi).substr(0, 32) + "\"";
    const auto serve_openapi = [openapi, etag](const http::Request& request) {
        return document_response(request, "application/yaml", etag, openapi);
    };
    endpoints.add_plain(
        http::Method::get, "/openapi/v1.yaml",
        [serve_openapi](const http::Request& r) { return std::optional(serve_openapi(r)); }, serve_openapi);
}

}  // namespace imgsrv::api
