#include "fs_store.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace imgsrv::test {
namespace {

// EXT4_IOC_SHUTDOWN, the same number on XFS; in no public header.
constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kNoLogFlush = 2;

void command(const std::string& line) {
    if (std::system(line.c_str()) != 0)
        throw std::runtime_error("this test needs root, loop devices and mkfs.ext4; failed: " + line);
}

// Makes this process's mounts private: otherwise a namespace that another process creates in the meantime would get a
// copy of them and keep the dead file system alive after it was unmounted here. They also vanish with this process.
void enter_own_mount_namespace() {
    static const bool kEntered =
        ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!kEntered) throw std::runtime_error(std::string("this test needs root: ") + std::strerror(errno));
}

}  // namespace

const imgsrv_component& fs_component() {
    static const conformance::Plugin kPlugin(PLUGIN_FILE);
    return kPlugin.component("fs");
}

conformance::Settings fs_settings(const std::string& root, bool fsync) {
    conformance::Settings settings;
    settings.add("root", root);
    if (!fsync) settings.add("fsync", "false");
    return settings;
}

Folder::Folder() : path_((std::filesystem::temp_directory_path() / "imgsrv-fs-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

SmallDisk::SmallDisk(int mebibytes) {
    enter_own_mount_namespace();
    const auto image = folder_.path() + "/disk";
    command("truncate -s " + std::to_string(mebibytes) + "M " + image);
    command("/usr/sbin/mkfs.ext4 -q -m 0 " + image);
    std::filesystem::create_directory(mount_point());
    mount();
}

SmallDisk::~SmallDisk() {
    ::umount2(mount_point().c_str(), MNT_DETACH);
}

void SmallDisk::mount() {
    command("mount -o loop " + folder_.path() + "/disk " + mount_point());
}

void SmallDisk::unmount() {
    if (::umount2(mount_point().c_str(), 0) != 0)
        throw std::runtime_error(std::string("cannot unmount: ") + std::strerror(errno));
}

std::uint64_t SmallDisk::free_bytes() const {
    struct statvfs vfs {};
    if (::statvfs(mount_point().c_str(), &vfs) != 0) throw std::runtime_error("statvfs failed");
    return static_cast<std::uint64_t>(vfs.f_bavail) * vfs.f_frsize;
}

void SmallDisk::cut_power() {
    const int fd = ::open(mount_point().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::uint32_t how = kNoLogFlush;
    const bool cut = fd >= 0 && ::ioctl(fd, kShutdown, &how) == 0;
    ::close(fd);
    if (!cut) throw std::runtime_error(std::string("cannot shut the file system down: ") + std::strerror(errno));
}

void SmallDisk::restore_power() {
    unmount();
    mount();
}

std::size_t count_files(const std::string& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (!entry.is_directory()) ++count;
    return count;
}

}  // namespace imgsrv::test
