#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copier.h"
#include "native_upload.h"

namespace imgsrv::s3 {

// A multipart upload that is gathered at a hidden key and copied to its own when it is complete, for stores whose own
// uploads guarantee too little (Uploads):
//
//     ~imgsrv/uploads/KEY/~NAME           the store's own upload aims at this; the joined object while it is copied
//     ~imgsrv/uploads/KEY/~NAME/small-N   part N once more, when it is below 5 MiB
//     ~imgsrv/uploads/KEY/~NAME/layout    which parts the joined object was made of, when not all of them were named
//
// Where parts are stored that the completion does not name, and the store cannot leave them out, all parts are joined,
// and the ranges of the named ones are copied. The store joins no small part that is not its last: those are
// overwritten with filling, and one that is named is taken from its second copy.
//
// The commit point is the appearance of the object at KEY; it carries NAME in its metadata, so that a repeated
// completion knows it. Before that, every step can be repeated by any process. Afterwards only garbage is left, which
// is removed then, or by abort().
class AsideUpload {
  public:
    struct Id {
        std::string name;    // NAME: random
        std::string native;  // the id of the store's own upload; empty when it is not known
    };
    struct Listed {
        std::string key;
        Id id;
        std::int64_t created_us = 0;
    };

    static Id create(const sdk::Call& call, Client& client, const std::string& key);
    // Every one whose key begins with prefix, also those whose object waits to be copied.
    static std::vector<Listed> list(const sdk::Call& call, Client& client, const std::string& prefix);
    // Whether there is room for the hidden key's additions in S3's 1024 bytes.
    static bool fits(std::string_view key);

    // strict: Traits::strict_uploads.
    AsideUpload(Client& client, Objects& objects, Copier& copier, bool strict, std::string key, Id id);

    std::string put_part(const sdk::Call& call, std::uint32_t number, Payload& payload);
    sdk::ObjectInfo complete(const sdk::Call& call, const std::vector<ListedPart>& named);
    void abort(const sdk::Call& call);

  private:
    std::string small_key(std::uint32_t number) const { return hidden_ + "/small-" + std::to_string(number); }
    std::string layout_key() const { return hidden_ + "/layout"; }

    // Makes sure that all stored parts can be joined, and returns them as they are then.
    std::vector<ListedPart> arrange(const sdk::Call& call, const std::vector<ListedPart>& named,
                                    std::vector<ListedPart> stored);
    // Whether the second copy of a named part, whose first was overwritten with filling, is still there.
    bool has_small(const sdk::Call& call, const ListedPart& named);
    // Copies the joined object to the key, unless that has happened. NOT_FOUND when there is nothing to copy.
    sdk::ObjectInfo publish(const sdk::Call& call, const std::vector<ListedPart>& named);
    void copy_named(const sdk::Call& call, const std::vector<ListedPart>& named, const sdk::ObjectInfo& joined);
    // The object at the key, if this upload made it.
    std::optional<sdk::ObjectInfo> published(const sdk::Call& call);
    void remove_hidden(const sdk::Call& call);

    Client& client_;
    Objects& objects_;
    Copier& copier_;
    const bool strict_;
    const std::string key_;
    const Id id_;
    const std::string hidden_;
    NativeUpload native_;
};

}  // namespace imgsrv::s3
