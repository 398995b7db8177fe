#include "client/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "core/sha256.h"

namespace imgsrv::client {
namespace {

constexpr std::size_t kReadSize = 1U << 20U;

Status failure(const std::string& path, const std::string& why) {
    return Status(Code::invalid_argument, "'" + path + "' " + why);
}

std::int64_t modified_ns(const struct stat& st) {
    return st.st_mtim.tv_sec * 1'000'000'000LL + st.st_mtim.tv_nsec;
}

ssize_t read_at(int fd, void* out, std::size_t size, std::uint64_t offset) {
    ssize_t got = -1;
    do {
        got = ::pread(fd, out, size, static_cast<off_t>(offset));
    } while (got < 0 && errno == EINTR);
    return got;
}

}  // namespace

Result<LocalFile> LocalFile::open(std::string path) {
    LocalFile file;
    // O_NONBLOCK: a FIFO named by mistake must not hang us.
    file.fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat st {};
    if (!file.fd_ || ::fstat(file.fd_.get(), &st) != 0)
        return failure(path, std::string("cannot be opened: ") + std::strerror(errno));
    if (!S_ISREG(st.st_mode)) return failure(path, "is not a regular file");
    if (st.st_size == 0) return failure(path, "is empty");
    ::posix_fadvise(file.fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    file.path_ = std::move(path);
    file.size_ = static_cast<std::uint64_t>(st.st_size);
    file.modified_ns_ = modified_ns(st);
    return file;
}

std::string LocalFile::name() const {
    return path_.substr(path_.rfind('/') + 1);
}

std::string LocalFile::head(std::size_t count) const {
    std::string bytes(count, '\0');
    const ssize_t got = read_at(fd_.get(), bytes.data(), count, 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

Status LocalFile::hash(const std::function<void(std::uint64_t)>& progress) {
    Sha256 hash;
    std::vector<std::byte> buffer(kReadSize);
    while (hash.length() < size_) {
        const ssize_t got = read_at(fd_.get(), buffer.data(), buffer.size(), hash.length());
        if (got < 0) return failure(path_, std::string("cannot be read: ") + std::strerror(errno));
        if (got == 0) break;
        hash.update(std::span(buffer).first(static_cast<std::size_t>(got)));
        if (progress) progress(hash.length());
    }
    IMGSRV_TRY(unchanged());
    if (hash.length() != size_) return Status(Code::data_loss, "'" + path_ + "' changed while it was read");
    digest_ = "sha256:" + hash.hex();
    return {};
}

Status LocalFile::unchanged() const {
    struct stat st {};
    if (::fstat(fd_.get(), &st) == 0 && static_cast<std::uint64_t>(st.st_size) == size_ &&
        modified_ns(st) == modified_ns_)
        return {};
    return Status(Code::data_loss, "'" + path_ + "' changed while it was being published");
}

}  // namespace imgsrv::client
