#include "folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "key.h"

namespace imgsrv::fs {
namespace {

constexpr std::size_t kRememberedFolders = 4096;

bool foreign(int error) {
    return error == ELOOP || error == EXDEV || error == ENOTDIR || error == EISDIR;
}

// True when the folder is gone.
bool prune_below(int parent, const char* name) {
    const int fd = ::openat(parent, name, kFolder | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    DIR* folder = ::fdopendir(fd);
    if (folder == nullptr) {
        ::close(fd);
        return false;
    }
    bool empty = true;
    bool changed = false;
    while (const dirent* entry = ::readdir(folder)) {
        const std::string_view child = entry->d_name;
        if (child == "." || child == "..") continue;
        const bool gone = child.back() == kFolderMark && prune_below(fd, entry->d_name);
        changed = changed || gone;
        empty = empty && gone;
    }
    // The removals in a folder are durable once its own is.
    if (changed && !empty) ::fsync(fd);
    ::closedir(folder);
    return empty && ::unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

}  // namespace

void throw_not_ours(int error) {
    throw sdk::Failure(IMGSRV_INTERNAL,
                       "something that is neither a folder nor an object of this store lies where the key leads to")
        .with_native(error != 0 ? ::strerrorname_np(error) : "");
}

Fd Folders::open(const std::string& path) const {
    Fd fd = open_beneath(top_.get(), path.empty() ? "." : path, kFolder);
    if (!fd && errno != ENOENT) {
        if (foreign(errno)) throw_not_ours(errno);
        throw volume_.failure(errno, "open a folder of the store");
    }
    return fd;
}

Fd Folders::make(const std::string& path) {
    if (path.empty()) return open(path);
    if (Fd there = open(path); there && known_durable(path)) return there;
    // Top down, so that a durable folder never hangs below one that is not.
    Fd parent = open({});
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        const auto name = path.substr(begin, end - begin);
        const auto so_far = path.substr(0, end);
        const bool made = ::mkdirat(parent.get(), name.c_str(), 0750) == 0;
        if (!made && errno != EEXIST) throw volume_.failure(errno, "make a folder in the store");
        // Also when another call made it: that call may not have synced it yet.
        if (made || !known_durable(so_far)) {
            volume_.sync_folder(parent.get());
            remember(so_far);
        }
        Fd next = open_beneath(parent.get(), name, kFolder);
        if (!next) {
            if (foreign(errno)) throw_not_ours(errno);
            throw volume_.failure(errno, "open a folder of the store");
        }
        parent = std::move(next);
        begin = end + 1;
    }
    return parent;
}

void Folders::prune() noexcept {
    DIR* folder = ::fdopendir(::openat(top_.get(), ".", kFolder | O_CLOEXEC));
    if (folder == nullptr) return;
    while (const dirent* entry = ::readdir(folder))
        if (std::string_view(entry->d_name).back() == kFolderMark) prune_below(top_.get(), entry->d_name);
    ::fsync(top_.get());
    ::closedir(folder);
}

bool Folders::known_durable(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return durable_.contains(path);
}

void Folders::remember(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (durable_.size() >= kRememberedFolders) durable_.clear();
    durable_.insert(path);
}

}  // namespace imgsrv::fs
