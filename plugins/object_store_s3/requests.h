#pragma once

#include <string>
#include <string_view>

#include "client.h"
#include "copier.h"

// The requests of S3, one function each, named after the operation. Payloads outlive the request.
namespace imgsrv::s3 {

// Metadata that tells which upload an object came from; empty: none.
inline constexpr const char* kUploadMark = "x-amz-meta-imgsrv-upload";

// The header by which a copy is made only of a source with this etag.
inline constexpr const char* kCopyCondition = "x-amz-copy-source-if-match";

Request head_object(std::string key);
Request get_object(std::string key);
Request put_object(std::string key, Payload& payload);
Request delete_object(std::string key);
// source: the whole object. mark empty: the copy keeps the source's metadata.
Request copy_object(const Address& address, const CopySource& source, std::string target, const std::string& mark);
// Keys that begin with prefix and come after start_after, at most 1000 of them.
Request list_objects(std::string prefix, std::string start_after, std::uint32_t max);

Request create_upload(std::string key, const std::string& mark);
Request upload_part(std::string key, std::string upload_id, std::uint32_t number, Payload& payload);
Request copy_part(const Address& address, const CopySource& source, std::string key, std::string upload_id,
                  std::uint32_t number);
Request list_parts(std::string key, std::string upload_id, std::string marker);
Request complete_upload(std::string key, std::string upload_id, Payload& document);
Request abort_upload(std::string key, std::string upload_id);
Request list_uploads(std::string prefix, std::string key_marker, std::string upload_id_marker);

// "bytes=0-9".
std::string byte_range(std::uint64_t first, std::uint64_t last);

}  // namespace imgsrv::s3
