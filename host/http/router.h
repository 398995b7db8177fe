#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace imgsrv::http {

// Runs on a worker thread; may block. Exceptions become 500.
using Handler = std::function<Response(Request&)>;
// Runs on the event loop; must not block. Answers the request or leaves it to the handler.
using FastHandler = std::function<std::optional<Response>(const Request&)>;

enum class BodyKind {
    none,       // a body that is not empty is refused with 400
    document,   // bounded JSON
    streaming,  // long: counted against the limit on concurrent uploads (above it: 503 with Retry-After)
};

struct Route {
    Method method = Method::get;
    std::string pattern;  // "/v1/uploads/{id}/parts/{number}"; a parameter is one whole segment
    BodyKind body = BodyKind::none;
    Handler handler;
    FastHandler fast;     // may be empty
    bool limited = true;  // counts towards the client's rate limit
};

// The table of routes. Filled before the server starts; read without locks afterwards.
class Router {
  public:
    Router();
    ~Router();
    Router(Router&&) noexcept;

    // A GET route answers HEAD too. Two routes with the same method and pattern are a bug (assert).
    void add(Route route);
    const std::vector<Route>& routes() const;

    struct Match {
        const Route* route = nullptr;  // null: see allow
        std::vector<std::pair<std::string_view, std::string>> params;
        std::string allow;  // the methods that the path supports, for 405; empty: 404
    };
    // Literal segments win over parameters. Segments are percent-decoded one by one, so that "%2F" stays within its
    // segment. invalid_argument for bad percent-encoding, NUL, or "." and ".." segments, encoded or not.
    Result<Match> match(Method method, std::string_view path) const;

  private:
    struct Table;
    std::unique_ptr<Table> table_;
};

}  // namespace imgsrv::http
