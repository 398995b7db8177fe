#pragma once

#include <string>
#include <string_view>

namespace imgsrv::services {

inline constexpr std::string_view kStagingPrefix = "staging/";
inline constexpr std::string_view kBlobPrefix = "blobs/";

// Where an upload session gathers its bytes, unverified.
inline std::string staging_key(std::string_view session_id) {
    return std::string(kStagingPrefix) + std::string(session_id);
}

// Where a verified blob lives: blobs/sha256/ab/abcd….
inline std::string blob_key(std::string_view hex) {
    return std::string(kBlobPrefix) + "sha256/" + std::string(hex.substr(0, 2)) + "/" + std::string(hex);
}

}  // namespace imgsrv::services
