#pragma once

#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "objects.h"
#include "uploads.h"
#include "volume.h"

namespace imgsrv::fs {

// The object store "fs": everything lies below one folder, on one file system.
//     FORMAT      the layout's version; locked while the store is open, by one process only
//     objects/    complete objects (key.h, objects.h)
//     uploads/    open multipart uploads (upload.h)
//     done/       receipts of finished ones (uploads.h)
//     tmp/        incomplete files; emptied at the start
// With read_only = true it takes no lock, sweeps nothing, and refuses whatever would write. Each file says where its
// commit point is. With fsync = false nothing is synced: a crash of the machine may then lose or corrupt recent writes;
// a crash of the process still loses nothing.
class Store {
  public:
    static constexpr imgsrv_ext_local_data kLocalData =
        sdk::local_folder("root", "objects", IMGSRV_LOCAL_DATA_ONE_PROCESS, "read_only");

    // Makes the root when it is absent. Throws FAILED_PRECONDITION when another process has it open, or when it has a
    // layout this version does not know.
    explicit Store(const sdk::Setup& setup);

    void health(const sdk::Call& call);

    std::uint64_t caps() noexcept {
        return IMGSRV_STORE_CAP_COPY_IF_ABSENT | IMGSRV_STORE_CAP_PUT_IF_ABSENT | IMGSRV_STORE_CAP_UNIQUE_PART_ETAGS;
    }
    sdk::ObjectInfo stat(const sdk::Call& call, std::string_view key);
    sdk::OpenedObject open(const sdk::Call& call, std::string_view key, std::string_view if_etag, std::uint64_t offset,
                           std::optional<std::uint64_t> length);
    sdk::ObjectInfo put(const sdk::Call& call, std::string_view key, sdk::Reader& body, bool if_absent);
    sdk::ObjectInfo copy(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                         std::string_view dst, bool if_absent);
    void remove(const sdk::Call& call, std::string_view key);
    bool list(const sdk::Call& call, std::string_view prefix, std::string_view start_after, std::uint32_t max,
              sdk::ObjectSink& out);

    std::string mp_create(const sdk::Call& call, std::string_view key, std::uint64_t expected_size);
    std::string mp_put_part(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                            std::uint32_t number, sdk::Reader& body);
    sdk::ObjectInfo mp_complete(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                                std::span<const imgsrv_part> parts);
    void mp_abort(const sdk::Call& call, std::string_view key, std::string_view upload_id);
    void mp_list(const sdk::Call& call, std::string_view prefix, sdk::UploadSink& out);

    int open_fd(const sdk::Call& call, std::string_view key);
    std::unique_ptr<sdk::ByteSource> open_part(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                                               const imgsrv_part& part, std::uint64_t offset);

  private:
    Objects& writable();
    Uploads& uploads();

    Volume volume_;
    const bool read_only_;
    Fd lock_;  // none when read only
    Fd tmp_;
    std::optional<Objects> objects_;
    std::optional<Uploads> uploads_;  // none when read only
};

}  // namespace imgsrv::fs
