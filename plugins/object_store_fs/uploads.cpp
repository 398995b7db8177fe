#include "uploads.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <vector>

#include "key.h"

namespace imgsrv::fs {
namespace {

constexpr std::size_t kLoadedUploads = 64;  // each holds two descriptors and its parts
constexpr std::int64_t kReceiptLifeSeconds = 7 * 24 * 3600;
constexpr std::int64_t kSweepEverySeconds = 3600;

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// The names random_name() makes: nothing else leads into a folder.
bool valid_id(std::string_view id) {
    return id.size() == 32 &&
           std::all_of(id.begin(), id.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

sdk::Failure no_such_upload() {
    return sdk::Failure(IMGSRV_NOT_FOUND, "there is no such upload; it was aborted, or its object is gone");
}

std::vector<std::string> ids_in(const Volume& volume, int parent) {
    Fd fd = open_beneath(parent, ".", kFolder);
    DIR* folder = fd ? ::fdopendir(fd.get()) : nullptr;
    if (folder == nullptr) throw volume.failure(errno, "list the uploads");
    fd.release();
    std::vector<std::string> ids;
    while (const dirent* entry = ::readdir(folder))
        if (valid_id(entry->d_name)) ids.emplace_back(entry->d_name);
    ::closedir(folder);
    return ids;
}

}  // namespace

Uploads::Uploads(const Volume& volume, const sdk::Log& log, Objects& objects, int tmp, Fd open, Fd done)
    : volume_(volume), log_(log), objects_(objects), tmp_(tmp), open_(std::move(open)), done_(std::move(done)) {}

std::string Uploads::create(const sdk::Call& call, std::string_view key, std::uint64_t expected_size) {
    sdk::check_key(key);
    call.throw_if_cancelled();
    // Better to fail now than after most of the bytes were sent. The disk may still fill up later.
    if (const auto available = volume_.free_bytes(); expected_size > available) {
        throw sdk::Failure(IMGSRV_RESOURCE_EXHAUSTED, "an object of " + std::to_string(expected_size) +
                                                          " bytes is announced, " + std::to_string(available) +
                                                          " bytes are free")
            .with_native("ENOSPC");
    }
    auto id = random_name();
    if (::mkdirat(tmp_, id.c_str(), 0750) != 0) throw volume_.failure(errno, "start an upload");
    try {
        const Fd folder = open_beneath(tmp_, id, kFolder);
        if (!folder) throw volume_.failure(errno, "start an upload");
        Upload::initialize(volume_, folder.get(), {std::string(key), now_us(), expected_size});
        // The commit point: from here on the upload is listed.
        if (::renameat(tmp_, id.c_str(), open_.get(), id.c_str()) != 0) throw volume_.failure(errno, "start an upload");
    } catch (...) {
        remove_tree(tmp_, id);
        throw;
    }
    volume_.sync_folder(open_.get());
    return id;
}

std::shared_ptr<Upload> Uploads::load(int parent, std::string_view key, const std::string& id) {
    Fd folder = open_beneath(parent, id, kFolder);
    if (!folder && errno != ENOENT) throw volume_.failure(errno, "open an upload");
    if (!folder) return nullptr;
    auto upload = std::make_shared<Upload>(volume_, std::move(folder));
    return upload->key() == key ? upload : nullptr;
}

std::shared_ptr<Upload> Uploads::find(std::string_view key, std::string_view name) {
    if (!valid_id(name)) throw no_such_upload();
    const std::string id(name);
    const std::lock_guard lock(mutex_);
    if (const auto at = loaded_.find(id); at != loaded_.end()) {
        if (at->second->key() != key) throw no_such_upload();
        if (!at->second->broken() || at->second.use_count() > 1) return at->second;
        loaded_.erase(at);
    }
    auto upload = load(open_.get(), key, id);
    if (!upload) throw no_such_upload();
    if (loaded_.size() >= kLoadedUploads)
        std::erase_if(loaded_, [](const auto& entry) { return entry.second.use_count() == 1; });
    loaded_.emplace(id, upload);
    return upload;
}

sdk::ObjectInfo Uploads::complete(const sdk::Call& call, std::string_view key, std::string_view name,
                                  std::span<const imgsrv_part> parts) {
    const std::string id(name);
    std::shared_ptr<Upload> upload;
    try {
        upload = find(key, id);
    } catch (const sdk::Failure& failure) {
        if (failure.code != IMGSRV_NOT_FOUND || !valid_id(id)) throw;
        upload = load(done_.get(), key, id);
        if (!upload) throw;
        return upload->complete(call, parts, objects_);
    }
    auto info = upload->complete(call, parts, objects_);
    retire(id);
    return info;
}

void Uploads::retire(const std::string& id) noexcept {
    // Tidiness only: a finished upload can be completed again from where it is just as well.
    const std::lock_guard lock(mutex_);
    loaded_.erase(id);
    ::renameat(open_.get(), id.c_str(), done_.get(), id.c_str());
}

void Uploads::discard(int parent, const std::string& id) {
    const std::lock_guard lock(mutex_);
    // The commit point of an abort: the upload is gone, and the start of the store removes what is left in tmp.
    if (::renameat(parent, id.c_str(), tmp_, id.c_str()) != 0 && errno != ENOENT)
        throw volume_.failure(errno, "remove an upload");
    loaded_.erase(id);
}

void Uploads::abort(std::string_view key, std::string_view name) {
    if (!valid_id(name)) return;
    const std::string id(name);
    int parent = open_.get();
    try {
        const auto upload = find(key, id);
        if (!upload->shut_for_abort()) {
            retire(id);
            parent = done_.get();
        }
    } catch (const sdk::Failure& failure) {
        if (failure.code == IMGSRV_NOT_FOUND) {
            if (!load(done_.get(), key, id)) return;
            parent = done_.get();
        } else if (failure.code != IMGSRV_DATA_LOSS) {
            throw;  // a damaged upload can only be removed
        }
    }
    discard(parent, id);
    volume_.sync_folder(parent);
    remove_tree(tmp_, id);
}

void Uploads::list(const sdk::Call& call, std::string_view prefix, sdk::UploadSink& out) {
    const auto now_s = now_us() / 1'000'000;
    if (now_s >= next_sweep_s_.exchange(now_s + kSweepEverySeconds)) sweep_receipts();
    for (const auto& id : ids_in(volume_, open_.get())) {
        call.throw_if_cancelled();
        std::optional<JournalHeader> header;
        try {
            const Fd folder = open_beneath(open_.get(), id, kFolder);
            if (!folder) continue;  // aborted or completed since
            header = Upload::peek(volume_, folder.get());
        } catch (const sdk::Failure& failure) {
            if (failure.code == IMGSRV_NOT_FOUND) continue;
            log_.warn(call, "an upload cannot be read and is not listed", {{"upload", id}, {"error", failure.message}});
            continue;
        }
        if (!header)
            retire(id);
        else if (header->key.starts_with(prefix))
            out.emit(header->key, id, header->created_us);
    }
}

void Uploads::sweep_receipts() noexcept {
    try {
        const auto oldest = now_us() / 1'000'000 - kReceiptLifeSeconds;
        for (const auto& id : ids_in(volume_, done_.get())) {
            Fd folder = open_beneath(done_.get(), id, kFolder);
            struct stat st {};
            if (!folder || ::fstat(folder.get(), &st) != 0) continue;
            bool needed = st.st_mtim.tv_sec >= oldest;
            try {
                needed = needed && Upload(volume_, std::move(folder)).object_stands(objects_);
            } catch (const sdk::Failure& failure) {
                if (failure.code != IMGSRV_DATA_LOSS) continue;
                needed = false;
            }
            if (needed) continue;
            discard(done_.get(), id);
            remove_tree(tmp_, id);
        }
    } catch (const std::exception& e) {
        log_.warn("receipts of finished uploads could not be removed", {{"error", e.what()}});
    }
}

}  // namespace imgsrv::fs
