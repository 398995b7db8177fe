#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/unique_fd.h"

namespace imgsrv::client {

// What a later run needs to go on with an upload.
struct PendingUpload {
    std::string upload_id;
    std::uint64_t part_size = 0;
};

// Remembers the upload session of one blob at one server, in $XDG_STATE_HOME/imgsrv/uploads (~/.local/state without
// it). Only a hint: the server says what it has, and a record that is stale, damaged or cannot be written costs no more
// than sending the file again. Held under a lock for its life, so that two runs never share a session.
class UploadRecord {
  public:
    // A record that cannot be had (no home, read-only, held by another run) remembers nothing.
    UploadRecord(std::string_view server, std::string_view digest);

    std::optional<PendingUpload> load() const;
    void save(const PendingUpload& pending);
    void forget();

  private:
    std::string path_;
    UniqueFd fd_;
};

}  // namespace imgsrv::client
