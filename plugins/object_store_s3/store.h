#pragma once

#include <imgsrv/imgsrv.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client.h"
#include "copier.h"
#include "objects.h"
#include "probe_leftovers.h"
#include "traits.h"
#include "upload_parts.h"
#include "uploads.h"

namespace imgsrv::s3 {

// The object store "s3": one bucket of a store that speaks S3. Keys are the object's names in it, unchanged; the
// plugin's own objects begin with "~imgsrv/". Nothing is kept in this process: any number of them may use one bucket.
class Store {
  public:
    // Of S3, whichever store speaks it.
    static constexpr std::uint64_t kLeastPart = s3::kLeastPart;

    // Reads the options and looks at the bucket. A store that refuses is a mistake in the configuration, and throws;
    // one that does not answer may come back, and does not.
    explicit Store(const sdk::Setup& setup);

    // Writes to the bucket, and now and then removes from it what killed processes left.
    void health(const sdk::Call& call);

    // What is known of the store from the start; a store that was away then is not trusted with anything.
    std::uint64_t caps() const noexcept { return caps_; }
    sdk::ObjectInfo stat(const sdk::Call& call, std::string_view key);
    sdk::OpenedObject open(const sdk::Call& call, std::string_view key, std::string_view if_etag, std::uint64_t offset,
                           std::optional<std::uint64_t> length);
    sdk::ObjectInfo put(const sdk::Call& call, std::string_view key, sdk::Reader& body, bool if_absent);
    sdk::ObjectInfo copy(const sdk::Call& call, std::string_view src, std::string_view if_src_etag,
                         std::string_view dst, bool if_absent);
    void remove(const sdk::Call& call, std::string_view key);
    bool list(const sdk::Call& call, std::string_view prefix, std::string_view start_after, std::uint32_t max,
              sdk::ObjectSink& out);

    std::string mp_create(const sdk::Call& call, std::string_view key, std::uint64_t expected_size);
    std::string mp_put_part(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                            std::uint32_t number, sdk::Reader& body);
    sdk::ObjectInfo mp_complete(const sdk::Call& call, std::string_view key, std::string_view upload_id,
                                std::span<const imgsrv_part> parts);
    void mp_abort(const sdk::Call& call, std::string_view key, std::string_view upload_id);
    void mp_list(const sdk::Call& call, std::string_view prefix, sdk::UploadSink& out);

  private:
    void look_at_the_bucket(const sdk::Call& call);

    Settings settings_;
    CredentialSource credentials_;
    Client client_;
    TraitProbe traits_;
    ProbeLeftovers probe_leftovers_;
    Objects objects_;
    Copier copier_;
    Uploads uploads_;
    std::uint64_t caps_ = 0;
};

}  // namespace imgsrv::s3
