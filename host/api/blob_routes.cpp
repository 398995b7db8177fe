#include "api/conditional.h"
#include "api/endpoint.h"
#include "domain/digest.h"
#include "http/problem.h"

namespace imgsrv::api {

Result<http::Response> serve_blob(Services& services, RequestContext& x, const std::string& digest,
                                  std::string_view content_type) {
    IMGSRV_ASSIGN(const auto blob, services.blobs.find(x.call, digest));
    // A lasting fault of the server. Not 404: it is published. Not 410: it may come back. Not 503: retrying soon does
    // not help.
    if (blob.damage)
        return http::problem(500, services::BlobService::check_sound(blob).message(), x.request.request_id);
    const Representation representation{"\"" + blob.digest + "\"", blob.created, blob.size};
    const Selection selection = select(x.request, representation);

    http::Response response;
    response.status = selection.status;
    if (selection.status == 416) {
        response = http::problem(416,
                                 "the range '" + x.request.headers.joined("Range").substr(0, 100) +
                                     "' cannot be served: the blob has " + std::to_string(blob.size) +
                                     " bytes; only one range of bytes at a time is supported",
                                 x.request.request_id);
        response.headers.add("Content-Range", "bytes */" + std::to_string(blob.size));
        return response;
    }
    if (selection.status == 412)
        return http::problem(412, "the request's condition is false for  " + blob.digest, x.request.request_id);
    response.headers.add("ETag", representation.etag);
    response.headers.add("Last-Modified", format_http_date(blob.created));
    // A caller with a token may see a draft, which no cache may show to others.
    response.headers.add("Cache-Control",
                         x.caller.anonymous() ? "public, max-age=31536000, immutable" : "private, no-store");
    response.headers.add("Accept-Ranges", "bytes");
    if (selection.status == 304) return response;
    response.headers.add("Content-Type", std::string(content_type));
    response.headers.add("X-Content-Type-Options", "nosniff");
    if (selection.status == 206)
        response.headers.add("Content-Range", "bytes " + std::to_string(selection.offset) + "-" +
                                                  std::to_string(selection.offset + selection.length - 1) + "/" +
                                                  std::to_string(blob.size));
    IMGSRV_ASSIGN(auto source, services.blobs.open(x.call, blob, selection.offset, selection.length));
    if (auto* fd = std::get_if<UniqueFd>(&source))
        response.body = http::FileBody{std::move(*fd), selection.offset, selection.length};
    else
        response.body = http::StreamBody{std::move(std::get<1>(source)), selection.length};
    return response;
}

void add_blob_routes(Endpoints& endpoints) {
    endpoints.add(http::Method::get, "/v1/blobs/{digest}", Gate::open, http::BodyKind::none,
                  [&services = endpoints.services()](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto digest, domain::Digest::parse("digest", x.param("digest")));
                      return serve_blob(services, x, digest.text(), "application/octet-stream");
                  });
}

}  // namespace imgsrv::api
