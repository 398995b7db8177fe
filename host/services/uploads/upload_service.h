#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/upload.h"
#include "ports/object_store.h"
#include "services/uploads/parts_in_flight.h"
#include "store/pool.h"

namespace imgsrv::services {

struct NewUpload {
    std::string expected_digest;
    std::int64_t expected_size = 0;
    std::optional<std::string> media_type_hint;
    std::optional<std::string> filename_hint;
};

struct UploadOptions {
    std::chrono::seconds ttl{24 * 3600};
    std::uint64_t max_part_bytes = 5ULL << 30;
};

// Upload sessions. Every function may block and runs on any worker.
// What is accepted (a part's etag was answered) survives a crash of process and machine.
class UploadService {
  public:
    // completed: told when a session waits for promotion. backlog: told when parts wait to be hashed.
    UploadService(store::Pool& pool, ports::ObjectStore& objects, UploadOptions options,
                  std::function<void()> completed, std::function<void(std::string)> backlog);

    struct Created {
        domain::UploadSession session;
        bool already_trusted = false;
    };
    Result<Created> create(const ports::Call& call, const NewUpload& request, std::string_view principal_id);
    Result<domain::UploadSession> get(const ports::Call& call, std::string_view id);
    // Every accepted part, in order of number.
    Result<std::vector<domain::UploadPart>> parts(const ports::Call& call, std::string_view id);

    // Receives one part. content_length: as announced, none with chunked framing. expected_hex: its SHA-256, when the
    // client declared it. The commit point is the row of the part, written after the store made the bytes durable. A
    // part that is sent again counts as not received from the end of its body until then, also when the store fails to
    // take it.
    Result<domain::UploadPart> put_part(const ports::Call& call, std::string_view id, std::int64_t number,
                                        std::optional<std::uint64_t> content_length,
                                        std::optional<std::string> expected_hex, ports::ByteReader& body);
    // Safe to repeat. The bytes are one object in staging when it returns; promotion follows.
    Result<domain::UploadSession> complete(const ports::Call& call, std::string_view id,
                                           const std::vector<domain::UploadPart>& parts);
    // Safe to repeat.
    Result<domain::UploadSession> abort(const ports::Call& call, std::string_view id);

    // Hashes accepted parts that follow the running hash without a gap, as far as there are any. Needs a store whose
    // parts can be read before completion; does nothing otherwise.
    Status hash_backlog(const ports::Call& call, const std::string& id);
    // Ends sessions that expired and removes what ended sessions and crashes left in staging.
    Status sweep(const ports::Call& call);

  private:
    // Before the store takes a part. True when it can keep no other bytes under the etag that it is going to give, so
    // that the running hash may go on over them.
    Result<bool> begin_send(const ports::Call& call, std::string_view id, std::uint32_t number);
    // Whether the running hash stands for the first bytes of an object made of the parts `named`.
    Result<bool> hash_counts(store::Transaction& tx, const domain::UploadSession& session,
                             const std::vector<domain::UploadPart>& named);
    Status end_session(const ports::Call& call, const domain::UploadSession& session, domain::UploadState state,
                       const std::optional<std::string>& failure);
    Status drop_staging(const ports::Call& call, const domain::UploadSession& session);
    Result<bool> join_parts(const ports::Call& call, const domain::UploadSession& session,
                            const std::vector<domain::UploadPart>& named);
    Status sweep_expired(const ports::Call& call);
    Status sweep_staging(const ports::Call& call);
    Result<bool> is_leftover(const ports::Call& call, std::string_view key, Time created);
    Result<bool> hash_next_part(const ports::Call& call, const std::string& id);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    const UploadOptions options_;
    const std::function<void()> completed_;
    const std::function<void(std::string)> backlog_;
    PartsInFlight lanes_;
};

}  // namespace imgsrv::services
