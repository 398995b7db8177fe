#include "services/uploads/part_body.h"

#include <catch2/catch.hpp>

#include "../text_reader.h"

using namespace imgsrv;
using namespace imgsrv::services;
using imgsrv::test::TextReader;

namespace {

Status drain(PartBody& body) {
    std::array<std::byte, 16> buffer{};
    for (;;) {
        auto n = body.read(buffer);
        if (!n.ok()) return n.status();
        if (*n == 0) return {};
    }
}

}  // namespace

TEST_CASE("bytes are counted and hashed as they pass") {
    PartsInFlight in_flight;
    PartsInFlight::Receipt receipt(in_flight.session("a"), 1);
    TextReader source("hello world");
    Sha256 running;
    PartBody body(source, receipt, &running, {100, "too large", sha256_hex("hello world")});
    CHECK(drain(body).ok());
    CHECK(body.bytes() == 11);
    CHECK(running.hex() == sha256_hex("hello world"));
}

TEST_CASE("a body of another digest ends in an error, not in an end") {
    PartsInFlight in_flight;
    PartsInFlight::Receipt receipt(in_flight.session("a"), 1);
    TextReader source("hello");
    PartBody body(source, receipt, nullptr, {100, "too large", sha256_hex("other")});
    CHECK(drain(body).code() == Code::invalid_argument);
}

TEST_CASE("a body beyond the room left is cut off") {
    PartsInFlight in_flight;
    PartsInFlight::Receipt receipt(in_flight.session("a"), 1);
    TextReader source("hello");
    PartBody body(source, receipt, nullptr, {4, "does not fit", std::nullopt});
    const Status status = drain(body);
    CHECK(status.code() == Code::too_large);
    CHECK(status.message() == "does not fit");
}

TEST_CASE("a superseded body never reaches its end") {
    PartsInFlight in_flight;
    PartsInFlight::Receipt receipt(in_flight.session("a"), 1);
    TextReader source("");
    PartBody body(source, receipt, nullptr, {4, "does not fit", std::nullopt});
    PartsInFlight::Receipt newer(in_flight.session("a"), 1);
    CHECK(drain(body).code() == Code::aborted);
}
