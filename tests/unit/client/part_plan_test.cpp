#include "client/part_plan.h"

#include <catch2/catch.hpp>

using namespace imgsrv::client;

TEST_CASE("a file is cut into parts of one size and a rest") {
    const auto parts = cut(250, 100);
    REQUIRE(parts.size() == 3);
    CHECK(parts[0].number == 1);
    CHECK(parts[2].number == 3);
    CHECK(parts[2].offset == 200);
    CHECK(parts[2].length == 50);
    CHECK(cut(200, 100).size() == 2);
    CHECK(cut(1, 100).front().length == 1);
}

TEST_CASE("the part size grows until the file needs no more parts than can be listed") {
    constexpr std::uint64_t kMiB = 1U << 20U;
    CHECK(*choose_part_size(50ULL << 30U, 64 * kMiB) == 64 * kMiB);
    for (const std::uint64_t size : {std::uint64_t{1} << 40U, (std::uint64_t{1} << 40U) + 1, 5000 * 64 * kMiB + 1}) {
        const std::uint64_t part = *choose_part_size(size, 64 * kMiB);
        CHECK(part % kMiB == 0);
        CHECK((size + part - 1) / part <= kMaxParts);
    }
    CHECK(choose_part_size(1, 1024).status().code() == imgsrv::Code::invalid_argument);
    CHECK(choose_part_size(1, 6ULL << 30U).status().code() == imgsrv::Code::invalid_argument);
}
