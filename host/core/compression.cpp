#include "core/compression.h"

#include <brotli/encode.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace imgsrv {
namespace {

// The highest levels that still pay off on catalogue documents, half of which is digests. A streams document of 10 MB:
// brotli 4 leaves 0.14 of it at 88 MB/s, brotli 5 leaves 0.147 at 37 MB/s; gzip 6 leaves 0.173 at 61 MB/s, gzip 4 is no
// faster. One of 20 KB: brotli 2 leaves 0.161 at 310 MB/s, brotli 4 leaves 0.156 at 113 MB/s; gzip 3 leaves 0.202 at
// 330 MB/s, gzip 6 leaves 0.184 at 96 MB/s.
constexpr int kBrotliFast = 2;
constexpr int kBrotliCached = 4;
constexpr int kZlibFast = 3;
constexpr int kZlibCached = 6;

constexpr int kLeastWindow = 16;
constexpr int kMostWindow = 22;

// Uninitialised, so that only the pages in use are touched: the output is far smaller than its bound.
std::unique_ptr<unsigned char[]> room(std::size_t size) {
    return std::unique_ptr<unsigned char[]>(new unsigned char[size]);
}

std::string string_of(const std::unique_ptr<unsigned char[]>& bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes.get()), size};
}

std::optional<std::string> brotli(std::string_view text, int quality) {
    std::size_t size = ::BrotliEncoderMaxCompressedSize(text.size());
    if (size == 0) return std::nullopt;
    // The encoder's memory grows with its window.
    int window = kLeastWindow;
    while (window < kMostWindow && (std::size_t{1} << static_cast<unsigned>(window)) < text.size() + 16) ++window;
    const auto out = room(size);
    const auto* in = reinterpret_cast<const unsigned char*>(text.data());
    if (::BrotliEncoderCompress(quality, window, BROTLI_MODE_TEXT, text.size(), in, &size, out.get()) == BROTLI_FALSE)
        return std::nullopt;
    return string_of(out, size);
}

struct Deflate {
    z_stream stream{};
    bool open = false;
    ~Deflate() {
        if (open) ::deflateEnd(&stream);
    }
};

std::optional<std::string> zlib(std::string_view text, int level, bool gzip) {
    // zlib counts in 32 bits; no text that the server holds in memory comes near that.
    if (text.size() > std::numeric_limits<uInt>::max() / 2) return std::nullopt;
    Deflate deflate;
    z_stream& z = deflate.stream;
    constexpr int kMemory = 8;
    const int format = MAX_WBITS + (gzip ? 16 : 0);
    if (::deflateInit2(&z, level, Z_DEFLATED, format, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) return std::nullopt;
    deflate.open = true;
    const std::size_t size = ::deflateBound(&z, text.size());
    const auto out = room(size);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = out.get();
    z.avail_out = static_cast<uInt>(size);
    if (::deflate(&z, Z_FINISH) != Z_STREAM_END) return std::nullopt;
    return string_of(out, z.total_out);
}

}  // namespace

std::string_view to_string(Coding coding) {
    switch (coding) {
        case Coding::deflate:
            return "deflate";
        case Coding::gzip:
            return "gzip";
        case Coding::br:
            return "br";
        case Coding::identity:
            break;
    }
    return "identity";
}

std::optional<std::string> compress(Coding coding, std::string_view text, Effort effort) {
    const bool cached = effort == Effort::cached;
    switch (coding) {
        case Coding::br:
            return brotli(text, cached ? kBrotliCached : kBrotliFast);
        case Coding::gzip:
        case Coding::deflate:
            return zlib(text, cached ? kZlibCached : kZlibFast, coding == Coding::gzip);
        case Coding::identity:
            break;
    }
    return std::string(text);
}

}  // namespace imgsrv
