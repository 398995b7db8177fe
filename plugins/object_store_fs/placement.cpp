#include "placement.h"

namespace imgsrv::fs {
namespace {

// Below the file size limits of ext4 (16 TiB) and of what an off_t can hold.
constexpr std::uint64_t kMaxFileBytes = 8ULL << 40;

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
    // A longer part shows that the unit was taken from a short last part. Two ranges or more speak for the unit.
    if (unit_ == 0 || (size > unit_ && taken_.size() <= 1)) {
        // More parts of this size than the object has room for: this is the short last part, and tells no unit.
        const bool last = expected_size_ != 0 && size < expected_size_ && (number - 1) * size >= expected_size_;
        if (last) return std::nullopt;
        unit_ = size;
    }
    if (size > unit_) return std::nullopt;
    const std::uint64_t offset = (number - 1) * unit_;
    const std::uint64_t limit = expected_size_ != 0 ? expected_size_ : kMaxFileBytes;
    if (offset > kMaxFileBytes - size || offset + size > limit || !free(offset, size)) return std::nullopt;
    occupy(offset, size);
    return offset;
}

void Placement::occupy(std::uint64_t offset, std::uint64_t size) {
    if (size > 0) taken_.emplace(offset, size);
}

void Placement::release(std::uint64_t offset) {
    taken_.erase(offset);
}

bool Placement::free(std::uint64_t offset, std::uint64_t size) const {
    return !overlaps(taken_, offset, size);
}

MovePlan plan_moves(std::span<const Piece> pieces) {
    std::map<std::uint64_t, std::uint64_t> held;
    for (const auto& piece : pieces) {
        if (piece.here && piece.size > 0) held.emplace(piece.offset, piece.size);
    }
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
