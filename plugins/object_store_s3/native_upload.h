#pragma once

#include <optional>
#include <string>
#include <vector>

#include "objects.h"
#include "upload_parts.h"

namespace imgsrv::s3 {

// One multipart upload of S3's own: the key it was begun for, and its id.
class NativeUpload {
  public:
    NativeUpload(Client& client, Objects& objects, std::string key, std::string id)
        : client_(client), objects_(objects), key_(std::move(key)), id_(std::move(id)) {}

    // Returns the part's etag, once its bytes are proven to be the payload's. NOT_FOUND when there is no such upload.
    std::string put_part(const sdk::Call& call, std::uint32_t number, Payload& payload);
    // Every stored part. None: there is no such upload.
    std::optional<std::vector<ListedPart>> parts(const sdk::Call& call);
    // The commit point. None: done; otherwise what the store answered, which may be that another process was first.
    std::optional<sdk::Failure> complete(const sdk::Call& call, const std::vector<ListedPart>& parts);
    // OK when there is no such upload.
    void abort(const sdk::Call& call);

  private:
    Client& client_;
    Objects& objects_;
    const std::string key_;
    const std::string id_;
};

}  // namespace imgsrv::s3
