#include <nlohmann/json.hpp>

#include "api/endpoint.h"
#include "api/request_json.h"

namespace imgsrv::api {

using http::BodyKind;
using http::Method;

void add_artifact_routes(Endpoints& endpoints) {
    auto& services = endpoints.services();
    auto& catalogue = services.catalogue;
    const std::string artifacts = "/v1/images/{name}/versions/{version}/artifacts";
    const std::string artifact = artifacts + "/{artifact_id}";
    const std::string attachments = artifact + "/attachments";
    const std::string attachment = attachments + "/{attachment_id}";

    endpoints.add_cached(artifacts, [&catalogue](RequestContext& x) -> Result<http::Response> {
        IMGSRV_ASSIGN(const auto manifest, catalogue.manifest(x.call, x.view(), x.param("name"), x.param("version")));
        // A version has few artifacts, so that a page is a slice of the manifest.
        IMGSRV_ASSIGN(const auto page, x.page());
        domain::Page<domain::Artifact> slice;
        for (const auto& one : manifest.artifacts) {
            if (one.id <= page.after) continue;
            if (slice.items.size() == page.limit) {
                slice.next = slice.items.back().id;
                break;
            }
            slice.items.push_back(one);
        }
        return list_response(x, "artifacts", slice);
    });

    endpoints.add(Method::post, artifacts, Gate::write, BodyKind::document,
                  [&catalogue](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(
                          const auto body,
                          RequestJson::read(x.request, kDocumentBytes,
                                            {"operating_system", "architecture", "variant", "format",
                                             "primary_blob_digest", "primary_blob_size_bytes", "primary_media_type"}));
                      services::NewArtifact request;
                      IMGSRV_ASSIGN(request.operating_system, body.string("operating_system"));
                      IMGSRV_ASSIGN(request.architecture, body.string("architecture"));
                      IMGSRV_ASSIGN(request.variant, body.optional_string("variant"));
                      IMGSRV_ASSIGN(request.format, body.string("format"));
                      IMGSRV_ASSIGN(request.primary_blob_digest, body.string("primary_blob_digest"));
                      IMGSRV_ASSIGN(request.primary_blob_size, body.integer("primary_blob_size_bytes"));
                      IMGSRV_ASSIGN(request.primary_media_type, body.string("primary_media_type"));
                      IMGSRV_ASSIGN(const auto added,
                                    catalogue.add_artifact(x.call, x.param("name"), x.param("version"), request));
                      auto response = json_response(201, to_json(added));
                      response.headers.add("Location", x.request.path + "/" + added.id);
                      return response;
                  });

    endpoints.add_cached(artifact, [&catalogue](RequestContext& x) -> Result<http::Response> {
        IMGSRV_ASSIGN(const auto found, catalogue.artifact(x.call, x.view(), x.param("name"), x.param("version"),
                                                           x.param("artifact_id")));
        return json_response(200, to_json(found));
    });

    endpoints.add(
        Method::del, artifact, Gate::write, BodyKind::none, [&catalogue](RequestContext& x) -> Result<http::Response> {
            IMGSRV_TRY(catalogue.delete_artifact(x.call, x.param("name"), x.param("version"), x.param("artifact_id")));
            return no_content();
        });

    endpoints.add(Method::get, artifact + "/download", Gate::open, BodyKind::none,
                  [&services](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto found,
                                    services.catalogue.artifact(x.call, x.view(), x.param("name"), x.param("version"),
                                                                x.param("artifact_id")));
                      return serve_blob(services, x, found.blob_digest, found.media_type);
                  });

    endpoints.add(
        Method::post, attachments, Gate::write, BodyKind::document,
        [&catalogue](RequestContext& x) -> Result<http::Response> {
            IMGSRV_ASSIGN(const auto body, RequestJson::read(x.request, kDocumentBytes,
                                                             {"name", "media_type", "blob_digest", "blob_size_bytes"}));
            services::NewAttachment request;
            IMGSRV_ASSIGN(request.name, body.string("name"));
            IMGSRV_ASSIGN(request.media_type, body.string("media_type"));
            IMGSRV_ASSIGN(request.blob_digest, body.string("blob_digest"));
            IMGSRV_ASSIGN(request.blob_size, body.integer("blob_size_bytes"));
            IMGSRV_ASSIGN(const auto added, catalogue.add_attachment(x.call, x.param("name"), x.param("version"),
                                                                     x.param("artifact_id"), request));
            auto response = json_response(201, to_json(added));
            response.headers.add("Location", x.request.path + "/" + added.id);
            return response;
        });

    endpoints.add(Method::del, attachment, Gate::write, BodyKind::none,
                  [&catalogue](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(catalogue.delete_attachment(x.call, x.param("name"), x.param("version"),
                                                             x.param("artifact_id"), x.param("attachment_id")));
                      return no_content();
                  });

    endpoints.add(Method::get, attachment + "/download", Gate::open, BodyKind::none,
                  [&services](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto found,
                                    services.catalogue.attachment(x.call, x.view(), x.param("name"), x.param("version"),
                                                                  x.param("artifact_id"), x.param("attachment_id")));
                      return serve_blob(services, x, found.blob_digest, found.media_type);
                  });
}

}  // namespace imgsrv::api
