#include "api/response_cache.h"

#include <catch2/catch.hpp>

using namespace imgsrv;

TEST_CASE("a response is cached until the catalogue changes") {
    services::CatalogueClock clock;
    clock.advance_to(5);
    api::ResponseCache cache(clock);
    CHECK(cache.find("/v1/images") == nullptr);
    auto answer = std::make_shared<api::CachedResponse>("{}");
    answer->generation = 5;
    cache.put("/v1/images", answer);
    CHECK(cache.find("/v1/images") == answer);
    CHECK(cache.find("/v1/images?limit=1") == nullptr);
    clock.advance_to(4);
    CHECK(cache.find("/v1/images") == answer);
    clock.advance_to(6);
    CHECK(cache.find("/v1/images") == nullptr);
}

TEST_CASE("the cache stays bounded, including compressed forms") {
    services::CatalogueClock clock;
    api::ResponseCache cache(clock);
    auto answer = std::make_shared<api::CachedResponse>(std::string(1024 * 1024, 'x'));
    for (int i = 0; i < 100; ++i) cache.put("/" + std::to_string(i), answer);
    int found = 0;
    for (int i = 0; i < 100; ++i) found += cache.find("/" + std::to_string(i)) ? 1 : 0;
    CHECK(found > 0);
    CHECK(found <= 9);
}
