#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/api.h"
#include "api/render_json.h"
#include "domain/page.h"
#include "http/router.h"
#include "ports/call.h"

namespace imgsrv::api {

constexpr std::size_t kDocumentBytes = 1024 * 1024;

// One admitted request: its caller, and the Call that its calls into the services carry.
struct RequestContext {
    http::Request& request;
    ports::Call call;
    services::Caller caller;

    // A writer sees drafts.
    services::View view() const;
    const std::string& param(std::string_view name) const { return request.param(name); }
    // ?limit= and ?after=.
    Result<domain::PageRequest> page() const;
};

enum class Gate {
    open,    // anonymous readers too; a token, if sent, must be valid
    write,   // content.write
    manage,  // auth.manage
};

// Returns the response, or a status that becomes a problem document.
using Endpoint = std::function<Result<http::Response>(RequestContext&)>;

// Adds routes to a router. Authentication, authorization and errors are handled here, once for all routes.
class Endpoints {
  public:
    Endpoints(http::Router& router, Services services);

    // fast: answers what it can on the event loop; may be empty.
    void add(http::Method method, std::string pattern, Gate gate, http::BodyKind body, Endpoint endpoint,
             http::FastHandler fast = nullptr);
    // A GET whose response to anonymous readers depends only on the target and the catalogue's generation. It is
    // cached, and then answered on the event loop.
    void add_cached(std::string pattern, Endpoint endpoint);
    // Without authentication; on the event loop if `fast` answers.
    void add_plain(http::Method method, std::string pattern, http::FastHandler fast, http::Handler handler);
    // The same, on the event loop and exempt from the rate limit.
    void add_probe(std::string pattern, std::function<http::Response()> answer);

    Services& services() { return *services_; }
    // Shared with the handlers, which outlive this object.
    const std::shared_ptr<Services>& shared() const { return services_; }

  private:
    http::Router& router_;
    std::shared_ptr<Services> services_;
    std::shared_ptr<ResponseCache> cache_;
};

// Endpoints adds no-store, unless the request is anonymous and the gate open: then 60 seconds in caches, and an ETag if
// the route is cached.
http::Response json_response(int status, const Json& body);
http::Response no_content();
// {"<name>": [...]} with a Link to the next page when there is one. Instantiated in endpoint.cpp for every type that is
// listed.
template <class T>
http::Response list_response(const RequestContext& context, std::string_view name, const domain::Page<T>& page);

// The groups of routes, each in its own file.
void add_upload_routes(Endpoints& endpoints);
void add_blob_routes(Endpoints& endpoints);
void add_catalogue_routes(Endpoints& endpoints);
void add_artifact_routes(Endpoints& endpoints);
void add_alias_routes(Endpoints& endpoints);
void add_publish_routes(Endpoints& endpoints);
void add_auth_routes(Endpoints& endpoints);
void add_provisioning_routes(Endpoints& endpoints);
void add_document_routes(Endpoints& endpoints);
void add_health_routes(Endpoints& endpoints);

// A GET or HEAD of a blob's bytes: ranges, conditions, caching.
Result<http::Response> serve_blob(Services& services, RequestContext& context, const std::string& digest,
                                  std::string_view content_type);

}  // namespace imgsrv::api
