#pragma once

#include <mutex>
#include <string>
#include <unordered_set>

#include "fd.h"
#include "volume.h"

namespace imgsrv::fs {

// The folders below objects/, by the paths of path_of(). Once make() has returned a folder, its name and those of all
// folders above it are durable. Folders are never removed while the store is open, so that none disappears between
// make() and the rename into it; prune() removes the empty ones at the start. [any]
class Folders {
  public:
    Folders(const Volume& volume, Fd top) : volume_(volume), top_(std::move(top)) {}

    // A descriptor that can be synced. The empty path is the top. No descriptor, with errno ENOENT, when it is absent;
    // throws INTERNAL when the path runs through something that is not a folder, such as a symbolic link.
    Fd open(const std::string& path) const;
    Fd make(const std::string& path);
    int top() const { return top_.get(); }

    // Removes empty folders. Only while nothing else uses the store.
    void prune() noexcept;

  private:
    bool known_durable(const std::string& path);
    void remember(const std::string& path);

    const Volume& volume_;
    const Fd top_;
    std::mutex mutex_;
    std::unordered_set<std::string> durable_;  // bounded; forgetting costs a sync
};

// Throws INTERNAL: something other than a folder or a regular file lies on the path to a key. error: the errno that
// showed it, if one did.
[[noreturn]] void throw_not_ours(int error = 0);

}  // namespace imgsrv::fs
