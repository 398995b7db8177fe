#include "services/catalogue/verified_reader.h"

#include <catch2/catch.hpp>

#include "../text_reader.h"
#include "domain/digest.h"
#include "services/catalogue/slice_reader.h"

using namespace imgsrv;
using namespace imgsrv::services;
using imgsrv::test::TextReader;

namespace {

std::string digest_of_text(std::string_view text) {
    Sha256 hash;
    hash.update(std::as_bytes(std::span(text)));
    return domain::Digest::from_hex(hash.hex()).text();
}

// What came out before the end or a failure.
std::string drain(ports::ByteReader& reader, Status& status) {
    std::string out;
    std::array<std::byte, 5> buffer{};
    for (;;) {
        const auto n = reader.read(buffer);
        status = n.status();
        if (!n.ok() || *n == 0) return out;
        out.append(reinterpret_cast<const char*>(buffer.data()), *n);
    }
}

}  // namespace

TEST_CASE("a stream with the right digest passes whole") {
    const std::string text = GENERATE("", "a", "abcdefg");
    TextReader source(text);
    VerifiedReader reader(source, text.size(), digest_of_text(text));
    Status status;
    CHECK(drain(reader, status) == text);
    CHECK(status.ok());
    CHECK(reader.failure().ok());
}

TEST_CASE("a stream with other bytes, or fewer, never passes whole") {
    const auto [bytes, size] =
        GENERATE(table<std::string, std::size_t>({{"abcdefX", 7}, {"abcde", 7}, {"", 7}, {"abcdefgh", 7}}));
    CAPTURE(bytes, size);
    TextReader source(bytes);
    VerifiedReader reader(source, size, digest_of_text("abcdefg"));
    Status status;
    CHECK(drain(reader, status).size() < size);
    CHECK(status.code() == Code::data_loss);
    CHECK(reader.failure().code() == Code::data_loss);
}

TEST_CASE("without a digest only the size counts") {
    TextReader source("abc");
    VerifiedReader reader(source, 3, "");
    Status status;
    CHECK(drain(reader, status) == "abc");
    CHECK(status.ok());
}

TEST_CASE("slices of a stream follow each other") {
    TextReader source("abcdefg");
    Status status;
    SliceReader first(source, 4);
    CHECK(drain(first, status) == "abcd");
    SliceReader second(source, 3);
    CHECK(drain(second, status) == "efg");
    CHECK(status.ok());
}
