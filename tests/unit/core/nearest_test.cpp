#include "core/nearest.h"

#include <catch2/catch.hpp>
#include <vector>

TEST_CASE("nearest finds the word that was meant") {
    const std::vector<std::string> keys = {"endpoint", "bucket", "region", "path_style"};
    CHECK(imgsrv::nearest("buckte", keys) == "bucket");
    CHECK(imgsrv::nearest("endpont", keys) == "endpoint");
    CHECK(imgsrv::nearest("pathstyle", keys) == "path_style");
}

TEST_CASE("nearest returns nothing when nothing is near") {
    const std::vector<std::string> keys = {"endpoint", "bucket", "db"};
    CHECK(imgsrv::nearest("colour", keys).empty());
    CHECK(imgsrv::nearest("xy", keys).empty());
    CHECK(imgsrv::nearest("bucket", std::vector<std::string>()).empty());
}
