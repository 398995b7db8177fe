// Chunked bodies as any client may send them: what comes out does not depend on how the bytes arrive or on the room for
// them, and never goes over the limit. The first byte says how much arrives at once, the second how much room there is.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/chunk_decoder.h"

using imgsrv::Code;
using imgsrv::http::ChunkDecoder;

namespace {

constexpr std::uint64_t kLimit = 4096;

void require(bool holds) {
    if (!holds) std::abort();
}

enum class End { finished, unfinished, refused };

struct Outcome {
    End end = End::unfinished;
    std::string body;
    std::size_t used = 0;
};

Outcome decode(std::string_view wire, std::size_t step, std::size_t room) {
    ChunkDecoder decoder(kLimit);
    Outcome out;
    std::vector<std::byte> output(room);
    for (std::size_t have = 0; have < wire.size();) {
        have += std::min(step, wire.size() - have);
        while (!decoder.finished()) {
            const auto rest = wire.substr(out.used, have - out.used);
            const auto done = decoder.decode(rest, output);
            if (!done.ok()) {
                const Code code = done.status().code();
                require(code == Code::invalid_argument || code == Code::too_large);
                out.end = End::refused;
                return out;
            }
            require(done->consumed <= rest.size() && done->produced <= room);
            out.used += done->consumed;
            out.body.append(reinterpret_cast<const char*>(output.data()), done->produced);
            if (done->consumed == 0 && done->produced == 0) break;
        }
    }
    if (decoder.finished()) out.end = End::finished;
    require(out.body.size() <= kLimit);
    return out;
}

// The body in chunks of `step` bytes.
std::string encode(std::string_view body, std::size_t step) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string wire;
    for (; !body.empty(); body.remove_prefix(std::min(step, body.size()))) {
        const auto chunk = body.substr(0, step);
        wire += kDigits[chunk.size() >> 4U];
        wire += kDigits[chunk.size() & 15U];
        wire.append("\r\n").append(chunk).append("\r\n");
    }
    return wire + "0\r\n\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t step = std::size_t{1} + data[0];
    const std::size_t room = std::size_t{1} + data[1];
    const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);

    const Outcome whole = decode(wire, wire.size(), kLimit);
    const Outcome pieces = decode(wire, step, room);
    require(pieces.end == whole.end);
    if (whole.end != End::refused) require(pieces.body == whole.body);
    if (whole.end == End::finished) require(pieces.used == whole.used);

    const std::string_view body = wire.substr(0, kLimit);
    const std::string sent = encode(body, std::min<std::size_t>(step, 255));
    const Outcome back = decode(sent + "GET / HTTP/1.1", room, step);
    require(back.end == End::finished && back.body == body && back.used == sent.size());
    return 0;
}
