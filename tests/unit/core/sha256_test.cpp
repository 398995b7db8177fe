#include "core/sha256.h"

#include <catch2/catch.hpp>

using imgsrv::Sha256;

namespace {
std::span<const std::byte> bytes(std::string_view s) {
    return std::as_bytes(std::span(s.data(), s.size()));
}
}  // namespace

TEST_CASE("SHA-256 of FIPS 180-4's example") {
    REQUIRE(imgsrv::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a stored SHA-256 state resumes where it stopped, at any split") {
    const std::string text(1000, 'x');
    for (std::size_t cut : {0, 1, 63, 64, 65, 500, 1000}) {
        Sha256 first;
        first.update(bytes(text).first(cut));
        auto second = Sha256::restore(first.save());
        REQUIRE(second.ok());
        second->update(bytes(text).subspan(cut));
        CHECK(second->hex() == imgsrv::sha256_hex(text));
        CHECK(second->length() == text.size());
    }
}

TEST_CASE("reading the digest does not end the running hash") {
    Sha256 h;
    h.update(bytes("ab"));
    CHECK(h.hex() == imgsrv::sha256_hex("ab"));
    h.update(bytes("c"));
    CHECK(h.hex() == imgsrv::sha256_hex("abc"));
}

TEST_CASE("a state of another layout is refused") {
    std::string saved = Sha256().save();
    saved[0] = 'X';
    CHECK(Sha256::restore(saved).status().code() == imgsrv::Code::failed_precondition);
    CHECK_FALSE(Sha256::restore("").ok());
}
