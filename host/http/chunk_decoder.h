#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/status.h"

namespace imgsrv::http {

// Decodes the chunked transfer coding (RFC 9112, section 7.1). Extensions and trailers are ignored.
class ChunkDecoder {
  public:
    // limit: of the decoded body's length.
    explicit ChunkDecoder(std::uint64_t limit);
    ~ChunkDecoder();

    struct Step {
        std::size_t consumed = 0;  // of the input
        std::size_t produced = 0;  // into the output
    };
    // Decodes some of `input`, which starts with what the previous step left unconsumed. Nothing consumed: more input
    // is needed. invalid_argument for bad framing, too_large when an announced chunk would exceed the limit; the
    // decoder must not be used afterwards.
    Result<Step> decode(std::string_view input, std::span<std::byte> output);
    // The last chunk and its trailers were consumed; the next request follows.
    bool finished() const;

  private:
    class Parser;
    std::unique_ptr<Parser> parser_;
    const std::uint64_t limit_;
    bool in_trailers_ = false;  // the last chunk's line has come, and not yet the end of its trailers
};

}  // namespace imgsrv::http
