#include "store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "key.h"
#include "stream.h"

namespace imgsrv::fs {
namespace {

constexpr std::string_view kFormat = "imgsrv object store, files, layout 1\n";
// A killed process may take a moment to release the lock.
constexpr auto kLockPatience = std::chrono::seconds(1);
constexpr auto kLockRetry = std::chrono::milliseconds(20);

sdk::Failure no_store() {
    return {IMGSRV_FAILED_PRECONDITION, "the folder of option 'root' holds no store of files. Is its disk mounted?"};
}

Volume open_volume(const sdk::Config& config) {
    const auto root = config.text("root");
    const bool read_only = config.boolean("read_only");
    std::error_code failed;
    if (!read_only) std::filesystem::create_directories(root, failed);
    Fd fd(::open(root.c_str(), kFolder | O_CLOEXEC));
    if (!fd) {
        const int error = failed ? failed.value() : errno;
        if (read_only && error == ENOENT) throw no_store();
        throw sdk::errno_failure(error, "cannot open the folder of option 'root'");
    }
    return Volume(std::move(fd), config.boolean("fsync"), config.boolean("direct_io"));
}

Fd subfolder(const Volume& volume, const std::string& name) {
    if (::mkdirat(volume.root(), name.c_str(), 0750) != 0 && errno != EEXIST)
        throw volume.failure(errno, "make the folder " + name);
    Fd fd = open_beneath(volume.root(), name, kFolder);
    if (!fd) throw volume.failure(errno, "open the folder " + name);
    return fd;
}

std::string read_format(const Volume& volume, int fd) {
    std::string text(256, '\0');
    const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
    if (n < 0) throw volume.failure(errno, "read the file FORMAT");
    text.resize(static_cast<std::size_t>(n));
    return text;
}

sdk::Failure unknown_layout() {
    return {IMGSRV_FAILED_PRECONDITION, "the folder holds a store of a layout that this version does not know"};
}

// The folder of a store that is only read.
Fd existing_subfolder(const Volume& volume, const std::string& name) {
    const Fd format = open_beneath(volume.root(), "FORMAT", O_RDONLY);
    if (!format && errno == ENOENT) throw no_store();
    if (!format) throw volume.failure(errno, "open the file FORMAT");
    if (read_format(volume, format.get()) != kFormat) throw unknown_layout();
    Fd fd = open_beneath(volume.root(), name, kFolder);
    if (!fd) throw volume.failure(errno, "open the folder " + name);
    return fd;
}

// Takes the store for this process and checks the layout.
Fd lock_store(const Volume& volume, const sdk::Call& call) {
    Fd fd = open_beneath(volume.root(), "FORMAT", O_RDWR | O_CREAT, 0640);
    if (!fd) throw volume.failure(errno, "open the file FORMAT");
    const auto give_up = std::chrono::steady_clock::now() + kLockPatience;
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) throw volume.failure(errno, "lock the store");
        if (std::chrono::steady_clock::now() > give_up) {
            throw sdk::Failure(IMGSRV_FAILED_PRECONDITION,
                               "another process uses this store; an fs store belongs to one process at a time")
                .with_retryable();
        }
        call.throw_if_cancelled();
        std::this_thread::sleep_for(kLockRetry);
    }
    const auto found = read_format(volume, fd.get());
    if (found == kFormat) return fd;
    // Cut short: the process that created the store died while writing it.
    if (!kFormat.starts_with(found)) throw unknown_layout();
    if (::pwrite(fd.get(), kFormat.data(), kFormat.size(), 0) != static_cast<ssize_t>(kFormat.size()))
        throw volume.failure(errno, "write the file FORMAT");
    volume.sync_file(fd.get());
    return fd;
}

}  // namespace

Store::Store(const sdk::Setup& setup)
    : volume_(open_volume(setup.config)), read_only_(setup.config.boolean("read_only")) {
    if (read_only_) {
        objects_.emplace(volume_, existing_subfolder(volume_, "objects"), -1);
        return;
    }
    lock_ = lock_store(volume_, setup.call);
    // What a crash left half done.
    remove_tree(volume_.root(), "tmp");
    tmp_ = subfolder(volume_, "tmp");
    objects_.emplace(volume_, subfolder(volume_, "objects"), tmp_.get());
    uploads_.emplace(volume_, setup.host.log(), *objects_, tmp_.get(), subfolder(volume_, "uploads"),
                     subfolder(volume_, "done"));
    volume_.sync_folder(volume_.root());
    objects_->prune_folders();
    uploads_->sweep_receipts();
}

void Store::health(const sdk::Call&) {
    struct statvfs vfs {};
    if (::fstatvfs(volume_.root(), &vfs) != 0) throw volume_.failure(errno, "look at the file system");
    if (read_only_) return;
    if ((vfs.f_flag & ST_RDONLY) != 0) throw volume_.failure(EROFS, "write to the store");
    const TemporaryFile probe(volume_, tmp_.get());
}

sdk::ObjectInfo Store::stat(const sdk::Call&, std::string_view key) {
    return objects_->stat(key);
}

sdk::OpenedObject Store::open(const sdk::Call&, std::string_view key, std::string_view if_etag, std::uint64_t offset,
                              std::optional<std::uint64_t> length) {
    auto [fd, info] = objects_->open(key);
    if (!if_etag.empty() && info.etag != if_etag) {
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION,
                           "the object has the etag " + info.etag + ", not the one asked for");
    }
    if (offset > info.size) {
        throw sdk::Failure(IMGSRV_OUT_OF_RANGE, "the object has " + std::to_string(info.size) + " bytes, offset " +
                                                    std::to_string(offset) + " is beyond");
    }
    const auto rest = info.size - offset;
    auto body =
        std::make_unique<FileSource>(std::move(fd), offset, std::min(length.value_or(rest), rest), volume_.direct());
    return {std::move(info), std::move(body)};
}

Objects& Store::writable() {
    if (read_only_) throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "the store was opened with read_only = true");
    return *objects_;
}

Uploads& Store::uploads() {
    writable();
    return *uploads_;
}

sdk::ObjectInfo Store::put(const sdk::Call& call, std::string_view key, sdk::Reader& body, bool if_absent) {
    return writable().put(call, key, body, if_absent);
}

sdk::ObjectInfo Store::copy(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                            std::string_view dst, bool if_absent) {
    return writable().copy(call, src, if_src_etag, dst, if_absent);
}

void Store::remove(const sdk::Call& call, std::string_view key) {
    call.throw_if_cancelled();
    writable().remove(key);
}

bool Store::list(const sdk::Call& call, std::string_view prefix, std::string_view start_after, std::uint32_t max,
                 sdk::ObjectSink& out) {
    return objects_->list(call, prefix, start_after, max, out);
}

std::string Store::mp_create(const sdk::Call& call, std::string_view key, std::uint64_t expected_size) {
    return uploads().create(call, key, expected_size);
}

std::string Store::mp_put_part(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                               std::uint32_t number, sdk::Reader& body) {
    if (number < 1 || number > kMaxPartNumber) {
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "a part's number is 1 to " + std::to_string(kMaxPartNumber) +
                                                        ", not " + std::to_string(number));
    }
    return uploads().find(key, upload_id)->put_part(call, number, body);
}

sdk::ObjectInfo Store::mp_complete(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                                   std::span<const imgsrv_part> parts) {
    call.throw_if_cancelled();
    return uploads().complete(call, key, upload_id, parts);
}

void Store::mp_abort(const sdk::Call& call, std::string_view key, std::string_view upload_id) {
    call.throw_if_cancelled();
    uploads().abort(key, upload_id);
}

void Store::mp_list(const sdk::Call& call, std::string_view prefix, sdk::UploadSink& out) {
    uploads().list(call, prefix, out);
}

int Store::open_fd(const sdk::Call&, std::string_view key) {
    return objects_->open(key).fd.release();
}

std::unique_ptr<sdk::ByteSource> Store::open_part(const sdk::Call&, std::string_view key, std::string_view upload_id,
                                                  const imgsrv_part& part, std::uint64_t offset) {
    return uploads().find(key, upload_id)->open_part(part, offset);
}

}  // namespace imgsrv::fs
