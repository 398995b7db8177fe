#include "placement.h"

#include <algorithm>

namespace imgsrv::fs {
namespace {

// Below the file size limits of ext4 (16 TiB) and of what an off_t can hold.
constexpr std::uint64_t kMaxFileBytes = 8ULL << 40;

// Clients choose part sizes that are whole KiB or MiB.
constexpr std::uint64_t kUsualGranule = 4096;

// Ranges must be disjoint; true when [offset, offset + size) touches one of them.
bool overlaps(const std::map<std::uint64_t, std::uint64_t>& ranges, std::uint64_t offset, std::uint64_t size) {
    const auto next = ranges.lower_bound(offset);
    if (next != ranges.end() && next->first < offset + size) return true;
    if (next == ranges.begin()) return false;
    const auto before = std::prev(next);
    return before->first + before->second > offset;
}

}  // namespace

std::optional<std::uint64_t> Placement::reserve(std::uint32_t number, std::uint64_t size) {
    if (size == 0 || size > kMaxFileBytes) return std::nullopt;
    if (unit_ == 0 && is_short_last(number, size)) return take(expected_size_ - size, size);
    // A longer part shows that the unit was taken from a short last part. Two or more ranges speak for the unit.
    if (unit_ == 0 || (size > unit_ && taken_.size() <= 1)) unit_ = size;
    if (size > unit_) return std::nullopt;
    return take((number - 1) * unit_, size);
}

bool Placement::is_short_last(std::uint32_t number, std::uint64_t size) const {
    if (expected_size_ == 0 || number == 1 || size >= expected_size_) return false;
    // Were its size the unit, then it would lie beyond the end, or there would be more parts than numbers.
    const std::uint64_t before = number - 1;
    if (before * size >= expected_size_ || expected_size_ / size >= kMaxPartNumber) return true;
    // An odd size that leaves the same round number of bytes for each part before it.
    const std::uint64_t unit = (expected_size_ - size) / before;
    return size % kUsualGranule != 0 && unit % kUsualGranule == 0 && unit > size &&
           unit * before + size == expected_size_;
}

std::optional<std::uint64_t> Placement::take(std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t limit = expected_size_ != 0 ? std::min(expected_size_, kMaxFileBytes) : kMaxFileBytes;
    if (size > limit || offset > limit - size || overlaps(taken_, offset, size)) return std::nullopt;
    occupy(offset, size);
    return offset;
}

void Placement::occupy(std::uint64_t offset, std::uint64_t size) {
    if (size > 0) taken_.emplace(offset, size);
}

void Placement::release(std::uint64_t offset) {
    taken_.erase(offset);
}

MovePlan plan_moves(std::span<const Piece> pieces) {
    std::map<std::uint64_t, std::uint64_t> held;
    for (const auto& piece : pieces)
        if (piece.here && piece.size > 0) held.emplace(piece.offset, piece.size);
    MovePlan plan;
    plan.in_place = true;
    std::uint64_t target = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto& piece = pieces[i];
        const bool placed = piece.size == 0 || (piece.here && piece.offset == target);
        if (!placed) {
            plan.in_place = false;
            if (!overlaps(held, target, piece.size)) plan.moves.push_back({i, target});
        }
        target += piece.size;
    }
    return plan;
}

}  // namespace imgsrv::fs
