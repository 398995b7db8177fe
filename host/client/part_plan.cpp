#include "client/part_plan.h"

#include <algorithm>

#include "core/units.h"

namespace imgsrv::client {

Result<std::uint64_t> choose_part_size(std::uint64_t file_size, std::uint64_t asked) {
    if (asked < kMinPartSize || asked > kMaxPartSize)
        return Status(Code::invalid_argument, "a part size of " + format_size(asked) + " is outside the range " +
                                                  format_size(kMinPartSize) + " to " + format_size(kMaxPartSize));
    constexpr std::uint64_t kMiB = 1U << 20U;
    const std::uint64_t least = (file_size + kMaxParts - 1) / kMaxParts;
    if (least <= asked) return asked;
    return (least + kMiB - 1) / kMiB * kMiB;
}

std::vector<PartRange> cut(std::uint64_t file_size, std::uint64_t part_size) {
    std::vector<PartRange> parts;
    for (std::uint64_t at = 0; at < file_size; at += part_size)
        parts.push_back({.number = static_cast<std::uint32_t>(parts.size() + 1),
                         .offset = at,
                         .length = std::min(part_size, file_size - at)});
    return parts;
}

}  // namespace imgsrv::client
