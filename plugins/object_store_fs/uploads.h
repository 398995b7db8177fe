#pragma once

#include <atomic>
#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fd.h"
#include "objects.h"
#include "upload.h"
#include "volume.h"

namespace imgsrv::fs {

// All multipart uploads: open ones in uploads/<id>, finished ones in done/<id>, where they stay as a receipt, so that a
// completion whose answer was lost can be repeated: until their object is removed or replaced, at most a week. [any]
class Uploads {
  public:
    Uploads(const Volume& volume, const sdk::Log& log, Objects& objects, int tmp, Fd open, Fd done);

    // Returns the upload's id.
    std::string create(const sdk::Call& call, std::string_view key, std::uint64_t expected_size);
    // Throws NOT_FOUND.
    std::shared_ptr<Upload> find(std::string_view key, std::string_view id);
    sdk::ObjectInfo complete(const sdk::Call& call, std::string_view key, std::string_view id,
                             std::span<const imgsrv_part> parts);
    void abort(std::string_view key, std::string_view id);
    // Now and then also removes receipts that are no longer needed.
    void list(const sdk::Call& call, std::string_view prefix, sdk::UploadSink& out);

    void sweep_receipts() noexcept;

  private:
    std::shared_ptr<Upload> load(int parent, std::string_view key, const std::string& id);
    void retire(const std::string& id) noexcept;
    void discard(int parent, const std::string& id);

    const Volume& volume_;
    const sdk::Log log_;
    Objects& objects_;
    const int tmp_;
    const Fd open_;
    const Fd done_;

    std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<Upload>> loaded_;  // one Upload for a folder
    std::atomic<std::int64_t> next_sweep_s_{0};
};

}  // namespace imgsrv::fs
