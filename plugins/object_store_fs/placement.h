#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

// Where the parts of an upload go in its one sparse file. Pure; no I/O.
namespace imgsrv::fs {

// An object has at most this many parts, numbered from 1.
inline constexpr std::uint32_t kMaxPartNumber = 10'000;

// Decides while parts arrive, in any order and several at once. Nearly all clients cut a file into parts of one size,
// the unit, and only the last one is shorter: part n then belongs at (n - 1) × unit, and once all parts are there the
// file is the object. The unit is the size of the first part, unless the size announced for the object tells that this
// is the short last part, which belongs at the end; a later part that is longer proves it afterwards. What does not fit
// gets no place here and goes to a file of its own. Not thread-safe.
class Placement {
  public:
    // unit 0: not known yet. expected_size: the whole object's, 0 when unknown.
    Placement(std::uint64_t unit, std::uint64_t expected_size) : unit_(unit), expected_size_(expected_size) {}

    std::uint64_t unit() const { return unit_; }

    // The offset where a part about to arrive may be written, now its own; none when it must go elsewhere: it does not
    // fit the scheme, or bytes that were accepted, or are being written, lie there.
    std::optional<std::uint64_t> reserve(std::uint32_t number, std::uint64_t size);
    // Marks a range as holding an accepted part.
    void occupy(std::uint64_t offset, std::uint64_t size);
    // Frees a range whose part was not accepted.
    void release(std::uint64_t offset);

  private:
    bool is_short_last(std::uint32_t number, std::uint64_t size) const;
    std::optional<std::uint64_t> take(std::uint64_t offset, std::uint64_t size);

    std::uint64_t unit_;
    std::uint64_t expected_size_;
    std::map<std::uint64_t, std::uint64_t> taken_;  // offset → size; disjoint
};

// One part of an object about to be completed, in its order.
struct Piece {
    std::uint64_t size = 0;
    bool here = false;         // in the file that is to become the object
    std::uint64_t offset = 0;  // in the file it is in
};

struct Move {
    std::size_t piece = 0;  // index into the pieces
    std::uint64_t to = 0;   // offset in the file that is to become the object
};

struct MovePlan {
    bool in_place = false;    // every piece is where it belongs
    std::vector<Move> moves;  // may be done at once, in any order: no target holds bytes of any piece
};

// What can be moved next so that pieces lie one after another from 0. Neither in place nor any move: the pieces block
// each other, and only a new file helps.
MovePlan plan_moves(std::span<const Piece> pieces);

}  // namespace imgsrv::fs
