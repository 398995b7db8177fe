#include "services/publishing/buffered_run.h"

#include <nlohmann/json.hpp>

namespace imgsrv::services {
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
    if (key.empty() || key.size() > limits_.key)
        return {Code::invalid_argument, "a row's key must have 1 to " + std::to_string(limits_.key) +
                                            " bytes, this has " + std::to_string(key.size())};
    if (json.size() > limits_.row)
        return {Code::too_large, "row '" + std::string(key) + "' has " + std::to_string(json.size()) +
                                     " bytes, at most " + std::to_string(limits_.row) + " are allowed"};
    const auto place = place_of_.find(std::string(key));
    const bool again = place != place_of_.end();
    const std::size_t others = row_bytes_ - (again ? key.size() + rows_[place->second].json.size() : 0);
    const std::size_t all = others + key.size() + json.size();
    if (all > limits_.all_rows)
        return {Code::resource_exhausted,
                "the step's rows add up to more than " + std::to_string(limits_.all_rows) + " bytes"};
    if (!nlohmann::json::accept(json))
        return {Code::invalid_argument, "row '" + std::string(key) + "' is not valid JSON"};
    row_bytes_ = all;
    if (again) {
        rows_[place->second].json = json;
        return {};
    }
    place_of_.emplace(key, rows_.size());
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
