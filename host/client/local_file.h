#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/status.h"
#include "core/unique_fd.h"

namespace imgsrv::client {

// A file to be published: opened once, so that what was hashed is what is sent even if the name is given to another
// file.
class LocalFile {
  public:
    // invalid_argument when it is not there, not readable, not a regular file, or empty.
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

    // data_loss when size or time of change are no longer those seen by open().
    Status unchanged() const;

  private:
    std::string path_;
    UniqueFd fd_;
    std::uint64_t size_ = 0;
    std::int64_t modified_ns_ = 0;
    std::string digest_;
};

}  // namespace imgsrv::client
