#include "core/compression.h"

#include <brotli/decode.h>
#include <zlib.h>

#include <catch2/catch.hpp>

using namespace imgsrv;

namespace {

std::string brotli_text(const std::string& coded) {
    std::string text(1 << 20, '\0');
    std::size_t size = text.size();
    const auto done = ::BrotliDecoderDecompress(coded.size(), reinterpret_cast<const std::uint8_t*>(coded.data()),
                                                &size, reinterpret_cast<std::uint8_t*>(text.data()));
    REQUIRE(done == BROTLI_DECODER_RESULT_SUCCESS);
    text.resize(size);
    return text;
}

// window: of inflateInit2; it selects the format.
std::string zlib_text(std::string coded, int window) {
    z_stream z{};
    REQUIRE(::inflateInit2(&z, window) == Z_OK);
    std::string text(1 << 20, '\0');
    z.next_in = reinterpret_cast<Bytef*>(coded.data());
    z.avail_in = static_cast<uInt>(coded.size());
    z.next_out = reinterpret_cast<Bytef*>(text.data());
    z.avail_out = static_cast<uInt>(text.size());
    const int done = ::inflate(&z, Z_FINISH);
    text.resize(z.total_out);
    ::inflateEnd(&z);
    REQUIRE(done == Z_STREAM_END);
    return text;
}

std::string sample(std::size_t size) {
    std::string text;
    for (unsigned i = 0; text.size() < size; ++i) text += "\"digest\":\"" + std::to_string(i * 2654435761U) + "\",";
    text.resize(size);
    return text;
}

}  // namespace

TEST_CASE("each coding has the format of its name") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1024}, std::size_t{700'000}}) {
        const std::string text = sample(size);
        for (const Effort effort : {Effort::fast, Effort::cached}) {
            CHECK(compress(Coding::identity, text, effort) == text);
            CHECK(brotli_text(compress(Coding::br, text, effort).value()) == text);
            CHECK(zlib_text(compress(Coding::gzip, text, effort).value(), MAX_WBITS + 16) == text);
            // RFC 9110, section 8.4.1.2: deflate has the zlib format around it.
            CHECK(zlib_text(compress(Coding::deflate, text, effort).value(), MAX_WBITS) == text);
        }
    }
}

TEST_CASE("a text shrinks") {
    const std::string text = sample(100'000);
    for (const Coding coding : {Coding::br, Coding::gzip, Coding::deflate})
        for (const Effort effort : {Effort::fast, Effort::cached})
            CHECK(compress(coding, text, effort).value().size() < text.size() / 2);
}
