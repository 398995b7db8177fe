#include "services/uploads/upload_service.h"

#include "core/uuid.h"
#include "domain/digest.h"
#include "domain/names.h"
#include "services/storage_keys.h"
#include "services/uploads/running_hash.h"
#include "services/uploads/session_end.h"
#include "store/catalogue/blobs.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {
namespace {

using domain::UploadPart;
using domain::UploadSession;
using domain::UploadState;
using store::Transaction;

// A repeated completion is answered with what the first one led to, also if that was a failure.
bool was_completed(const UploadSession& session) {
    return session.state == UploadState::completed || session.state == UploadState::ingesting ||
           session.state == UploadState::ready || session.state == UploadState::failed;
}

std::uint64_t total(const std::vector<UploadPart>& parts) {
    std::uint64_t sum = 0;
    for (const UploadPart& part : parts) sum += part.size;
    return sum;
}

// Whether the bytes are here already. invalid_argument if they have another size than the session expects.
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

UploadService::UploadService(store::Pool& pool, ports::ObjectStore& objects, PartsInFlight& in_flight,
                             UploadOptions options, std::function<void()> completed,
                             std::function<void(std::string)> part_accepted)
    : pool_(pool),
      objects_(objects),
      in_flight_(in_flight),
      options_(options),
      completed_(std::move(completed)),
      part_accepted_(std::move(part_accepted)),
      receiver_(pool, objects, in_flight, options.max_part_bytes) {}

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
        // In one transaction with the look at the blob: the collector leaves the blob alone from here on.
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
    IMGSRV_ASSIGN(auto snapshot, load(call, id));
    return std::move(snapshot.parts);
}

Result<UploadService::Snapshot> UploadService::load(const ports::Call& call, std::string_view id) {
    return pool_.read(call, [&](Transaction& tx) -> Result<Snapshot> {
        Snapshot s;
        IMGSRV_ASSIGN(s.session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(s.parts, store::uploads::parts(tx, id));
        IMGSRV_ASSIGN(s.now, tx.now());
        return s;
    });
}

Result<UploadPart> UploadService::put_part(const ports::Call& call, std::string_view id, PartRequest request,
                                           ports::ByteReader& body) {
    IMGSRV_ASSIGN(auto part, receiver_.receive(call, id, std::move(request), body));
    if (objects_.can_open_part()) part_accepted_(std::string(id));
    return part;
}

Result<UploadSession> UploadService::complete(const ports::Call& call, std::string_view id,
                                              const std::vector<UploadPart>& named) {
    IMGSRV_ASSIGN(const auto snapshot, load(call, id));
    const UploadSession& session = snapshot.session;
    if (was_completed(session)) return session;
    IMGSRV_TRY(domain::check_accepts_parts(session, snapshot.now));
    IMGSRV_TRY(domain::check_completion(named, snapshot.parts));

    if (total(named) != session.expected_size) {
        const std::string why = "the parts hold " + std::to_string(total(named)) + " bytes, " +
                                std::to_string(session.expected_size) + " were expected";
        IMGSRV_TRY(end_session(call, pool_, objects_, session, UploadState::failed, why));
        return get(call, id);
    }

    // The thread that hashes finishes its current part, so that promotion need not read it again.
    const auto in_flight = in_flight_.session(session.id);
    in_flight->wait_to_own_hash();
    const HashOwner owner(in_flight);

    const auto joined = join_parts(call, session, named);
    if (!joined.ok()) {
        // Another request for the same may have been faster, and promotion has taken the object.
        IMGSRV_ASSIGN(auto after, completed_session(call, id));
        if (was_completed(after)) return after;
        return joined.status();
    }
    IMGSRV_TRY(hand_to_promotion(call, id, named, *joined));
    completed_();
    return completed_session(call, id);
}

Result<UploadSession> UploadService::completed_session(const ports::Call& call, std::string_view id) {
    IMGSRV_ASSIGN(auto after, load(call, id));
    if (!was_completed(after.session)) IMGSRV_TRY(domain::check_accepts_parts(after.session, after.now));
    return std::move(after.session);
}

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

Status UploadService::hand_to_promotion(const ports::Call& call, std::string_view id,
                                        const std::vector<UploadPart>& named, bool made_of_named) {
    return pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const UploadSession session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_ASSIGN(const bool first, store::uploads::set_completed(tx, id, now));
        if (!first) return {};
        // Sends that begin from here on come too late for the object. Without the running hash, promotion reads it all.
        IMGSRV_ASSIGN(const bool counts, hash_counts(tx, session, named));
        if (!made_of_named || !counts) IMGSRV_TRY(store::uploads::reset_hash(tx, id));
        return store::uploads::keep_parts(tx, id, named);
    });
}

Result<bool> UploadService::hash_counts(Transaction& tx, const UploadSession& session,
                                        const std::vector<UploadPart>& named) {
    if (!domain::hash_covers_first(session, named)) return false;
    if (objects_.unique_part_etags()) return true;
    IMGSRV_ASSIGN(const auto sent_once, store::uploads::count_sent_once(tx, session.id, session.hashed_parts));
    return sent_once == session.hashed_parts;
}

Result<UploadSession> UploadService::abort(const ports::Call& call, std::string_view id) {
    IMGSRV_ASSIGN(auto session, get(call, id));
    if (session.state != UploadState::aborted) {
        IMGSRV_TRY(abort_session(call, pool_, objects_, session));
        IMGSRV_ASSIGN(session, get(call, id));
    }
    if (session.state == UploadState::aborted) return session;
    return Status(Code::failed_precondition, "upload session " + session.id + " is " +
                                                 std::string(domain::to_string(session.state)) +
                                                 " and can no longer be aborted");
}

}  // namespace imgsrv::services
