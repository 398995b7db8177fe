#include "http/router.h"

#include <catch2/catch.hpp>

using namespace imgsrv;
using http::Method;

namespace {

http::Router make_router() {
    http::Router router;
    const auto add = [&](Method method, const char* pattern) {
        router.add({method, pattern, http::BodyKind::none, [](http::Request&) { return http::Response(); }, {}});
    };
    add(Method::get, "/");
    add(Method::get, "/v1/images");
    add(Method::post, "/v1/images");
    add(Method::get, "/v1/images/{name}");
    add(Method::get, "/v1/images/{name}/aliases/{alias}");
    add(Method::put, "/v1/images/{image}/aliases/{alias}");
    add(Method::del, "/v1/images/special");
    add(Method::get, "/v1/images/special/aliases");
    return router;
}

std::string pattern_of(const http::Router& router, Method method, std::string_view path) {
    const auto match = router.match(method, path);
    REQUIRE(match.ok());
    return match->route ? match->route->pattern : "none";
}

}  // namespace

TEST_CASE("paths find their routes") {
    const auto router = make_router();
    CHECK(pattern_of(router, Method::get, "/") == "/");
    CHECK(pattern_of(router, Method::get, "/v1/images") == "/v1/images");
    CHECK(pattern_of(router, Method::get, "/v1/images/debian") == "/v1/images/{name}");
    CHECK(pattern_of(router, Method::head, "/v1/images/debian") == "/v1/images/{name}");
    CHECK(pattern_of(router, Method::get, "/v1/images/special/aliases") == "/v1/images/special/aliases");
    // The literal is a dead end here, so the parameter is tried.
    CHECK(pattern_of(router, Method::get, "/v1/images/special/aliases/x") == "/v1/images/{name}/aliases/{alias}");
    CHECK(pattern_of(router, Method::get, "/v1/images/special") == "/v1/images/{name}");
    CHECK(pattern_of(router, Method::del, "/v1/images/special") == "/v1/images/special");
    for (const char* path : {"/v1", "/v1/", "/v1/images/", "//v1/images", "/v1//images", "/v1/images/a/b",
                             "/v1/images//aliases/x", "/V1/images"})
        CHECK(pattern_of(router, Method::get, path) == "none");
}

TEST_CASE("parameters carry their route's names and are decoded one by one") {
    const auto router = make_router();
    const auto get = router.match(Method::get, "/v1/images/a%2Fb/aliases/%C3%A9%20%25");
    REQUIRE(get.ok());
    REQUIRE(get->params.size() == 2);
    CHECK(get->params[0] == std::pair<std::string_view, std::string>("name", "a/b"));
    CHECK(get->params[1] == std::pair<std::string_view, std::string>("alias", "\xC3\xA9 %"));
    const auto put = router.match(Method::put, "/v1/images/x/aliases/y");
    REQUIRE(put.ok());
    CHECK(put->params[0].first == "image");
}

TEST_CASE("a known path with another method lists its methods") {
    const auto router = make_router();
    CHECK(router.match(Method::put, "/v1/images")->allow == "GET, HEAD, POST");
    CHECK(router.match(Method::post, "/v1/images/special")->allow == "GET, HEAD, DELETE");
    CHECK(router.match(Method::post, "/v1/images/a/aliases/b")->allow == "GET, HEAD, PUT");
    CHECK(router.match(Method::post, "/nothing")->allow.empty());
}

TEST_CASE("tricks with paths are refused") {
    const auto router = make_router();
    for (const char* path :
         {"/..", "/v1/../etc", "/v1/images/%2e%2e", "/v1/images/.%2E/x", "/./", "/v1/images/%00", "/v1/images/a%00b",
          "/v1/%", "/v1/images/%zz", "/%ff", "/v1/images/%c0%ae", "", "v1/images"}) {
        INFO(path);
        const auto match = router.match(Method::get, path);
        REQUIRE_FALSE(match.ok());
        CHECK(match.status().code() == Code::invalid_argument);
    }
    CHECK(pattern_of(router, Method::get, std::string(8000, '/')) == "none");
}
