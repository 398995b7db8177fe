#include "services/uploads/upload_service.h"

#include <algorithm>

#include "core/log.h"
#include "core/uuid.h"
#include "domain/digest.h"
#include "domain/names.h"
#include "services/storage_keys.h"
#include "services/uploads/part_body.h"
#include "services/uploads/running_hash.h"
#include "store/catalogue/blobs.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {
namespace {

using domain::UploadPart;
using domain::UploadSession;
using domain::UploadState;
using store::Transaction;

struct Snapshot {
    UploadSession session;
    std::vector<UploadPart> parts;
    Time now;
};

Result<Snapshot> load(store::Pool& pool, const ports::Call& call, std::string_view id) {
    return pool.read(call, [&](Transaction& tx) -> Result<Snapshot> {
        Snapshot s;
        IMGSRV_ASSIGN(s.session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(s.parts, store::uploads::parts(tx, id));
        IMGSRV_ASSIGN(s.now, tx.now());
        return s;
    });
}

// A completion that is repeated is answered with what the first one led to, its failure too.
bool was_completed(const UploadSession& session) {
    return session.state == UploadState::completed || session.state == UploadState::ingesting ||
           session.state == UploadState::ready || session.state == UploadState::failed;
}

std::uint64_t total(const std::vector<UploadPart>& parts) {
    std::uint64_t sum = 0;
    for (const UploadPart& part : parts) sum += part.size;
    return sum;
}

// Whether the bytes are here already. invalid_argument when they have another size than the session says.
Result<bool> is_trusted(Transaction& tx, const UploadSession& session) {
    const auto blob = store::blobs::find(tx, session.expected_digest);
    if (blob.status().code() == Code::not_found) return false;
    IMGSRV_TRY(blob.status());
    if (blob->size != session.expected_size)
        return Status(Code::invalid_argument, "expected_size_bytes is " + std::to_string(session.expected_size) +
                                                  ", but " + blob->digest + " has " + std::to_string(blob->size) +
                                                  " bytes");
    return !blob->damage;
}

}  // namespace

UploadService::UploadService(store::Pool& pool, ports::ObjectStore& objects, UploadOptions options,
                             std::function<void()> completed, std::function<void(std::string)> backlog)
    : pool_(pool),
      objects_(objects),
      options_(options),
      completed_(std::move(completed)),
      backlog_(std::move(backlog)) {}

Result<UploadService::Created> UploadService::create(const ports::Call& call, const NewUpload& request,
                                                     std::string_view principal_id) {
    IMGSRV_ASSIGN(const auto digest, domain::Digest::parse("expected_digest", request.expected_digest));
    if (request.expected_size < 0)
        return Status(Code::invalid_argument,
                      "expected_size_bytes must not be negative, it is " + std::to_string(request.expected_size));
    const std::uint64_t limit = options_.max_part_bytes * domain::kMaxPartNumber;
    if (static_cast<std::uint64_t>(request.expected_size) > limit)
        return Status(Code::too_large, "expected_size_bytes is " + std::to_string(request.expected_size) +
                                           ", at most " + std::to_string(limit) + " fit into " +
                                           std::to_string(domain::kMaxPartNumber) + " parts");
    if (request.media_type_hint) IMGSRV_TRY(domain::check_media_type("media_type_hint", *request.media_type_hint));
    if (request.filename_hint) IMGSRV_TRY(domain::check_text("filename_hint", *request.filename_hint, 255));

    Created out;
    UploadSession& session = out.session;
    session.id = new_uuid();
    session.expected_digest = digest.text();
    session.expected_size = static_cast<std::uint64_t>(request.expected_size);
    session.media_type_hint = request.media_type_hint;
    session.filename_hint = request.filename_hint;

    IMGSRV_ASSIGN(out.already_trusted, pool_.write(call, [&](Transaction& tx) -> Result<bool> {
        IMGSRV_ASSIGN(session.created, tx.now());
        session.expires = session.created + options_.ttl;
        IMGSRV_ASSIGN(const bool trusted, is_trusted(tx, session));
        if (!trusted) return false;
        // In one transaction with the look at the blob: from here on the collector leaves it alone.
        session.state = UploadState::ready;
        IMGSRV_TRY(store::uploads::insert(tx, session, principal_id));
        return true;
    }));
    if (out.already_trusted) return out;

    session.state = UploadState::created;
    const std::string key = staging_key(session.id);
    IMGSRV_ASSIGN(session.storage_upload_id, objects_.multipart_create(call, key, session.expected_size));
    // Commit point. A multipart upload without this row is an orphan that the sweeper aborts.
    Status inserted =
        pool_.write(call, [&](Transaction& tx) { return store::uploads::insert(tx, session, principal_id); });
    if (!inserted.ok()) {
        if (!inserted.outcome_unknown())
            static_cast<void>(objects_.multipart_abort(call, key, session.storage_upload_id));
        return inserted;
    }
    return out;
}

Result<UploadSession> UploadService::get(const ports::Call& call, std::string_view id) {
    return pool_.read(call, [&](Transaction& tx) { return store::uploads::find(tx, id); });
}

Result<std::vector<UploadPart>> UploadService::parts(const ports::Call& call, std::string_view id) {
    IMGSRV_ASSIGN(auto snapshot, load(pool_, call, id));
    return std::move(snapshot.parts);
}

Result<UploadPart> UploadService::put_part(const ports::Call& call, std::string_view id, std::int64_t number,
                                           std::optional<std::uint64_t> content_length,
                                           std::optional<std::string> expected_hex, ports::ByteReader& body) {
    if (number < 1 || number > domain::kMaxPartNumber)
        return Status(Code::invalid_argument, "part number " + std::to_string(number) + " is not between 1 and " +
                                                  std::to_string(domain::kMaxPartNumber));
    UploadPart part{static_cast<std::uint32_t>(number), "", 0};
    const std::string who = "part " + std::to_string(number);
    if (content_length && *content_length > options_.max_part_bytes)
        return Status(Code::too_large, who + " has " + std::to_string(*content_length) +
                                           " bytes, a part may have at most " +
                                           std::to_string(options_.max_part_bytes));

    UploadSession session;
    std::uint64_t others = 0;  // bytes in other parts
    IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(domain::check_accepts_parts(session, now));
        IMGSRV_ASSIGN(const auto older, store::uploads::find_part(tx, id, part.number));
        others = session.bytes_received - (older ? older->size : 0);
        return {};
    }));
    const std::uint64_t room = session.expected_size - std::min(session.expected_size, others);
    const std::string too_large = who + " does not fit: the session expects " + std::to_string(session.expected_size) +
                                  " bytes and holds " + std::to_string(others) + " in other parts";
    if (content_length && *content_length > room)
        return Status(Code::too_large, too_large + "; the part has " + std::to_string(*content_length));

    // Nothing comes before part 1, so a store that joins no small parts can take this one as the whole object only. Of
    // other parts, completion tells whether they are the last.
    const std::uint64_t least = objects_.least_part();
    if (part.number == 1 && content_length && *content_length < least && session.expected_size > least)
        return Status(Code::invalid_argument,
                      who + " has " + std::to_string(*content_length) + " of the " +
                          std::to_string(session.expected_size) + " bytes that the session expects; this server's " +
                          "object store joins no part below " + std::to_string(least) + " bytes but the last");

    const auto lane = lanes_.lane(session.id);
    PartsInFlight::Receipt receipt(lane, part.number);

    // In order, the session's hash grows while the bytes pass; otherwise they are hashed once the gap has closed.
    const bool in_order = session.hashed_parts + 1 == part.number;
    HashOwner owner(in_order && lane->try_own_hash() ? lane : nullptr);
    std::unique_ptr<Sha256> running;
    if (owner) {
        auto state = running_hash(session);
        if (state.ok()) running = std::make_unique<Sha256>(*state);
    }

    bool sure = false;
    PartBody counted(body, receipt, running.get(),
                     {std::min(room, options_.max_part_bytes), too_large, std::move(expected_hex), [&]() -> Status {
                          IMGSRV_ASSIGN(sure, begin_send(call, id, part.number));
                          return {};
                      }});
    auto etag = objects_.put_part(call, staging_key(session.id), session.storage_upload_id, part.number, counted);
    if (!etag.ok()) {
        // The client's own mistake, rather than how the store put it.
        if (!counted.failure().ok()) return counted.failure();
        // Nor what the store says of a session that was completed or aborted meanwhile.
        IMGSRV_ASSIGN(const auto after, load(pool_, call, id));
        IMGSRV_TRY(domain::check_accepts_parts(after.session, after.now));
        return std::move(etag).status();
    }
    part.etag = std::move(etag).value();
    part.size = counted.bytes();

    // Commit point: the part is accepted once this transaction is in.
    Status stored = pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const UploadSession now_session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(domain::check_accepts_parts(now_session, now));
        if (part.number <= now_session.hashed_parts) IMGSRV_TRY(store::uploads::reset_hash(tx, id));
        IMGSRV_TRY(store::uploads::put_part(tx, id, part, now));
        if (!running || !sure) return {};
        return store::uploads::advance_hash(tx, session, with_hash(session, part.number, *running)).status();
    });
    owner.release();
    if (!stored.ok()) return stored;
    if (objects_.can_open_part()) backlog_(session.id);
    return part;
}

// Commit point of a send: from here on every node knows that the store may come to hold these bytes as the part,
// whether or not this process lives to see it. Where etags are unique it need not be known. A part that is sent again
// counts as not received: the store is about to let go of its old bytes, and a row that stayed over a crash would stand
// for nothing.
Result<bool> UploadService::begin_send(const ports::Call& call, std::string_view id, std::uint32_t number) {
    const bool unique = objects_.unique_part_etags();
    if (unique) {
        IMGSRV_ASSIGN(const auto older,
                      pool_.read(call, [&](Transaction& tx) { return store::uploads::find_part(tx, id, number); }));
        if (!older) return true;
    }
    return pool_.write(call, [&](Transaction& tx) -> Result<bool> {
        if (!unique) {
            IMGSRV_ASSIGN(const std::uint64_t sends, store::uploads::record_send(tx, id, number));
            if (sends == 1) return true;
        }
        IMGSRV_ASSIGN(const UploadSession session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(domain::check_accepts_parts(session, now));
        if (number <= session.hashed_parts) IMGSRV_TRY(store::uploads::reset_hash(tx, id));
        IMGSRV_TRY(store::uploads::remove_part(tx, id, number));
        return unique;
    });
}

Result<bool> UploadService::hash_counts(Transaction& tx, const UploadSession& session,
                                        const std::vector<UploadPart>& named) {
    if (!domain::hash_covers_first(session, named)) return false;
    if (objects_.unique_part_etags()) return true;
    IMGSRV_ASSIGN(const auto sent_once, store::uploads::count_sent_once(tx, session.id, session.hashed_parts));
    return sent_once == session.hashed_parts;
}

Result<UploadSession> UploadService::complete(const ports::Call& call, std::string_view id,
                                              const std::vector<UploadPart>& named) {
    IMGSRV_ASSIGN(const auto snapshot, load(pool_, call, id));
    const UploadSession& session = snapshot.session;
    if (was_completed(session)) return session;
    IMGSRV_TRY(domain::check_accepts_parts(session, snapshot.now));
    IMGSRV_TRY(domain::check_completion(named, snapshot.parts));

    if (total(named) != session.expected_size) {
        const std::string why = "the parts hold " + std::to_string(total(named)) + " bytes, " +
                                std::to_string(session.expected_size) + " were expected";
        IMGSRV_TRY(end_session(call, session, UploadState::failed, why));
        return get(call, id);
    }

    // Whoever hashes finishes the part it is at, so that promotion need not read it again.
    const auto lane = lanes_.lane(session.id);
    lane->wait_to_own_hash();
    const HashOwner owner(lane);

    const auto joined = join_parts(call, session, named);
    if (!joined.ok()) {
        // Another request for the same may have been faster, and the object has been handed on.
        IMGSRV_ASSIGN(auto after, load(pool_, call, id));
        if (was_completed(after.session)) return std::move(after.session);
        IMGSRV_TRY(domain::check_accepts_parts(after.session, after.now));
        return joined.status();
    }
    const bool made_of_named = *joined;

    // Commit point: from here on the promotion worker owns the session.
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const UploadSession current, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_ASSIGN(const bool mine, store::uploads::set_completed(tx, id, now));
        if (!mine) return {};  // another request was first
        // Sends that begin from here on come too late for the object. Without the running hash, promotion reads it all.
        IMGSRV_ASSIGN(const bool counts, hash_counts(tx, current, named));
        if (!made_of_named || !counts) IMGSRV_TRY(store::uploads::reset_hash(tx, id));
        return store::uploads::keep_parts(tx, id, named);
    }));
    completed_();
    IMGSRV_ASSIGN(const auto after, load(pool_, call, id));
    if (was_completed(after.session)) return after.session;
    IMGSRV_TRY(domain::check_accepts_parts(after.session, after.now));
    return after.session;
}

// Makes one object of the parts in staging. False when an earlier completion, whose process died, had made it, perhaps
// of other parts than those named now.
Result<bool> UploadService::join_parts(const ports::Call& call, const UploadSession& session,
                                       const std::vector<UploadPart>& named) {
    const std::string key = staging_key(session.id);
    std::vector<ports::StoredPart> stored;
    stored.reserve(named.size());
    for (const UploadPart& p : named) stored.push_back({p.number, p.size, p.etag});
    auto object = objects_.multipart_complete(call, key, session.storage_upload_id, stored);
    if (object.ok()) return true;
    auto there = objects_.stat(call, key);
    if (there.ok() && there->size == session.expected_size) return false;
    return std::move(object).status();
}

Result<UploadSession> UploadService::abort(const ports::Call& call, std::string_view id) {
    IMGSRV_ASSIGN(auto session, get(call, id));
    if (session.state != UploadState::aborted) {
        IMGSRV_TRY(end_session(call, session, UploadState::aborted, std::nullopt));
        IMGSRV_ASSIGN(session, get(call, id));
    }
    if (session.state == UploadState::aborted) return session;
    return Status(Code::failed_precondition, "upload session " + session.id + " is " +
                                                 std::string(domain::to_string(session.state)) +
                                                 " and can no longer be aborted");
}

Status UploadService::end_session(const ports::Call& call, const UploadSession& session, UploadState state,
                                  const std::optional<std::string>& failure) {
    IMGSRV_ASSIGN(const bool ended, pool_.write(call, [&](Transaction& tx) -> Result<bool> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::uploads::end(tx, session.id, state, failure, now);
    }));
    // The sweeper does it again if this process dies here.
    if (ended) {
        const Status dropped = drop_staging(call, session);
        if (!dropped.ok())
            log::warn("staging is not empty yet", {{"upload_id", session.id}, {"error", dropped.describe()}});
    }
    return {};
}

Status UploadService::drop_staging(const ports::Call& call, const UploadSession& session) {
    const std::string key = staging_key(session.id);
    if (!session.storage_upload_id.empty()) IMGSRV_TRY(objects_.multipart_abort(call, key, session.storage_upload_id));
    return objects_.remove(call, key);
}

}  // namespace imgsrv::services
