#include "upload_parts.h"

#include <catch2/catch.hpp>

#include "digest.h"

using namespace imgsrv::s3;
using Catch::Contains;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::vector<ListedPart> named(const std::vector<std::uint32_t>& numbers) {
    std::vector<imgsrv_part> parts;
    for (const auto number : numbers) parts.push_back({number, 0, 1, {"e", 1}});
    return named_parts(parts);
}

}  // namespace

TEST_CASE("named parts ascend, and there is one") {
    CHECK(named({3, 7, 10000}).size() == 3);
    CHECK_THROWS_WITH(named({}), Contains("at least one"));
    CHECK_THROWS_WITH(named({1, 1}), Contains("ascend"));
    CHECK_THROWS_WITH(named({2, 1}), Contains("1 comes after 2"));
}

TEST_CASE("a part that is not stored as it is named is told by its number") {
    const std::vector<ListedPart> stored = {{1, 10, "a"}, {3, 30, "c"}};
    CHECK_NOTHROW(check_stored(std::vector<ListedPart>{{3, 30, "c"}}, stored));
    CHECK_THROWS_WITH(check_stored(std::vector<ListedPart>{{2, 10, "a"}}, stored), Contains("part 2 is not stored"));
    CHECK_THROWS_WITH(check_stored(std::vector<ListedPart>{{3, 31, "c"}}, stored), Contains("part 3 has 30 bytes"));
    CHECK_THROWS_WITH(check_stored(std::vector<ListedPart>{{3, 30, "b"}}, stored), Contains("part 3 has the etag c"));
}

TEST_CASE("a part that is too small for where it stands is told by its number") {
    const std::vector<ListedPart> stored = {{1, 5 * kMiB, "a"}, {2, 5 * kMiB - 1, "b"}, {3, 1, "c"}};
    CHECK_NOTHROW(check_stored(std::vector<ListedPart>{stored[0], stored[1]}, stored));
    CHECK_NOTHROW(check_stored(std::vector<ListedPart>{stored[0], stored[2]}, stored));
    CHECK_NOTHROW(check_stored(std::vector<ListedPart>{stored[2]}, stored));
    CHECK_THROWS_WITH(check_stored(stored, stored), Contains("part 2 has 5242879 bytes") && Contains("5 MiB"));
}

TEST_CASE("the etag of an object follows from those of its parts") {
    // As Ceph, Swift and AWS have it: of parts with the bytes "a" and "b".
    const std::vector<ListedPart> parts = {{1, 1, md5_hex("a")}, {2, 1, md5_hex("b")}};
    std::string sums;
    for (const auto& part : parts)
        for (std::size_t i = 0; i < 32; i += 2)
            sums += static_cast<char>(std::stoi(part.etag.substr(i, 2), nullptr, 16));
    CHECK(joined_etag(parts) == md5_hex(sums) + "-2");
    CHECK_FALSE(joined_etag(std::vector<ListedPart>{{1, 1, "opaque"}}));
    CHECK_FALSE(joined_etag(std::vector<ListedPart>{{1, 1, std::string(32, 'x')}}));
}

TEST_CASE("ranges of neighbours are one, and the others are left out") {
    const std::vector<ListedPart> layout = {{1, 5 * kMiB, "a"}, {2, 6 * kMiB, "b"}, {4, 7 * kMiB, "d"}, {9, 10, "i"}};
    const CopySource object{"key", "etag", 0, 0};
    const auto ranges = ranges_of(std::vector<ListedPart>{layout[0], layout[1], layout[3]}, layout, object);
    REQUIRE(ranges.size() == 2);
    CHECK((ranges[0].offset == 0 && ranges[0].length == 11 * kMiB && ranges[0].key == "key"));
    CHECK((ranges[1].offset == 18 * kMiB && ranges[1].length == 10 && ranges[1].etag == "etag"));
    CHECK(ranges_of(std::vector<ListedPart>{}, layout, object).empty());
}

TEST_CASE("a layout is read as it was written") {
    const std::vector<ListedPart> layout = {{1, 5 * kMiB, "a"}, {10000, UINT64_MAX, "b-2"}};
    const auto read = parse_layout(layout_text(layout));
    REQUIRE(read.size() == 2);
    CHECK((read[1].number == 10000 && read[1].size == UINT64_MAX && read[1].etag == "b-2"));
    for (const char* text : {"", "1 2", "1 x a\n", "1 2 a\nrest"}) CHECK_THROWS(parse_layout(text));
}

TEST_CASE("a source is cut into even pieces, none below what a part must have") {
    for (const std::uint64_t length : {std::uint64_t{1}, 640 * kMiB, 640 * kMiB + 1, 9999 * kMiB + 7}) {
        const auto pieces = cut({"key", "etag", 100, length}, 640 * kMiB);
        std::uint64_t at = 100;
        for (const auto& piece : pieces) {
            CHECK(piece.offset == at);
            CHECK(piece.length <= 640 * kMiB);
            if (length >= kLeastPart) CHECK(piece.length >= kLeastPart);
            at += piece.length;
        }
        CHECK(at == 100 + length);
    }
    CHECK(cut({"key", "etag", 0, 0}, kMiB).empty());
}
