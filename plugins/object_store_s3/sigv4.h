#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "digest.h"

// AWS Signature Version 4 as S3 requires it: the path is encoded once, and every request names the hash of its payload.
// Source: "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference. Pure: the time comes in.
namespace imgsrv::s3 {

struct Credentials {
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;  // empty: none

    bool operator==(const Credentials&) const = default;
};

// Everything but A-Z a-z 0-9 - . _ ~ as %XX, and '/' too unless told to keep it.
std::string percent_encode(std::string_view text, bool keep_slash);

// A query as it is signed and sent: encoded, in the order of its encoded names.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
std::string canonical_query(const QueryParameters& parameters);

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kStreamingPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

// One request as it is signed. Names of headers are in lower case; all that stand here are signed.
struct SignedRequest {
    std::string method;
    std::string path;   // encoded, begins with '/'
    std::string query;  // canonical_query()
    std::map<std::string, std::string> headers;
    std::string payload_hash;  // hex of SHA-256, kUnsignedPayload or kStreamingPayload
};

// The key of one day, region and service, and what is signed with it at one moment.
class Signer {
  public:
    Signer(const Credentials& credentials, std::string_view region, std::string_view service,
           std::chrono::sys_seconds now);

    // "20130524T000000Z", for the header x-amz-date.
    const std::string& timestamp() const { return timestamp_; }
    // The signature of the request alone, in hex.
    std::string signature(const SignedRequest& request) const;
    // The value of the header Authorization.
    std::string authorization(const SignedRequest& request) const;
    // The signature of a chunk of a streaming payload. previous: that of the chunk before, of the request at first.
    std::string chunk_signature(std::string_view previous, std::string_view chunk_sha256_hex) const;

  private:
    std::string access_key_id_;
    std::string timestamp_;
    std::string scope_;
    Mac key_{};
};

// The names of the headers, in their order, joined by ';'.
std::string signed_headers(const SignedRequest& request);
std::string canonical_request(const SignedRequest& request);

}  // namespace imgsrv::s3
