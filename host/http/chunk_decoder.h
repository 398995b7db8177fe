#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/status.h"

namespace imgsrv::http {

// Takes the chunked coding (RFC 9112, section 7.1) off a body. Extensions and trailers are read and forgotten.
class ChunkDecoder {
  public:
    // limit: of the decoded body's length.
    explicit ChunkDecoder(std::uint64_t limit);
    ~ChunkDecoder();

    struct Step {
        std::size_t consumed = 0;  // of the input
        std::size_t produced = 0;  // into the output
    };
    // Decodes a bit of `input`, which begins with whatever an earlier step left unconsumed. Nothing consumed means that
    // more input is needed first. invalid_argument for bad framing, too_large when a chunk is announced that goes
    // over the limit; the decoder is of no use afterwards.
    Result<Step> decode(std::string_view input, std::span<std::byte> output);
    // The last chunk and its trailers were consumed; what follows is the next request.
    bool finished() const;

  private:
    class Parser;
    std::unique_ptr<Parser> parser_;
    const std::uint64_t limit_;
};

}  // namespace imgsrv::http
