#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fd.h"
#include "volume.h"

namespace imgsrv::fs {

// Walks the keys of a tree in the order of their bytes, as if it were flat: "a", "a-b", "a/c", "a0". Of each folder it
// holds as many names as the caller still wants, so that a folder of a million objects costs a read for each page and
// no memory. Not thread-safe.
class Listing {
  public:
    // Keys that start with `prefix` and come after `start_after`; both may be any text. `top` must outlive this.
    Listing(const Volume& volume, int top, std::string_view prefix, std::string_view start_after)
        : volume_(volume), top_(top), prefix_(prefix), after_(start_after) {}

    // The next key; none at the end. `wanted`: about how many more the caller will ask for.
    std::optional<std::string> next(std::size_t wanted);

  private:
    // One folder on the way down. `prefix` is the part of the key above its names, with the last '/'.
    struct Level {
        std::string prefix;
        std::string folder;              // path below the top
        std::vector<std::string> names;  // as they stand in keys, folders with '/' at the end; the next one last
        bool complete = false;           // nothing is left in the folder after `names`
        std::string last;                // the last name read so far
    };

    void read(Level& level, std::size_t wanted) const;
    // Some key that begins with `stem` may be in the list. A stem that does not end with '/' is a whole key.
    bool relevant(const std::string& stem) const;

    const Volume& volume_;
    const int top_;
    const std::string prefix_;
    const std::string after_;
    bool started_ = false;
    std::vector<Level> levels_;
};

}  // namespace imgsrv::fs
