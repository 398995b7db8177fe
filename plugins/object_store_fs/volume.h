#pragma once

#include <fcntl.h>

#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <string>
#include <string_view>

#include "fd.h"

namespace imgsrv::fs {

// The file system below the store's root: how files are opened in it, made durable, and what its errors mean. Its
// messages never contain the root's path. [any]
class Volume {
  public:
    // root: an open folder. durable false (option fsync = false): syncs do nothing. direct (option direct_io): long
    // streams go to the disk past the page cache; only of use when durable.
    Volume(Fd root, bool durable, bool direct)
        : root_(std::move(root)), durable_(durable), direct_(durable && direct) {}

    int root() const { return root_.get(); }
    bool durable() const { return durable_; }
    bool direct() const { return direct_; }

    // The Failure for the errno value `error` of the action `what` ("write the object"). A full disk or quota is
    // RESOURCE_EXHAUSTED and says how much is free. What the operator must fix (permissions, a read-only mount) is
    // UNAVAILABLE: it is never the client's fault.
    sdk::Failure failure(int error, std::string_view what) const;

    // The file's bytes and its size. Throws when they may not be on disk.
    void sync_data(int fd) const;
    // The same with all of its metadata, the modification time among it.
    void sync_file(int fd) const;
    // The names in a folder.
    void sync_folder(int fd) const;

    // Bytes an ordinary user may still write.
    std::uint64_t free_bytes() const;

  private:
    Fd root_;
    bool durable_;
    bool direct_;
};

// The flags that open a folder.
inline constexpr int kFolder = O_RDONLY | O_DIRECTORY;

// Opens a path below `folder` that passes no symbolic link and never leaves it: openat2(RESOLVE_BENEATH |
// RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS), or a walk with O_NOFOLLOW where the kernel lacks it. O_CLOEXEC and
// O_NOFOLLOW are implied. No descriptor, and errno, when it fails.
Fd open_beneath(int folder, const std::string& path, int flags, unsigned mode = 0);
// The walk alone, for its test.
Fd open_by_walking(int folder, const std::string& path, int flags, unsigned mode);

// False only when it is known to be absent.
bool exists(int folder, const std::string& name);

// 32 hexadecimal digits that cannot be guessed.
std::string random_name();

// A file in the tmp folder that vanishes with this object unless it was renamed away.
class TemporaryFile {
  public:
    TemporaryFile(const Volume& volume, int tmp_folder);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    int fd() const { return fd_.get(); }
    int folder() const { return folder_; }
    const std::string& name() const { return name_; }

  private:
    int folder_;
    std::string name_;
    Fd fd_;
};

// Removes a folder below `parent` with everything in it, as far as that goes; symbolic links are removed, not followed.
void remove_tree(int parent, const std::string& name) noexcept;

}  // namespace imgsrv::fs
