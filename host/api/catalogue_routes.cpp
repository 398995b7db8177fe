#include <nlohmann/json.hpp>

#include "api/endpoint.h"
#include "api/request_json.h"

namespace imgsrv::api {

using http::BodyKind;
using http::Method;

void add_catalogue_routes(Endpoints& endpoints) {
    auto& catalogue = endpoints.services().catalogue;

    endpoints.add_cached("/v1/images", [&catalogue](RequestContext& x) -> Result<http::Response> {
        IMGSRV_ASSIGN(const auto page, x.page());
        IMGSRV_ASSIGN(const auto images, catalogue.images(x.call, page));
        return list_response(x, "images", images);
    });

    endpoints.add(Method::post, "/v1/images", Gate::write, BodyKind::document,
                  [&catalogue](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto body, RequestJson::read(x.request, kDocumentBytes,
                                                                       {"name", "display_name", "description"}));
                      services::NewImage request;
                      IMGSRV_ASSIGN(request.name, body.string("name"));
                      IMGSRV_ASSIGN(request.display_name, body.optional_string("display_name"));
                      IMGSRV_ASSIGN(request.description, body.optional_string("description"));
                      IMGSRV_ASSIGN(const auto image, catalogue.create_image(x.call, request));
                      auto response = json_response(201, to_json(image));
                      response.headers.add("Location", "/v1/images/" + image.name);
                      return response;
                  });

    endpoints.add_cached("/v1/images/{name}", [&catalogue](RequestContext& x) -> Result<http::Response> {
        IMGSRV_ASSIGN(const auto image, catalogue.image(x.call, x.view(), x.param("name")));
        return json_response(200, to_json(image));
    });

    endpoints.add_cached("/v1/images/{name}/versions", [&catalogue](RequestContext& x) -> Result<http::Response> {
        IMGSRV_ASSIGN(const auto page, x.page());
        IMGSRV_ASSIGN(const auto versions, catalogue.versions(x.call, x.view(), x.param("name"), page));
        return list_response(x, "versions", versions);
    });

    endpoints.add(Method::post, "/v1/images/{name}/versions", Gate::write, BodyKind::document,
                  [&catalogue](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto body, RequestJson::read(x.request, kDocumentBytes, {"version"}));
                      IMGSRV_ASSIGN(const auto name, body.string("version"));
                      IMGSRV_ASSIGN(const auto version, catalogue.create_draft(x.call, x.param("name"), name));
                      auto response = json_response(201, to_json(version));
                      response.headers.add("Location",
                                           "/v1/images/" + x.param("name") + "/versions/" + version.version);
                      return response;
                  });

    endpoints.add_cached("/v1/images/{name}/versions/{version}",
                         [&catalogue](RequestContext& x) -> Result<http::Response> {
                             IMGSRV_ASSIGN(const auto manifest,
                                           catalogue.manifest(x.call, x.view(), x.param("name"), x.param("version")));
                             return json_response(200, to_json(manifest));
                         });

    endpoints.add(Method::del, "/v1/images/{name}/versions/{version}", Gate::write, BodyKind::none,
                  [&catalogue](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(catalogue.delete_draft(x.call, x.param("name"), x.param("version")));
                      return no_content();
                  });

    endpoints.add_cached("/v1/images/{name}/refs/{ref}", [&catalogue](RequestContext& x) -> Result<http::Response> {
        IMGSRV_ASSIGN(const auto manifest, catalogue.resolve(x.call, x.param("name"), x.param("ref")));
        return json_response(200, to_json(manifest));
    });
}

void add_alias_routes(Endpoints& endpoints) {
    auto& catalogue = endpoints.services().catalogue;

    endpoints.add_cached("/v1/images/{name}/aliases", [&catalogue](RequestContext& x) -> Result<http::Response> {
        IMGSRV_ASSIGN(const auto page, x.page());
        IMGSRV_ASSIGN(const auto aliases, catalogue.aliases(x.call, x.view(), x.param("name"), page));
        return list_response(x, "aliases", aliases);
    });

    endpoints.add_cached(
        "/v1/images/{name}/aliases/{alias}", [&catalogue](RequestContext& x) -> Result<http::Response> {
            IMGSRV_ASSIGN(const auto alias, catalogue.alias(x.call, x.view(), x.param("name"), x.param("alias")));
            return json_response(200, to_json(alias));
        });

    endpoints.add(Method::put, "/v1/images/{name}/aliases/{alias}", Gate::write, BodyKind::document,
                  [&catalogue](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto body, RequestJson::read(x.request, kDocumentBytes, {"version"}));
                      IMGSRV_ASSIGN(const auto version, body.string("version"));
                      IMGSRV_ASSIGN(const auto put,
                                    catalogue.put_alias(x.call, x.param("name"), x.param("alias"), version));
                      return json_response(200, to_json(put.alias));
                  });

    endpoints.add(Method::del, "/v1/images/{name}/aliases/{alias}", Gate::write, BodyKind::none,
                  [&catalogue](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(catalogue.delete_alias(x.call, x.param("name"), x.param("alias")));
                      return no_content();
                  });
}

}  // namespace imgsrv::api
