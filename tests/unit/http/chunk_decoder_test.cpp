#include "http/chunk_decoder.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <string>
#include <vector>

using namespace imgsrv;
using http::ChunkDecoder;

namespace {

// Feeds `wire` in pieces that end at these offsets, buffering what is not consumed. Returns the decoded body or the
// error.
Result<std::string> decode(const std::string& wire, const std::vector<std::size_t>& ends, std::size_t room,
                           std::size_t* rest = nullptr) {
    ChunkDecoder decoder(1 << 20);
    std::string body;
    std::vector<std::byte> output(room);
    std::size_t used = 0;
    for (const std::size_t end : ends) {
        while (!decoder.finished()) {
            const auto step = decoder.decode(std::string_view(wire).substr(used, end - used), output);
            if (!step.ok()) return step.status();
            used += step->consumed;
            body.append(reinterpret_cast<const char*>(output.data()), step->produced);
            if (step->consumed == 0 && step->produced == 0) break;
        }
    }
    if (!decoder.finished()) return Status(Code::data_loss, "not finished");
    if (rest) *rest = wire.size() - used;
    return body;
}

}  // namespace

TEST_CASE("a chunked body decodes the same however it is split") {
    const std::string wire = "5\r\nhello\r\n1;name=value\r\n \r\nA\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\n";
    const std::string next = "GET /";
    for (const std::size_t room : {std::size_t{1}, std::size_t{3}, std::size_t{4096}})
        for (std::size_t first = 0; first <= wire.size(); ++first)
            for (std::size_t second = first; second <= wire.size(); second += 3) {
                std::size_t rest = 0;
                const auto body = decode(wire + next, {first, second, wire.size() + next.size()}, room, &rest);
                REQUIRE(body.ok());
                REQUIRE(*body == "hello 0123456789");
                REQUIRE(rest == next.size());
            }
}

TEST_CASE("the shortest last chunk may arrive byte by byte") {
    for (const std::string wire : {"0\r\n\r\n", "1\r\nx\r\n0\r\n\r\n"}) {
        std::vector<std::size_t> ends(wire.size());
        std::iota(ends.begin(), ends.end(), 1);
        const auto body = decode(wire, ends, 64);
        REQUIRE(body.ok());
        CHECK(*body == (wire.front() == '1' ? "x" : ""));
    }
}

TEST_CASE("bad chunk framing is refused") {
    for (const char* wire :
         {"-1\r\n", "x\r\n", "\r\n", "3\r\nabcXX\r\n", "3\r\nabc0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n\r\n",
          "3 \r\nabc\r\n", "10000000000000000\r\n", "3;\x01=\r\nabc\r\n", "3;a=\"b\r\n", "0;a=\"b\r\n\r\n",
          "0\r\nbad trailer\r\n\r\n", "0\r\nContent-Length: 3\r\n\r\n"}) {
        INFO(wire);
        const auto body = decode(wire, {std::string(wire).size()}, 64);
        REQUIRE_FALSE(body.ok());
        CHECK(body.status().code() == Code::invalid_argument);
    }
}

TEST_CASE("a chunk over the limit is refused when it is announced") {
    ChunkDecoder decoder(10);
    std::vector<std::byte> output(64);
    REQUIRE(decoder.decode("8\r\n01234567\r\n", output).ok());
    const auto over = decoder.decode("\r\n3\r\n", output);
    REQUIRE_FALSE(over.ok());
    CHECK(over.status().code() == Code::too_large);
}
