#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The documents that a store answers with. They may begin with blanks, which some stores send to keep a connection
// alive while they work.
namespace imgsrv::s3 {

// <Error>: also what an answer with status 200 may hold.
struct ErrorDocument {
    std::string code;
    std::string message;
    std::string region;       // where the bucket is, when the request was signed for another region
    std::string server_time;  // with RequestTimeTooSkewed
};
// None: it is no error document.
std::optional<ErrorDocument> parse_error(std::string_view xml);

struct ListedObject {
    std::string key;
    std::string etag;
    std::uint64_t size = 0;
    std::int64_t mtime_us = 0;
};
struct ObjectPage {
    std::vector<ListedObject> objects;
    bool more = false;
};

struct ListedPart {
    std::uint32_t number = 0;
    std::uint64_t size = 0;
    std::string etag;
};
struct PartPage {
    std::vector<ListedPart> parts;
    bool more = false;  // after the last of these
};

struct ListedUpload {
    std::string key;
    std::string upload_id;
    std::int64_t created_us = 0;
};
struct UploadPage {
    std::vector<ListedUpload> uploads;
    bool more = false;
    std::string next_key_marker;
    std::string next_upload_id_marker;
};

// These throw UNAVAILABLE when the document is not what it should be: a proxy cut it or put something else in its
// place.
ObjectPage parse_object_page(std::string_view xml);
PartPage parse_part_page(std::string_view xml);
UploadPage parse_upload_page(std::string_view xml);
// The upload's id, of InitiateMultipartUploadResult.
std::string parse_upload_id(std::string_view xml);
// The etag of CopyPartResult.
std::string parse_copied_part(std::string_view xml);
// For an answer with status 200 to a copy or a completion, which may hold nothing but the blanks that keep a connection
// alive: then it is unknown whether it was done.
void expect_copied(std::string_view xml);
void expect_completed(std::string_view xml);

// CompleteMultipartUpload.
std::string completion_document(const std::vector<ListedPart>& parts);

// Without quotes; stores differ on whether they send them.
std::string bare_etag(std::string_view etag);
// "2009-10-12T17:50:30.000Z"; 0 when it is something else.
std::int64_t parse_iso_time_us(std::string_view text);
// "Wed, 12 Oct 2009 17:50:00 GMT", of Date and Last-Modified; 0 when it is something else.
std::int64_t parse_http_time_us(std::string_view text);

}  // namespace imgsrv::s3
