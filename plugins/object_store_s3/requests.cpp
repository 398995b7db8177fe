#include "requests.h"

namespace imgsrv::s3 {
namespace {

std::string quoted(std::string_view etag) {
    return '"' + std::string(etag) + '"';
}

void set_source(Request& request, const Address& address, const CopySource& source) {
    request.headers["x-amz-copy-source"] =
        "/" + percent_encode(address.bucket, false) + "/" + percent_encode(source.key, true);
    request.headers[kCopyCondition] = quoted(source.etag);
    request.slow = true;
}

}  // namespace

std::string byte_range(std::uint64_t first, std::uint64_t last) {
    return "bytes=" + std::to_string(first) + "-" + std::to_string(last);
}

Request head_object(std::string key) {
    return {.operation = "HeadObject", .method = "HEAD", .key = std::move(key)};
}

Request get_object(std::string key) {
    return {.operation = "GetObject", .method = "GET", .key = std::move(key)};
}

Request put_object(std::string key, Payload& payload) {
    return {.operation = "PutObject", .method = "PUT", .key = std::move(key), .payload = &payload};
}

Request delete_object(std::string key) {
    return {.operation = "DeleteObject", .method = "DELETE", .key = std::move(key)};
}

Request copy_object(const Address& address, const CopySource& source, std::string target, const std::string& mark) {
    Request request{.operation = "CopyObject", .method = "PUT", .key = std::move(target)};
    set_source(request, address, source);
    if (!mark.empty()) {
        request.headers["x-amz-metadata-directive"] = "REPLACE";
        request.headers[kUploadMark] = mark;
    }
    return request;
}

Request list_objects(std::string prefix, std::string start_after, std::uint32_t max) {
    Request request{.operation = "ListObjectsV2", .method = "GET"};
    request.query = {{"list-type", "2"}, {"max-keys", std::to_string(max)}};
    if (!prefix.empty()) request.query.emplace_back("prefix", std::move(prefix));
    if (!start_after.empty()) request.query.emplace_back("start-after", std::move(start_after));
    return request;
}

Request create_upload(std::string key, const std::string& mark) {
    Request request{.operation = "CreateMultipartUpload", .method = "POST", .key = std::move(key)};
    request.query = {{"uploads", ""}};
    if (!mark.empty()) request.headers[kUploadMark] = mark;
    return request;
}

Request upload_part(std::string key, std::string upload_id, std::uint32_t number, Payload& payload) {
    Request request{.operation = "UploadPart", .method = "PUT", .key = std::move(key)};
    request.query = {{"partNumber", std::to_string(number)}, {"uploadId", std::move(upload_id)}};
    request.payload = &payload;
    return request;
}

Request copy_part(const Address& address, const CopySource& source, std::string key, std::string upload_id,
                  std::uint32_t number) {
    Request request{.operation = "UploadPartCopy", .method = "PUT", .key = std::move(key)};
    request.query = {{"partNumber", std::to_string(number)}, {"uploadId", std::move(upload_id)}};
    set_source(request, address, source);
    request.headers["x-amz-copy-source-range"] = byte_range(source.offset, source.offset + source.length - 1);
    return request;
}

Request list_parts(std::string key, std::string upload_id, std::string marker) {
    Request request{.operation = "ListParts", .method = "GET", .key = std::move(key)};
    request.query = {{"uploadId", std::move(upload_id)}};
    if (!marker.empty()) request.query.emplace_back("part-number-marker", std::move(marker));
    return request;
}

Request complete_upload(std::string key, std::string upload_id, Payload& document) {
    Request request{.operation = "CompleteMultipartUpload", .method = "POST", .key = std::move(key)};
    request.query = {{"uploadId", std::move(upload_id)}};
    request.payload = &document;
    request.slow = true;
    return request;
}

Request abort_upload(std::string key, std::string upload_id) {
    Request request{.operation = "AbortMultipartUpload", .method = "DELETE", .key = std::move(key)};
    request.query = {{"uploadId", std::move(upload_id)}};
    return request;
}

Request list_uploads(std::string prefix, std::string key_marker, std::string upload_id_marker) {
    Request request{.operation = "ListMultipartUploads", .method = "GET"};
    request.query = {{"uploads", ""}};
    if (!prefix.empty()) request.query.emplace_back("prefix", std::move(prefix));
    if (!key_marker.empty()) request.query.emplace_back("key-marker", std::move(key_marker));
    if (!upload_id_marker.empty()) request.query.emplace_back("upload-id-marker", std::move(upload_id_marker));
    return request;
}

}  // namespace imgsrv::s3
