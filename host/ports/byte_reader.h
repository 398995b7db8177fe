#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/status.h"

namespace imgsrv::ports {

// A stream that is pulled: the caller owns the buffer, so a slow consumer slows the source. One thread at a time.
class ByteReader {
  public:
    virtual ~ByteReader() = default;

    // Bytes it will yield in all; none when unknown.
    virtual std::optional<std::uint64_t> size() const = 0;
    // Blocks until at least one byte is there. 0 means the end.
    virtual Result<std::size_t> read(std::span<std::byte> buffer) = 0;
    // Starts again at the first byte. unimplemented when the source cannot.
    virtual Status rewind() { return {Code::unimplemented, "this stream cannot be rewound"}; }
};

}  // namespace imgsrv::ports
