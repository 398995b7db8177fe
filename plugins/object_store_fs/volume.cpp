#include "volume.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>

namespace imgsrv::fs {
namespace {

constexpr int kImplied = O_CLOEXEC | O_NOFOLLOW;

}  // namespace

sdk::Failure Volume::failure(int error, std::string_view what) const {
    if (error == ENOSPC || error == EDQUOT) {
        return sdk::Failure(IMGSRV_RESOURCE_EXHAUSTED,
                            std::string(what) + ": " +
                                (error == EDQUOT ? "the quota is used up" : "the store is full") + ", " +
                                std::to_string(free_bytes()) + " bytes are free")
            .with_native(error == EDQUOT ? "EDQUOT" : "ENOSPC");
    }
    auto failure = sdk::errno_failure(error, what);
    if (failure.code == IMGSRV_PERMISSION_DENIED) failure.code = IMGSRV_UNAVAILABLE;
    return failure;
}

void Volume::sync_data(int fd) const {
    if (durable_ && ::fdatasync(fd) != 0) throw failure(errno, "make the bytes durable");
}

void Volume::sync_file(int fd) const {
    if (durable_ && ::fsync(fd) != 0) throw failure(errno, "make the file durable");
}

void Volume::sync_folder(int fd) const {
    if (durable_ && ::fsync(fd) != 0) throw failure(errno, "make the file's name durable");
}

std::uint64_t Volume::free_bytes() const {
    struct statvfs vfs {};
    if (::fstatvfs(root(), &vfs) != 0) return 0;
    return static_cast<std::uint64_t>(vfs.f_bavail) * vfs.f_frsize;
}

Fd open_beneath(int folder, const std::string& path, int flags, unsigned mode) {
    static std::atomic<bool> kernel_has_it{true};
    if (kernel_has_it.load(std::memory_order_relaxed)) {
        open_how how{};
        how.flags = static_cast<std::uint64_t>(flags | kImplied);
        how.mode = (flags & O_CREAT) != 0 ? mode : 0;
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
        for (;;) {
            const long fd = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
            if (fd >= 0) return Fd(static_cast<int>(fd));
            // EAGAIN: a rename elsewhere raced with the lookup, which gives up rather than guess.
            if (errno == EINTR || errno == EAGAIN) continue;
            // EPERM: seccomp filters older than the system call return it.
            if (errno != ENOSYS && errno != EPERM) return Fd();
            break;
        }
        if (errno == ENOSYS) kernel_has_it.store(false, std::memory_order_relaxed);
    }
    return open_by_walking(folder, path, flags, mode);
}

Fd open_by_walking(int folder, const std::string& path, int flags, unsigned mode) {
    if (path.empty() || path.front() == '/') {
        errno = path.empty() ? ENOENT : EXDEV;
        return Fd();
    }
    Fd held;
    int at = folder;
    for (std::size_t begin = 0;;) {
        const auto slash = path.find('/', begin);
        const auto segment = path.substr(begin, slash == std::string::npos ? slash : slash - begin);
        if (segment == "..") {
            errno = EXDEV;
            return Fd();
        }
        if (slash == std::string::npos) return Fd(::openat(at, segment.c_str(), flags | kImplied, mode));
        Fd next(::openat(at, segment.c_str(), O_PATH | O_DIRECTORY | kImplied));
        if (!next) return Fd();
        held = std::move(next);
        at = held.get();
        begin = slash + 1;
    }
}

bool exists(int folder, const std::string& name) {
    return ::faccessat(folder, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

std::string random_name() {
    std::array<unsigned char, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        throw sdk::errno_failure(errno, "get random bytes");
    std::string name;
    name.reserve(2 * bytes.size());
    for (const auto byte : bytes) {
        name += "0123456789abcdef"[byte >> 4];
        name += "0123456789abcdef"[byte & 15];
    }
    return name;
}

TemporaryFile::TemporaryFile(const Volume& volume, int tmp_folder)
    : folder_(tmp_folder),
      name_(random_name()),
      fd_(::openat(tmp_folder, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | kImplied, 0640)) {
    if (!fd_) throw volume.failure(errno, "make a temporary file");
}

TemporaryFile::~TemporaryFile() {
    ::unlinkat(folder_, name_.c_str(), 0);
}

void remove_tree(int parent, const std::string& name) noexcept {
    if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return;
    const int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | kImplied);
    if (fd < 0) return;
    if (DIR* folder = ::fdopendir(fd); folder != nullptr) {
        while (const dirent* entry = ::readdir(folder)) {
            const std::string_view child = entry->d_name;
            if (child != "." && child != "..") remove_tree(fd, entry->d_name);
        }
        ::closedir(folder);
    } else {
        ::close(fd);
    }
    ::unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

}  // namespace imgsrv::fs
