#pragma once

#include <string>

#include "conformance/loader.h"

namespace imgsrv::test {

// The component "fs" of the built plugin.
const imgsrv_component& fs_component();
conformance::Settings fs_settings(const std::string& root, bool fsync = true);

// A fresh folder, removed with all it holds.
class Folder {
  public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

// A small file system of its own, so that a test may fill it or cut its power: ext4 in a file behind a loop device.
// Needs root; otherwise throws a message that says so.
class SmallDisk {
  public:
    explicit SmallDisk(int mebibytes);
    ~SmallDisk();
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    std::string root() const { return mount_point() + "/store"; }
    std::uint64_t free_bytes() const;
    // From now on nothing reaches the disk, not even the file system's own journal.
    void cut_power();
    // Mounts what had reached the disk again. No files may be open.
    void restore_power();

  private:
    std::string mount_point() const { return folder_.path() + "/mnt"; }
    void mount();
    void unmount();

    Folder folder_;
};

// Entries below a folder of the store that are not folders themselves.
std::size_t count_files(const std::string& folder);

}  // namespace imgsrv::test
