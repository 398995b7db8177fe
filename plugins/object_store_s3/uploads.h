#pragma once

#include <span>
#include <string>
#include <string_view>

#include "aside_upload.h"
#include "native_upload.h"

namespace imgsrv::s3 {

// Multipart uploads, in one of two ways, which the id of an upload tells:
//
//   direct  The store's own upload aims at the key, and its completion puts the object there. No byte is copied. Where
//           uploads are strict and etags are MD5s (traits.h), which is how a repeated completion knows its object: AWS.
//   aside   The store's own upload aims at a hidden key, and the completed object is copied to its key inside of the
//           store (aside_upload.h). Elsewhere: Ceph, which copies by reference; Swift; AWS with encryption by KMS.
class Uploads {
  public:
    Uploads(Client& client, Objects& objects, Copier& copier, TraitProbe& traits)
        : client_(client), objects_(objects), copier_(copier), traits_(traits) {}

    std::string create(const sdk::Call& call, std::string_view key);
    std::string put_part(const sdk::Call& call, std::string_view key, std::string_view upload_id, std::uint32_t number,
                         sdk::Reader& body);
    sdk::ObjectInfo complete(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                             std::span<const imgsrv_part> parts);
    void abort(const sdk::Call& call, std::string_view key, std::string_view upload_id);
    void list(const sdk::Call& call, std::string_view prefix, sdk::UploadSink& out);

  private:
    sdk::ObjectInfo complete_direct(const sdk::Call& call, const std::string& key, NativeUpload upload,
                                    const std::vector<ListedPart>& named);

    Client& client_;
    Objects& objects_;
    Copier& copier_;
    TraitProbe& traits_;
};

}  // namespace imgsrv::s3
