#include "key.h"

#include <catch2/catch.hpp>
#include <imgsrv/imgsrv.hpp>

using namespace imgsrv;
using namespace imgsrv::fs;

TEST_CASE("segments outside of the grammar are not valid") {
    for (const char* segment : {"a", "A-Z.0_9:", "...", "-", ".a"}) CHECK(sdk::valid_key_segment(segment));
    for (const char* segment : {"", ".", "..", "a/b", "a+", "a b", "\x7f", "\xc3\xa4"})
        CHECK_FALSE(sdk::valid_key_segment(segment));
    CHECK(sdk::valid_key_segment(std::string(sdk::kMaxKeySegmentBytes, 'x')));
    CHECK_FALSE(sdk::valid_key_segment(std::string(sdk::kMaxKeySegmentBytes + 1, 'x')));
    CHECK_FALSE(sdk::valid_key_segment(std::string_view("a\0b", 3)));
}

TEST_CASE("a key that is refused says why") {
    CHECK_NOTHROW(sdk::check_key("blobs/sha256/0a"));
    CHECK_THROWS_WITH(sdk::check_key(""), Catch::Contains("empty"));
    CHECK_THROWS_WITH(sdk::check_key(std::string(sdk::kMaxKeyBytes + 1, 'a')), Catch::Contains("1025"));
    CHECK_THROWS_WITH(sdk::check_key("ab/../c"), Catch::Contains("byte 3"));
    CHECK_THROWS_WITH(sdk::check_key("ab/"), Catch::Contains("byte 3"));
}

TEST_CASE("folders and objects never share a name") {
    CHECK(path_of("a").folder.empty());
    CHECK(path_of("a").name == "a");
    CHECK(path_of("blobs/sha256/0a").folder == "blobs+/sha256+");
    CHECK(path_of("blobs/sha256/0a").name == "0a");
}
