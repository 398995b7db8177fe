#include "placement.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace imgsrv::fs;

TEST_CASE("parts of one size get their final places in any order") {
    Placement placement(0, 350);
    CHECK(placement.reserve(2, 100) == 100u);
    CHECK(placement.reserve(1, 100) == 0u);
    CHECK(placement.reserve(4, 50) == 300u);
    CHECK(placement.reserve(3, 100) == 200u);
}

TEST_CASE("a range that is taken is not given again until it is released") {
    Placement placement(0, 0);
    CHECK(placement.reserve(1, 100) == 0u);
    CHECK_FALSE(placement.reserve(1, 100));
    placement.release(0);
    CHECK(placement.reserve(1, 100) == 0u);
}

TEST_CASE("a longer part shows that the first one was the short last one") {
    SECTION("the announced size may tell at once") {
        constexpr std::uint64_t kUnit = 5 << 20;
        for (const auto& [number, size] : {std::pair{4U, 10ULL}, {4U, 1ULL}, {40U, 9ULL}, {2U, kUnit - 1}}) {
            const auto total = (number - 1) * kUnit + size;
            Placement placement(0, total);
            CHECK(placement.reserve(number, size) == total - size);
            CHECK(placement.reserve(1, kUnit) == 0u);
            CHECK(placement.unit() == kUnit);
        }
    }
    SECTION("also when its size is a round one that would make too many parts") {
        Placement placement(0, 50'000 * 4096ULL + 4096);
        CHECK(placement.reserve(2, 4096) == 50'000 * 4096ULL);
    }
    SECTION("and otherwise the next part does") {
        Placement placement(0, 0);
        CHECK(placement.reserve(4, 10) == 30u);
        CHECK_FALSE(placement.reserve(1, 100));  // the bytes at 30 are there
        CHECK(placement.unit() == 100);
        CHECK(placement.reserve(2, 100) == 100u);
        CHECK(placement.reserve(3, 100) == 200u);
    }
}

TEST_CASE("one odd part does not move the unit of the others") {
    Placement placement(0, 0);
    CHECK(placement.reserve(1, 100) == 0u);
    CHECK(placement.reserve(2, 100) == 100u);
    CHECK_FALSE(placement.reserve(3, 101));
    CHECK(placement.unit() == 100);
    CHECK(placement.reserve(4, 100) == 300u);
}

TEST_CASE("parts beyond what was announced, or beyond any file, get no place") {
    Placement announced(0, 250);
    CHECK(announced.reserve(1, 100) == 0u);
    CHECK_FALSE(announced.reserve(3, 100));
    CHECK(announced.reserve(3, 50) == 200u);
    Placement silent(0, 0);
    CHECK(silent.reserve(1, 5ULL << 30) == 0u);
    CHECK_FALSE(silent.reserve(10'000, 5ULL << 30));
    CHECK_FALSE(silent.reserve(2, 0));
}

TEST_CASE("pieces that lie one after another need no move") {
    CHECK(plan_moves({}).in_place);
    const std::vector<Piece> pieces = {{100, true, 0}, {0, false, 0}, {50, true, 100}};
    CHECK(plan_moves(pieces).in_place);
}

TEST_CASE("a target that holds another piece has to wait") {
    const std::vector<Piece> swapped = {{10, true, 10}, {10, true, 0}};
    CHECK_FALSE(plan_moves(swapped).in_place);
    CHECK(plan_moves(swapped).moves.empty());
    // A piece that overlaps its own target is in its own way.
    const std::vector<Piece> overlapping = {{10, true, 5}};
    CHECK(plan_moves(overlapping).moves.empty());
    const std::vector<Piece> gap = {{10, true, 0}, {10, true, 20}, {10, true, 30}};
    const auto plan = plan_moves(gap);
    REQUIRE(plan.moves.size() == 1);
    CHECK(plan.moves[0].piece == 1);
    CHECK(plan.moves[0].to == 10);
}

// Plays random uploads on a string instead of a file, with a crash before any move is recorded.
TEST_CASE("whatever the order and the sizes, moves never harm a piece that is still needed") {
    std::mt19937 random(7);
    for (int run = 0; run < 2000; ++run) {
        Placement placement(0, 0);
        std::vector<Piece> pieces;
        std::vector<std::string> contents;
        std::string file;
        const auto put = [&](std::uint64_t at, const std::string& bytes) {
            if (file.size() < at + bytes.size()) file.resize(at + bytes.size(), '?');
            file.replace(at, bytes.size(), bytes);
        };
        const int count = 1 + static_cast<int>(random() % 8);
        std::vector<std::size_t> order(static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::shuffle(order.begin(), order.end(), random);
        pieces.resize(order.size());
        contents.resize(order.size());
        for (const auto i : order) {
            const auto size = random() % 3 == 0 ? random() % 12 : 6;
            contents[i] = std::string(size, static_cast<char>('a' + i));
            const auto offset = placement.reserve(static_cast<std::uint32_t>(i + 1), size);
            pieces[i] = {size, offset.has_value(), offset.value_or(0)};
            if (offset) put(*offset, contents[i]);
        }
        bool rebuilt = false;
        for (int round = 0; round < 20; ++round) {
            for (std::size_t i = 0; i < pieces.size(); ++i)
                if (pieces[i].here) REQUIRE(file.substr(pieces[i].offset, pieces[i].size) == contents[i]);
            const auto plan = plan_moves(pieces);
            if (plan.in_place) break;
            if (plan.moves.empty()) {
                rebuilt = true;
                break;
            }
            for (const auto& move : plan.moves) put(move.to, contents[move.piece]);
            for (std::size_t i = 0; i < pieces.size(); ++i)
                if (pieces[i].here) REQUIRE(file.substr(pieces[i].offset, pieces[i].size) == contents[i]);
            for (const auto& move : plan.moves) pieces[move.piece] = {pieces[move.piece].size, true, move.to};
        }
        if (rebuilt) continue;
        std::string whole;
        for (const auto& content : contents) whole += content;
        REQUIRE(file.substr(0, whole.size()) == whole);
    }
}
