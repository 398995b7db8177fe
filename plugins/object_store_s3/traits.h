#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "client.h"

namespace imgsrv::s3 {

// Keys that begin with this are the plugin's own: '~' stands in no key of the host (rule S1), and comes after all that
// do.
inline constexpr std::string_view kOwnPrefix = "~imgsrv/";
// Those of probes, which remove them; what is left by one that was killed: ProbeLeftovers.
inline constexpr std::string_view kProbePrefix = "~imgsrv/probe-";

// What stores that speak S3 do differently.
struct Traits {
    bool put_if_absent = false;  // PUT with If-None-Match: * keeps what is there
    bool md5_etags = false;      // the etag of what was sent in one piece is its MD5; not with encryption by KMS
    // A completion may leave parts out, which Ceph refuses, and no part reaches a complete upload any more, whereas
    // Swift puts a late one in the place of the one that the object refers to.
    bool strict_uploads = false;
};

// Finds out the traits, once, by trying them on objects of a few bytes, and tells the client how this store proves
// payloads. Ask before sending a payload. [any]
class TraitProbe {
  public:
    explicit TraitProbe(Client& client) : client_(client) {}

    // Throws what the store's refusal or silence says; the next call tries again.
    Traits get(const sdk::Call& call);

  private:
    Traits learn(const sdk::Call& call);
    bool has_strict_uploads(const sdk::Call& call, const std::string& key);

    Client& client_;
    std::mutex mutex_;
    std::optional<Traits> learned_;
};

// Random, in hex; a unique name.
std::string random_name();

}  // namespace imgsrv::s3
