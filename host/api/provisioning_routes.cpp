#include <nlohmann/json.hpp>

#include "api/endpoint.h"
#include "api/request_json.h"
#include "core/uuid.h"

namespace imgsrv::api {
namespace {

using http::BodyKind;
using http::Method;

constexpr std::string_view kRules = "/v1/auth/oidc-provisioning-rules";

// path_id is empty for a new rule.
Result<domain::ProvisioningRule> read_rule(http::Request& request, const std::string& path_id) {
    IMGSRV_ASSIGN(const auto body, RequestJson::read(request, kDocumentBytes,
                                                     {"id", "display_name", "issuer_url", "audience",
                                                      "forwarded_claims", "condition", "enabled"}));
    domain::ProvisioningRule rule;
    IMGSRV_ASSIGN(const auto id, body.optional_string("id"));
    rule.id = path_id.empty() ? id.value_or("") : path_id;
    if (id && path_id.empty() && !is_uuid(*id))
        return Status(Code::invalid_argument, "id '" + id->substr(0, 64) + "' is not a UUID in lower case");
    if (id && *id != rule.id)
        return Status(Code::invalid_argument, "id '" + id->substr(0, 64) + "' differs from the id in the path");
    IMGSRV_ASSIGN(rule.display_name, body.string("display_name"));
    IMGSRV_ASSIGN(rule.issuer_url, body.string("issuer_url"));
    IMGSRV_ASSIGN(rule.audience, body.string("audience"));
    IMGSRV_ASSIGN(rule.forwarded_claims, body.optional_strings("forwarded_claims", domain::kMaxForwardedClaims));
    IMGSRV_ASSIGN(rule.condition, body.string("condition"));
    IMGSRV_ASSIGN(rule.enabled, body.boolean("enabled"));
    return rule;
}

Result<http::Response> reconcile(services::ProvisioningService& rules, RequestContext& x, bool apply) {
    IMGSRV_ASSIGN(const auto result, rules.reconcile(x.call, x.param("id"), apply));
    Json principals = Json::array();
    for (const auto& principal : result.principals) principals.push_back(to_json(principal));
    return json_response(200, {{"rule_id", x.param("id")},
                               {"unassign_role_ids", Json::array({domain::kRuleRole})},
                               {"principals", std::move(principals)},
                               {"applied", result.applied}});
}

}  // namespace

void add_provisioning_routes(Endpoints& endpoints) {
    auto& rules = endpoints.services().provisioning;
    const std::string all(kRules);
    const std::string one = all + "/{id}";
    const std::string reconciliation = one + "/reconciliation";

    endpoints.add(Method::get, all, Gate::manage, BodyKind::none,
                  [&rules](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto page, x.page());
                      IMGSRV_ASSIGN(const auto list, rules.rules(x.call, page));
                      return list_response(x, "rules", list);
                  });

    endpoints.add(Method::post, all, Gate::manage, BodyKind::document,
                  [&rules](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(auto request, read_rule(x.request, ""));
                      IMGSRV_ASSIGN(const auto rule, rules.create(x.call, std::move(request)));
                      auto response = json_response(201, to_json(rule));
                      response.headers.add("Location", std::string(kRules) + "/" + rule.id);
                      return response;
                  });

    endpoints.add(Method::get, one, Gate::manage, BodyKind::none,
                  [&rules](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto rule, rules.rule(x.call, x.param("id")));
                      return json_response(200, to_json(rule));
                  });

    endpoints.add(Method::put, one, Gate::manage, BodyKind::document,
                  [&rules](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(auto request, read_rule(x.request, x.param("id")));
                      IMGSRV_ASSIGN(const auto rule, rules.update(x.call, std::move(request)));
                      return json_response(200, to_json(rule));
                  });

    endpoints.add(Method::del, one, Gate::manage, BodyKind::none,
                  [&rules](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(rules.remove(x.call, x.param("id")));
                      return no_content();
                  });

    endpoints.add(Method::get, reconciliation, Gate::manage, BodyKind::none,
                  [&rules](RequestContext& x) { return reconcile(rules, x, false); });

    endpoints.add(Method::post, reconciliation, Gate::manage, BodyKind::document,
                  [&rules](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(RequestJson::read_nothing(x.request, kDocumentBytes));
                      return reconcile(rules, x, true);
                  });
}

}  // namespace imgsrv::api
