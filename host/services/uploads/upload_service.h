#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/upload.h"
#include "ports/object_store.h"
#include "services/uploads/part_receiver.h"
#include "services/uploads/parts_in_flight.h"
#include "store/pool.h"

namespace imgsrv::services {

struct NewUpload {
    std::string expected_digest;
    std::int64_t expected_size = 0;  // bytes
    std::optional<std::string> media_type_hint;
    std::optional<std::string> filename_hint;
};

struct UploadOptions {
    std::chrono::seconds ttl{24 * 3600};  // how long a new session takes parts
    std::uint64_t max_part_bytes = 5ULL << 30;
};

// What clients ask of upload sessions, for config/openapi.yaml, tag Uploads. Every function may block. [any]
//
// An accepted part (its etag was returned) survives a crash of the process and of the machine. A session that does not
// exist is not_found; errors of the store and the database are returned as they are.
class UploadService {
  public:
    // completed: called when a session waits for promotion. part_accepted: called with the session's id when a part may
    // wait to be hashed (PartHasher); only if the store can read it back. Both are called on the thread of the request
    // and must not block.
    UploadService(store::Pool& pool, ports::ObjectStore& objects, PartsInFlight& in_flight, UploadOptions options,
                  std::function<void()> completed, std::function<void(std::string)> part_accepted);

    struct Created {
        domain::UploadSession session;
        bool already_trusted = false;  // the bytes are here: the session is ready and takes no parts
    };
    // invalid_argument or too_large name the field that is wrong.
    Result<Created> create(const ports::Call& call, const NewUpload& request, std::string_view principal_id);
    Result<domain::UploadSession> get(const ports::Call& call, std::string_view id);
    // Every accepted part, in order of number.
    Result<std::vector<domain::UploadPart>> parts(const ports::Call& call, std::string_view id);

    // Receives one part: see PartReceiver.
    Result<domain::UploadPart> put_part(const ports::Call& call, std::string_view id, PartRequest request,
                                        ports::ByteReader& body);
    // Joins the named parts and hands the session to promotion: when it returns, the bytes are one object in staging.
    // Parts of another total than expected fail the session. Safe to repeat: answers with what the first call led to.
    Result<domain::UploadSession> complete(const ports::Call& call, std::string_view id,
                                           const std::vector<domain::UploadPart>& named);
    // failed_precondition once promotion owns the session, or it ended otherwise. Safe to repeat.
    Result<domain::UploadSession> abort(const ports::Call& call, std::string_view id);

  private:
    struct Snapshot {
        domain::UploadSession session;
        std::vector<domain::UploadPart> parts;
        Time now;
    };

    Result<Snapshot> load(const ports::Call& call, std::string_view id);
    // The session after an attempt to complete it: OK if any attempt succeeded.
    Result<domain::UploadSession> completed_session(const ports::Call& call, std::string_view id);
    // Makes one object of the parts in staging. False if an earlier completion, whose process died, had made it,
    // perhaps of other parts than those named now.
    Result<bool> join_parts(const ports::Call& call, const domain::UploadSession& session,
                            const std::vector<domain::UploadPart>& named);
    // The commit point of a completion. No change if another request was first.
    Status hand_to_promotion(const ports::Call& call, std::string_view id, const std::vector<domain::UploadPart>& named,
                             bool made_of_named);
    // Whether the running hash is that of the first bytes of an object made of the parts `named`.
    Result<bool> hash_counts(store::Transaction& tx, const domain::UploadSession& session,
                             const std::vector<domain::UploadPart>& named);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    PartsInFlight& in_flight_;
    const UploadOptions options_;
    const std::function<void()> completed_;
    const std::function<void(std::string)> part_accepted_;
    PartReceiver receiver_;
};

}  // namespace imgsrv::services
