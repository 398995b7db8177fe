#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client.h"
#include "traits.h"

namespace imgsrv::s3 {

struct FoundObject {
    sdk::ObjectInfo info;
    std::string upload_mark;  // of the upload it was made by; empty: none is noted
};

// Whole objects: what is not part of a multipart upload. [any]
class Objects {
  public:
    Objects(Client& client, TraitProbe& traits) : client_(client), traits_(traits) {}

    // None: there is no object.
    std::optional<FoundObject> find(const sdk::Call& call, std::string_view key);
    sdk::ObjectInfo stat(const sdk::Call& call, std::string_view key);
    sdk::OpenedObject open(const sdk::Call& call, std::string_view key, std::string_view if_etag, std::uint64_t offset,
                           std::optional<std::uint64_t> length);
    sdk::ObjectInfo put(const sdk::Call& call, std::string_view key, sdk::Reader& body, bool if_absent);
    void remove(const sdk::Call& call, std::string_view key);
    bool list(const sdk::Call& call, std::string_view prefix, std::string_view start_after, std::uint32_t max,
              sdk::ObjectSink& out);

    // Of an answer that stored a payload: throws when its etag tells that other bytes arrived.
    void prove(const sdk::Call& call, const Request& request, const Answer& answer);

  private:
    sdk::OpenedObject open_nothing(const sdk::Call& call, std::string_view key, std::string_view if_etag,
                                   std::uint64_t offset);

    Client& client_;
    TraitProbe& traits_;
};

}  // namespace imgsrv::s3
