#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"

namespace imgsrv::domain {

// created → uploading → completed → ingesting → ready | failed; aborted from any state before ingesting.
enum class UploadState { created, uploading, completed, ingesting, ready, failed, aborted };
std::string_view to_string(UploadState state);
UploadState parse_upload_state(std::string_view text);  // text comes from the database

constexpr std::uint32_t kMaxPartNumber = 10'000;

struct UploadPart {
    std::uint32_t number = 0;
    std::string etag;
    std::uint64_t size = 0;
};

// One attempt to upload the bytes of one digest.
struct UploadSession {
    std::string id;
    std::string expected_digest;
    std::uint64_t expected_size = 0;
    std::optional<std::string> media_type_hint;
    std::optional<std::string> filename_hint;
    UploadState state = UploadState::created;
    Time expires;
    Time created;
    std::uint64_t bytes_received = 0;
    std::optional<std::string> failure_message;
    std::string storage_upload_id;  // the object store's name for the multipart upload

    // The running hash covers parts 1…hashed_parts, hashed_bytes in all; hash_state is Sha256::save().
    std::uint32_t hashed_parts = 0;
    std::uint64_t hashed_bytes = 0;
    std::string hash_state;

    // Set while a promotion worker holds it.
    std::string lease_owner;
    std::uint32_t attempt = 0;
};

// Accepts bytes: created or uploading, and not expired. failed_precondition says why not.
Status check_accepts_parts(const UploadSession& session, Time now);

// Compares the parts that a client names at completion with the accepted ones. invalid_argument names the first part
// that is missing, out of order, or has another etag or size.
Status check_completion(const std::vector<UploadPart>& named, const std::vector<UploadPart>& accepted);

// Whether the parts that the running hash covers are the first of `named`.
bool hash_covers_first(const UploadSession& session, const std::vector<UploadPart>& named);

}  // namespace imgsrv::domain
