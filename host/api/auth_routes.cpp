#include <nlohmann/json.hpp>

#include "api/endpoint.h"
#include "api/request_json.h"

namespace imgsrv::api {

using http::BodyKind;
using http::Method;

void add_auth_routes(Endpoints& endpoints) {
    auto& access = endpoints.services().access;

    endpoints.add(Method::get, "/v1/auth/roles", Gate::manage, BodyKind::none,
                  [](RequestContext&) -> Result<http::Response> {
                      Json roles = Json::array();
                      for (const auto& role : domain::kRoles) roles.push_back(to_json(role));
                      return json_response(200, {{"roles", std::move(roles)}});
                  });

    endpoints.add(Method::get, "/v1/auth/principals", Gate::manage, BodyKind::none,
                  [&access](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto page, x.page());
                      IMGSRV_ASSIGN(const auto principals, access.principals(x.call, page));
                      return list_response(x, "principals", principals);
                  });

    endpoints.add(Method::post, "/v1/auth/principals", Gate::manage, BodyKind::document,
                  [&access](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto body, RequestJson::read(x.request, kDocumentBytes,
                                                                       {"kind", "display_name", "attributes"}));
                      services::NewPrincipal request;
                      IMGSRV_ASSIGN(request.kind, body.string("kind"));
                      IMGSRV_ASSIGN(request.display_name, body.string("display_name"));
                      IMGSRV_ASSIGN(request.attributes, body.optional_object("attributes"));
                      IMGSRV_ASSIGN(const auto principal, access.create_principal(x.call, request));
                      auto response = json_response(201, to_json(principal));
                      response.headers.add("Location", "/v1/auth/principals/" + principal.id);
                      return response;
                  });

    endpoints.add(Method::get, "/v1/auth/principals/{id}", Gate::manage, BodyKind::none,
                  [&access](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto principal, access.principal(x.call, x.param("id")));
                      return json_response(200, to_json(principal));
                  });

    endpoints.add(Method::put, "/v1/auth/principals/{id}/roles/{role_id}", Gate::manage, BodyKind::document,
                  [&access](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(RequestJson::read_nothing(x.request, kDocumentBytes));
                      IMGSRV_TRY(access.grant(x.call, x.param("id"), x.param("role_id")));
                      return no_content();
                  });

    endpoints.add(Method::del, "/v1/auth/principals/{id}/roles/{role_id}", Gate::manage, BodyKind::none,
                  [&access](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(access.revoke_role(x.call, x.param("id"), x.param("role_id")));
                      return no_content();
                  });

    endpoints.add(Method::get, "/v1/auth/principals/{id}/api-tokens", Gate::manage, BodyKind::none,
                  [&access](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto page, x.page());
                      IMGSRV_ASSIGN(const auto tokens, access.tokens(x.call, x.param("id"), page));
                      return list_response(x, "api_tokens", tokens);
                  });

    endpoints.add(
        Method::post, "/v1/auth/principals/{id}/api-tokens", Gate::manage, BodyKind::document,
        [&access](RequestContext& x) -> Result<http::Response> {
            IMGSRV_ASSIGN(const auto body, RequestJson::read(x.request, kDocumentBytes, {"name", "expires_at"}));
            services::NewToken request;
            IMGSRV_ASSIGN(request.name, body.optional_string("name"));
            IMGSRV_ASSIGN(const auto expires, body.string("expires_at"));
            auto at = parse_rfc3339(expires);
            if (!at.ok()) return std::move(at).status().with_context("expires_at");
            request.expires = *at;
            IMGSRV_ASSIGN(const auto issued, access.issue_token(x.call, x.param("id"), request));
            Json json = to_json(issued.token);
            json["plaintext"] = issued.plaintext;
            return json_response(201, json);
        });

    endpoints.add(Method::del, "/v1/auth/api-tokens/{id}", Gate::manage, BodyKind::none,
                  [&access](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(access.revoke_token(x.call, x.param("id")));
                      return no_content();
                  });
}

}  // namespace imgsrv::api
