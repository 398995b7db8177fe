#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"

namespace imgsrv::client {

// The server accepts 10000 parts, but the list of them at completion must fit its limit of 1 MiB for a JSON body.
inline constexpr std::uint64_t kMaxParts = 5000;
// The largest part that the server accepts.
inline constexpr std::uint64_t kMaxPartSize = 5ULL << 30U;
inline constexpr std::uint64_t kMinPartSize = 64ULL << 10U;

struct PartRange {
    std::uint32_t number = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

// The part size to use for a file of this size: the requested one, or the next whole MiB that needs at most kMaxParts.
// invalid_argument outside 64 KiB to 5 GiB.
Result<std::uint64_t> choose_part_size(std::uint64_t file_size, std::uint64_t asked);

// The file cut into parts of one size; only the last may be shorter.
std::vector<PartRange> cut(std::uint64_t file_size, std::uint64_t part_size);

}  // namespace imgsrv::client
