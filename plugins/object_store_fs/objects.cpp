#include "objects.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include "key.h"
#include "listing.h"
#include "stream.h"

namespace imgsrv::fs {
namespace {

std::string quoted(std::string_view key) {
    return "\"" + std::string(key) + "\"";
}

sdk::Failure not_found(std::string_view key) {
    return sdk::Failure(IMGSRV_NOT_FOUND, "there is no object " + quoted(key)).with_native("ENOENT");
}

sdk::Failure already_exists(std::string_view key) {
    return sdk::Failure(IMGSRV_ALREADY_EXISTS, "the object " + quoted(key) + " exists already").with_native("EEXIST");
}

void require_etag(const sdk::ObjectInfo& info, std::string_view wanted) {
    if (!wanted.empty() && wanted != info.etag) {
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION,
                           "the object " + quoted(info.key) + " has the etag " + info.etag + ", not the one asked for");
    }
}

sdk::ObjectInfo describe(const Volume& volume, int fd, std::string_view key) {
    const auto file = identify(volume, fd);
    return {std::string(key), file.etag(), file.size, static_cast<std::int64_t>(file.mtime_ns) / 1000};
}

// One atomic step in either mode.
bool move_to(int folder, const std::string& name, int target, const std::string& target_name, bool if_absent) {
    if (!if_absent) return ::renameat(folder, name.c_str(), target, target_name.c_str()) == 0;
    if (::renameat2(folder, name.c_str(), target, target_name.c_str(), RENAME_NOREPLACE) == 0) return true;
    // File systems that do not know the flag (NFS) know links.
    if (errno != EINVAL && errno != ENOSYS) return false;
    return ::linkat(folder, name.c_str(), target, target_name.c_str(), 0) == 0;
}

}  // namespace

std::string FileIdentity::etag() const {
    char text[64];
    std::snprintf(text, sizeof text, "%" PRIx64 "-%" PRIx64 "-%" PRIx64, inode, mtime_ns, size);
    return text;
}

FileIdentity identify(const Volume& volume, int fd) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) throw volume.failure(errno, "look at an object");
    if (!S_ISREG(st.st_mode)) throw_not_ours();
    const auto ns = st.st_mtim.tv_sec * INT64_C(1'000'000'000) + st.st_mtim.tv_nsec;
    return {st.st_ino, static_cast<std::uint64_t>(ns), static_cast<std::uint64_t>(st.st_size)};
}

Objects::Opened Objects::open(std::string_view key) const {
    sdk::check_key(key);
    const auto path = path_of(key);
    const auto full = path.folder.empty() ? path.name : path.folder + '/' + path.name;
    // O_NONBLOCK: a planted FIFO must not block the open.
    Fd fd = open_beneath(folders_.top(), full, O_RDONLY | O_NONBLOCK);
    if (!fd) {
        if (errno == ENOENT) throw not_found(key);
        if (errno == ELOOP || errno == EXDEV || errno == ENOTDIR || errno == ENXIO) throw_not_ours(errno);
        throw volume_.failure(errno, "open the object " + quoted(key));
    }
    auto info = describe(volume_, fd.get(), key);
    return {std::move(fd), std::move(info)};
}

sdk::ObjectInfo Objects::stat(std::string_view key) const {
    return open(key).info;
}

std::optional<sdk::ObjectInfo> Objects::find(std::string_view key) const {
    try {
        return stat(key);
    } catch (const sdk::Failure& failure) {
        if (failure.code != IMGSRV_NOT_FOUND) throw;
        return std::nullopt;
    }
}

sdk::ObjectInfo Objects::put(const sdk::Call& call, std::string_view key, sdk::Reader& body, bool if_absent) {
    sdk::check_key(key);
    // Saves the caller the upload; the link below is what decides.
    if (if_absent && find(key)) {
        confirm(key);
        throw already_exists(key);
    }
    const TemporaryFile file(volume_, tmp_);
    RangeWriter writer(volume_, file.fd(), 0, body.size());
    pump(call, body, [&](std::span<const std::byte> block) { writer.write(block); });
    call.throw_if_cancelled();
    volume_.sync_file(file.fd());
    auto info = describe(volume_, file.fd(), key);
    publish(file.folder(), file.name(), key, if_absent);
    return info;
}

void Objects::publish(int folder, const std::string& name, std::string_view key, bool if_absent) {
    const auto path = path_of(key);
    const Fd target = folders_.make(path.folder);
    // The commit point of every write: before this call there is no object, after it there is a whole one. It survives
    // power loss from the sync below on, and is reported only then.
    if (!move_to(folder, name, target.get(), path.name, if_absent)) {
        if (errno == EEXIST && if_absent) {
            // The answer lets the caller rely on the object, whose writer may not have synced its name yet, or have
            // died.
            volume_.sync_folder(target.get());
            throw already_exists(key);
        }
        if (errno == EISDIR) throw_not_ours(errno);
        throw volume_.failure(errno, "give the object " + quoted(key) + " its name");
    }
    // A link leaves its source; so does a rename between two names of one file.
    ::unlinkat(folder, name.c_str(), 0);
    try {
        volume_.sync_folder(target.get());
    } catch (sdk::Failure& failure) {
        throw std::move(failure).with_outcome_unknown();
    }
}

void Objects::confirm(std::string_view key) {
    volume_.sync_folder(folders_.make(path_of(key).folder).get());
}

sdk::ObjectInfo Objects::copy(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                              std::string_view dst, bool if_absent) {
    sdk::check_key(src);
    sdk::check_key(dst);
    call.throw_if_cancelled();
    const auto from = path_of(src);
    const Fd folder = folders_.open(from.folder);
    if (!folder) throw not_found(src);
    // A name of our own first: it pins the file, so that the file whose etag is checked is the one that is copied.
    const std::string pinned = random_name();
    if (::linkat(folder.get(), from.name.c_str(), tmp_, pinned.c_str(), 0) != 0) {
        if (errno == ENOENT) throw not_found(src);
        // Too many links, another file system mounted below, no links at all, or a file that is not ours to link.
        if (errno == EMLINK || errno == EXDEV || errno == EOPNOTSUPP || errno == EPERM)
            return copy_bytes(call, src, if_src_etag, dst, if_absent);
        throw volume_.failure(errno, "link the object " + quoted(src));
    }
    struct Unlink {
        int folder;
        const std::string& name;
        ~Unlink() { ::unlinkat(folder, name.c_str(), 0); }
    } const unlink{tmp_, pinned};
    const Fd fd = open_beneath(tmp_, pinned, O_RDONLY | O_NONBLOCK);
    if (!fd) throw_not_ours(errno);
    auto info = describe(volume_, fd.get(), src);
    require_etag(info, if_src_etag);
    publish(tmp_, pinned, dst, if_absent);
    info.key = dst;
    return info;
}

sdk::ObjectInfo Objects::copy_bytes(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                                    std::string_view dst, bool if_absent) {
    const auto source = open(src);
    require_etag(source.info, if_src_etag);
    const TemporaryFile file(volume_, tmp_);
    copy_range(call, volume_, source.fd.get(), 0, file.fd(), 0, source.info.size);
    volume_.sync_file(file.fd());
    auto info = describe(volume_, file.fd(), dst);
    publish(file.folder(), file.name(), dst, if_absent);
    return info;
}

void Objects::remove(std::string_view key) {
    sdk::check_key(key);
    const auto path = path_of(key);
    const Fd folder = folders_.open(path.folder);
    if (!folder) return;
    // Absent counts as removed, and must stay so: the process that removed it may have died before the sync.
    if (::unlinkat(folder.get(), path.name.c_str(), 0) != 0 && errno != ENOENT) {
        if (errno == EISDIR) throw_not_ours(errno);
        throw volume_.failure(errno, "remove the object " + quoted(key));
    }
    volume_.sync_folder(folder.get());
}

bool Objects::list(const sdk::Call& call, std::string_view prefix, std::string_view start_after, std::uint32_t max,
                   sdk::ObjectSink& out) const {
    if (max == 0) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "a list has room for at least one object");
    Listing listing(volume_, folders_.top(), prefix, start_after);
    for (std::uint32_t emitted = 0;;) {
        call.throw_if_cancelled();
        const auto key = listing.next(max - emitted + 1);
        if (!key) return false;
        const auto info = find(*key);
        if (!info) continue;  // removed since its folder was read
        if (emitted == max) return true;
        out.emit(*info);
        ++emitted;
    }
}

}  // namespace imgsrv::fs
