#include "services/publishing/buffered_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace imgsrv::services {
namespace {

constexpr std::size_t kMaxKeyBytes = 512;
constexpr std::size_t kMaxRowBytes = 1024 * 1024;
constexpr std::size_t kMaxRunBytes = 64 * 1024 * 1024;

}  // namespace

Result<std::unique_ptr<ports::ByteReader>> BufferedRun::open_blob(const ports::Call& call, std::string_view digest,
                                                                  std::uint64_t offset,
                                                                  std::optional<std::uint64_t> length) {
    IMGSRV_ASSIGN(const auto blob, blobs_.find(call, digest));
    return blobs_.open_stream(call, blob, offset, length);
}

Result<std::uint64_t> BufferedRun::blob_size(const ports::Call& call, std::string_view digest) {
    IMGSRV_ASSIGN(const auto blob, blobs_.find(call, digest));
    IMGSRV_TRY(BlobService::check_sound(blob));
    return blob.size;
}

void BufferedRun::progress(std::uint64_t done, std::uint64_t total) {
    done_ = done;
    total_ = total;
}

Status BufferedRun::put_row(std::string_view key, std::string_view json) {
    if (key.empty() || key.size() > kMaxKeyBytes)
        return {Code::invalid_argument, "a row's key must have 1 to " + std::to_string(kMaxKeyBytes) +
                                            " bytes, this has " + std::to_string(key.size())};
    if (json.size() > kMaxRowBytes)
        return {Code::too_large, "row '" + std::string(key) + "' has " + std::to_string(json.size()) +
                                     " bytes, at most " + std::to_string(kMaxRowBytes) + " are allowed"};
    row_bytes_ += key.size() + json.size();
    if (row_bytes_ > kMaxRunBytes)
        return {Code::resource_exhausted,
                "the step's rows add up to more than " + std::to_string(kMaxRunBytes) + " bytes"};
    if (!nlohmann::json::accept(json))
        return {Code::invalid_argument, "row '" + std::string(key) + "' is not valid JSON"};
    const auto same = std::find_if(rows_.begin(), rows_.end(), [&](const auto& row) { return row.key == key; });
    if (same != rows_.end())
        same->json = json;
    else
        rows_.push_back({std::string(key), std::string(json)});
    return {};
}

Status BufferedRun::request_published() {
    if (!finalizer_)
        return {Code::permission_denied, "only a step that is declared as a finalizer may ask for the published state"};
    published_requested_ = true;
    return {};
}

}  // namespace imgsrv::services
