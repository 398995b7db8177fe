#include <nlohmann/json.hpp>

#include "api/endpoint.h"
#include "api/request_json.h"

namespace imgsrv::api {

using http::BodyKind;
using http::Method;

void add_publish_routes(Endpoints& endpoints) {
    auto& publishing = endpoints.services().publishing;

    endpoints.add(Method::post, "/v1/images/{name}/versions/{version}/publish", Gate::write, BodyKind::document,
                  [&publishing](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(RequestJson::read_nothing(x.request, kDocumentBytes));
                      IMGSRV_ASSIGN(const auto started,
                                    publishing.publish(x.call, x.param("name"), x.param("version")));
                      Json body = {{"job_id", started.job_id}};
                      body.update(to_json(started.version));
                      auto response = json_response(started.repeated ? 200 : 202, body);
                      response.headers.add("Location", "/v1/publish-jobs/" + started.job_id);
                      return response;
                  });

    endpoints.add(Method::get, "/v1/publish-jobs", Gate::write, BodyKind::none,
                  [&publishing](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto page, x.page());
                      IMGSRV_ASSIGN(const auto text, x.request.query_value("state"));
                      std::optional<domain::JobState> state;
                      if (text) {
                          IMGSRV_ASSIGN(state, domain::check_job_state(*text));
                      }
                      IMGSRV_ASSIGN(const auto jobs, publishing.jobs(x.call, state, page));
                      return list_response(x, "publish_jobs", jobs);
                  });

    endpoints.add(Method::get, "/v1/publish-jobs/{job_id}", Gate::write, BodyKind::none,
                  [&publishing](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_ASSIGN(const auto job, publishing.job(x.call, x.param("job_id")));
                      return json_response(200, to_json(job));
                  });

    endpoints.add(Method::post, "/v1/publish-jobs/{job_id}/retry", Gate::write, BodyKind::document,
                  [&publishing](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(RequestJson::read_nothing(x.request, kDocumentBytes));
                      IMGSRV_ASSIGN(const auto job, publishing.retry(x.call, x.param("job_id")));
                      return json_response(202, to_json(job));
                  });

    endpoints.add(Method::post, "/v1/publish-jobs/{job_id}/abandon", Gate::write, BodyKind::document,
                  [&publishing](RequestContext& x) -> Result<http::Response> {
                      IMGSRV_TRY(RequestJson::read_nothing(x.request, kDocumentBytes));
                      IMGSRV_ASSIGN(const auto job, publishing.abandon(x.call, x.param("job_id")));
                      return json_response(200, to_json(job));
                  });
}

}  // namespace imgsrv::api
