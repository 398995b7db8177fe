#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/unique_fd.h"

namespace imgsrv::client {

// What a later run needs to resume an upload.
struct PendingUpload {
    std::string upload_id;
    std::uint64_t part_size = 0;
};

// Remembers the upload session of one blob at one server, in $XDG_STATE_HOME/imgsrv/uploads (~/.local/state without
// it). Only a hint: the server knows what it has, and a stale, damaged or unwritable record costs no more than sending
// the file again. Locked for its lifetime, so that two runs never share a session.
class UploadRecord {
  public:
    // If the record is unavailable (no home, read-only, locked by another run), it remembers nothing.
    UploadRecord(std::string_view server, std::string_view digest);

    std::optional<PendingUpload> load() const;
    void save(const PendingUpload& pending);
    void forget();

  private:
    std::string path_;
    UniqueFd fd_;
};

}  // namespace imgsrv::client
