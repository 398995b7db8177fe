#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/sha256.h"
#include "domain/upload.h"
#include "ports/object_store.h"
#include "services/uploads/parts_in_flight.h"
#include "store/pool.h"

namespace imgsrv::services {

// What a client says of a part before its bytes.
struct PartRequest {
    std::int64_t number = 0;                           // unchecked
    std::optional<std::uint64_t> content_length = {};  // as announced; none with chunked framing
    std::optional<std::string> expected_hex = {};      // the SHA-256 of the bytes, if the client declared it
};

// Receives the parts of upload sessions: from the client's stream to the object store, and into the database. [any]
//
// A part passes through these steps, and what a crash leaves behind depends on the last one done:
//   1. admit       (read)   the session takes this part. Nothing has changed.
//   2. the bytes   (store)  they pass to the store, hashed and counted. An older part with the number still counts.
//   3. begin_send  (write)  after the last byte, before the store learns of the end (EndGate): a part sent again counts
//                           as not received from here on.
//   4. the end     (store)  the store makes the bytes durable and lets go of older ones.
//   5. accept      (write)  the commit point: the part counts, and survives a crash.
class PartReceiver {
  public:
    PartReceiver(store::Pool& pool, ports::ObjectStore& objects, PartsInFlight& in_flight,
                 std::uint64_t max_part_bytes);

    // Errors: invalid_argument, too_large or failed_precondition name what the session does not take; aborted: a newer
    // request for the same part superseded this one; else what the body, the store or the database reports.
    Result<domain::UploadPart> receive(const ports::Call& call, std::string_view id, PartRequest request,
                                       ports::ByteReader& body);

  private:
    // A part that the session takes.
    struct Admission {
        domain::UploadSession session;
        std::uint32_t number = 0;
        std::uint64_t room = 0;  // bytes that the session expects and other parts do not hold
        std::string too_large;   // what to say of more
    };

    Result<Admission> admit(const ports::Call& call, std::string_view id, const PartRequest& request);
    // True if the store can keep no other bytes under the etag that it is about to return, so that the running hash may
    // go on over them.
    Result<bool> begin_send(const ports::Call& call, const Admission& part);
    // hash: the running hash over the part as well; null: it stays where it was.
    Status accept(const ports::Call& call, const Admission& admitted, const domain::UploadPart& part,
                  const Sha256* hash);
    // Why the store did not take the part.
    Status refusal(const ports::Call& call, std::string_view id, Status from_store);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    PartsInFlight& in_flight_;
    const std::uint64_t max_part_bytes_;
};

}  // namespace imgsrv::services
