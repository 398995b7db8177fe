#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/status.h"
#include "core/unique_fd.h"

namespace imgsrv::client {

// A file to publish. Opened only once, so that the bytes hashed are the bytes sent, even if the name moves to another
// file.
class LocalFile {
  public:
    // invalid_argument if it is missing, unreadable, not a regular file, or empty.
    static Result<LocalFile> open(std::string path);

    const std::string& path() const { return path_; }
    // The last part of the path.
    std::string name() const;
    int fd() const { return fd_.get(); }
    std::uint64_t size() const { return size_; }

    // The first `count` bytes, or fewer at the file's end.
    std::string head(std::size_t count) const;

    // Reads the whole file once. `progress` gets the bytes hashed so far and may be empty.
    Status hash(const std::function<void(std::uint64_t)>& progress);
    // "sha256:<hex>" after hash().
    const std::string& digest() const { return digest_; }

    // data_loss if its size or modification time has changed since open().
    Status unchanged() const;

  private:
    std::string path_;
    UniqueFd fd_;
    std::uint64_t size_ = 0;
    std::int64_t modified_ns_ = 0;
    std::string digest_;
};

}  // namespace imgsrv::client
