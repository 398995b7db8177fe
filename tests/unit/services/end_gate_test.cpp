#include "services/uploads/end_gate.h"

#include <array>
#include <catch2/catch.hpp>
#include <functional>

using namespace imgsrv;
using services::EndGate;

namespace {

// Yields one byte, then what `end` says.
class OneByte final : public ports::ByteReader {
  public:
    std::optional<std::uint64_t> size() const override { return 1; }
    Result<std::size_t> read(std::span<std::byte>) override {
        if (std::exchange(given_, true)) return end();
        return std::size_t{1};
    }

    std::function<Result<std::size_t>()> end = [] { return std::size_t{0}; };

  private:
    bool given_ = false;
};

struct Reading {
    Result<std::size_t> next() { return gate.read(buffer); }

    std::array<std::byte, 8> buffer{};
    OneByte source;
    int actions = 0;
    Status outcome;
    EndGate gate{source, [this] {
                     ++actions;
                     return outcome;
                 }};
};

}  // namespace

TEST_CASE("the action runs after the last byte and before the end, once") {
    Reading reading;
    CHECK(reading.gate.size() == 1);
    CHECK(reading.next().value() == 1);
    CHECK(reading.actions == 0);
    CHECK_FALSE(reading.gate.passed());
    CHECK(reading.next().value() == 0);
    CHECK(reading.actions == 1);
    CHECK(reading.gate.passed());
    CHECK(reading.next().value() == 0);
    CHECK(reading.actions == 1);
}

TEST_CASE("a stream whose action fails never ends") {
    Reading reading;
    reading.outcome = Status(Code::unavailable, "no database");
    CHECK(reading.next().ok());
    for (int repeated = 0; repeated < 2; ++repeated) CHECK(reading.next().status().message() == "no database");
    CHECK(reading.actions == 1);
    CHECK(reading.gate.failure().message() == "no database");
    CHECK_FALSE(reading.gate.passed());
}

TEST_CASE("a stream that fails takes no action") {
    Reading reading;
    reading.source.end = [] { return Result<std::size_t>(Status(Code::cancelled, "hung up")); };
    CHECK(reading.next().ok());
    for (int repeated = 0; repeated < 2; ++repeated) CHECK(reading.next().status().message() == "hung up");
    CHECK(reading.actions == 0);
    CHECK(reading.gate.failure().message() == "hung up");
    CHECK_FALSE(reading.gate.passed());
}
