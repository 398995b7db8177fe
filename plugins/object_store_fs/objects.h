#pragma once

#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "fd.h"
#include "folders.h"
#include "volume.h"

namespace imgsrv::fs {

// Complete objects: one immutable file each, at objects/<path_of(key)>. An object is replaced by renaming another file
// over it, so hard links may share it and a reader that has it open keeps what it opened.
//
// An object's etag is "<inode>-<modification time in ns>-<size>", hexadecimal: it names the file, so it survives copies
// made by hard link, and changes with every replacement. It is fixed by the fsync before the object appears. Restoring
// a store from a backup gives every object a new etag. [any]
class Objects {
  public:
    // objects: the objects folder; tmp: a folder of the same file system for files that are not complete.
    Objects(const Volume& volume, Fd objects, int tmp)
        : volume_(volume), tmp_(tmp), folders_(volume, std::move(objects)) {}

    struct Opened {
        Fd fd;
        sdk::ObjectInfo info;
    };
    // Throws NOT_FOUND.
    Opened open(std::string_view key) const;
    sdk::ObjectInfo stat(std::string_view key) const;
    // None: nothing is there.
    std::optional<sdk::ObjectInfo> find(std::string_view key) const;

    sdk::ObjectInfo put(const sdk::Call& call, std::string_view key, sdk::Reader& body, bool if_absent);
    // A hard link where the file system allows one; then both objects have the same etag.
    sdk::ObjectInfo copy(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                         std::string_view dst, bool if_absent);
    void remove(std::string_view key);
    // True when there may be more. Reads each folder once for each page and holds at most one page in memory.
    bool list(const sdk::Call& call, std::string_view prefix, std::string_view start_after, std::uint32_t max,
              sdk::ObjectSink& out) const;

    // Moves the file `name` of `folder`, whose bytes and metadata are already durable, to the key. ALREADY_EXISTS
    // leaves it where it was, and the existing object is durable. Any other failure after the object appeared is
    // OUTCOME_UNKNOWN.
    void publish(int folder, const std::string& name, std::string_view key, bool if_absent);
    // Makes the name of an existing object durable, in case its writer died before doing so.
    void confirm(std::string_view key);

    void prune_folders() noexcept { folders_.prune(); }

  private:
    sdk::ObjectInfo copy_bytes(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                               std::string_view dst, bool if_absent);

    const Volume& volume_;
    const int tmp_;
    Folders folders_;
};

// What distinguishes one file of the store from all others, past ones included.
struct FileIdentity {
    std::uint64_t inode = 0;
    std::uint64_t mtime_ns = 0;
    std::uint64_t size = 0;

    std::string etag() const;
};
// Throws INTERNAL when it is not a regular file.
FileIdentity identify(const Volume& volume, int fd);

}  // namespace imgsrv::fs
