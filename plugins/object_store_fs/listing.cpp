#include "listing.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "key.h"

namespace imgsrv::fs {
namespace {

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

// "ab" for the object "ab", "ab/" for the folder "ab+"; empty for what this store did not make. With the '/' a folder
// sorts among its neighbours just where its keys do.
std::string name_in_keys(const dirent& entry) {
    std::string_view name = entry.d_name;
    const bool folder = name.ends_with(kFolderMark);
    if (folder) name.remove_suffix(1);
    const int type = folder ? DT_DIR : DT_REG;
    if (!sdk::valid_key_segment(name) || (entry.d_type != type && entry.d_type != DT_UNKNOWN)) return {};
    return folder ? std::string(name) + '/' : std::string(name);
}

}  // namespace

std::optional<std::string> Listing::next(std::size_t wanted) {
    if (!started_) {
        started_ = true;
        levels_.emplace_back();
        read(levels_.back(), wanted);
    }
    while (!levels_.empty()) {
        Level& level = levels_.back();
        if (level.names.empty()) {
            if (level.complete)
                levels_.pop_back();
            else
                read(level, wanted);
            continue;
        }
        const std::string name = std::move(level.names.back());
        level.names.pop_back();
        if (name.back() != '/') return level.prefix + name;
        Level below;
        below.prefix = level.prefix + name;
        below.folder = level.folder.empty() ? std::string() : level.folder + '/';
        below.folder.append(name, 0, name.size() - 1) += kFolderMark;
        levels_.push_back(std::move(below));
    }
    return std::nullopt;
}

void Listing::read(Level& level, std::size_t wanted) const {
    Fd fd = open_beneath(top_, level.folder.empty() ? "." : level.folder, O_RDONLY | O_DIRECTORY);
    level.complete = true;
    // Removed since its parent was read, or a planted link: holds no keys.
    if (!fd && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == EXDEV)) return;
    if (!fd) throw volume_.failure(errno, "read a folder of the store");
    const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(fd.get()));
    if (!folder) throw volume_.failure(errno, "read a folder of the store");
    fd.release();

    // A heap of the smallest names, the largest on top.
    auto& names = level.names;
    errno = 0;
    while (const dirent* entry = ::readdir(folder.get())) {
        auto name = name_in_keys(*entry);
        if (name.empty() || name <= level.last || !relevant(level.prefix + name)) continue;
        names.push_back(std::move(name));
        std::push_heap(names.begin(), names.end());
        if (names.size() > wanted) {
            std::pop_heap(names.begin(), names.end());
            names.pop_back();
            level.complete = false;
        }
    }
    if (errno != 0) throw volume_.failure(errno, "read a folder of the store");
    if (names.empty()) return;
    std::sort_heap(names.begin(), names.end());
    level.last = names.back();
    std::reverse(names.begin(), names.end());
}

bool Listing::relevant(const std::string& stem) const {
    if (stem.back() == '/') {
        // The folder's keys share the stem: compare it with as much of the bounds as it covers.
        return std::string_view(stem).substr(0, prefix_.size()) == std::string_view(prefix_).substr(0, stem.size()) &&
               std::string_view(stem) >= std::string_view(after_).substr(0, stem.size());
    }
    return stem.starts_with(prefix_) && stem > after_;
}

}  // namespace imgsrv::fs
