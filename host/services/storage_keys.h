#pragma once

#include <string>
#include <string_view>

namespace imgsrv::services {

inline constexpr std::string_view kStagingPrefix = "staging/";
inline constexpr std::string_view kBlobPrefix = "blobs/";
// A text that says whose store it is (store_identity.h). Nothing that collects or prunes looks beyond the two prefixes.
inline constexpr std::string_view kIdentityKey = "imgsrv-store-identity.txt";

// Where an upload session gathers its bytes, unverified.
inline std::string staging_key(std::string_view session_id) {
    return std::string(kStagingPrefix) + std::string(session_id);
}

// Where a session's promotion puts the verified bytes: blobs/sha256/ab/abcd….<session id>. The row of the blob says
// where it is; a blob that was removed and uploaded again has another key, so that no late removal can hit it.
inline std::string blob_key(std::string_view hex, std::string_view session_id) {
    return std::string(kBlobPrefix) + "sha256/" + std::string(hex.substr(0, 2)) + "/" + std::string(hex) + "." +
           std::string(session_id);
}

}  // namespace imgsrv::services
