#include "services/uploads/part_receiver.h"

#include <algorithm>
#include <utility>

#include "services/storage_keys.h"
#include "services/uploads/end_gate.h"
#include "services/uploads/part_body.h"
#include "services/uploads/running_hash.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {

using domain::UploadPart;
using domain::UploadSession;
using store::Transaction;

PartReceiver::PartReceiver(store::Pool& pool, ports::ObjectStore& objects, PartsInFlight& in_flight,
                           std::uint64_t max_part_bytes)
    : pool_(pool), objects_(objects), in_flight_(in_flight), max_part_bytes_(max_part_bytes) {}

Result<UploadPart> PartReceiver::receive(const ports::Call& call, std::string_view id, PartRequest request,
                                         ports::ByteReader& body) {
    IMGSRV_ASSIGN(const Admission admitted, admit(call, id, request));
    const UploadSession& session = admitted.session;
    const auto in_flight = in_flight_.session(session.id);
    PartsInFlight::Receipt receipt(in_flight, admitted.number);

    // In order, the session's hash grows while the bytes pass; otherwise they are hashed once the gap has closed.
    const bool in_order = session.hashed_parts + 1 == admitted.number;
    const HashOwner owner(in_order && in_flight->try_own_hash() ? in_flight : nullptr);
    std::optional<Sha256> running;
    if (owner) {
        auto state = running_hash(session);
        if (state.ok()) running = *state;
    }

    PartBody checked(body, receipt, running ? &*running : nullptr,
                     {std::min(admitted.room, max_part_bytes_), admitted.too_large, std::move(request.expected_hex)});
    bool bytes_certain = false;
    EndGate gate(checked, [&]() -> Status {
        IMGSRV_ASSIGN(bytes_certain, begin_send(call, admitted));
        return {};
    });
    auto etag = objects_.put_part(call, staging_key(session.id), session.storage_upload_id, admitted.number, gate);
    // The client's own mistake, rather than how the store put it.
    IMGSRV_TRY(gate.failure());
    if (!etag.ok()) return refusal(call, id, std::move(etag).status());
    if (!gate.passed())
        return Status(Code::internal, "the object store took part " + std::to_string(admitted.number) +
                                          " without reading it to its end");

    UploadPart part{admitted.number, std::move(etag).value(), checked.bytes()};
    IMGSRV_TRY(accept(call, admitted, part, running && bytes_certain ? &*running : nullptr));
    return part;
}

Result<PartReceiver::Admission> PartReceiver::admit(const ports::Call& call, std::string_view id,
                                                    const PartRequest& request) {
    if (request.number < 1 || request.number > domain::kMaxPartNumber)
        return Status(Code::invalid_argument, "part number " + std::to_string(request.number) +
                                                  " is not between 1 and " + std::to_string(domain::kMaxPartNumber));
    const std::string who = "part " + std::to_string(request.number);
    const auto& length = request.content_length;
    if (length && *length > max_part_bytes_)
        return Status(Code::too_large, who + " has " + std::to_string(*length) + " bytes, a part may have at most " +
                                           std::to_string(max_part_bytes_));

    Admission out;
    out.number = static_cast<std::uint32_t>(request.number);
    UploadSession& session = out.session;
    std::uint64_t others = 0;  // bytes in other parts
    IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(domain::check_accepts_parts(session, now));
        IMGSRV_ASSIGN(const auto older, store::uploads::find_part(tx, id, out.number));
        others = session.bytes_received - (older ? older->size : 0);
        return {};
    }));
    out.room = session.expected_size - std::min(session.expected_size, others);
    out.too_large = who + " does not fit: the session expects " + std::to_string(session.expected_size) +
                    " bytes and holds " + std::to_string(others) + " in other parts";
    if (length && *length > out.room)
        return Status(Code::too_large, out.too_large + "; the part has " + std::to_string(*length));

    // No part precedes part 1, so a store that joins no small parts takes a small one as the whole object only. Whether
    // another small part is the last one shows at completion.
    const std::uint64_t least = objects_.least_part();
    if (out.number == 1 && length && *length < least && session.expected_size > least)
        return Status(Code::invalid_argument,
                      who + " has " + std::to_string(*length) + " of the " + std::to_string(session.expected_size) +
                          " bytes that the session expects; this server's object store joins no part below " +
                          std::to_string(least) + " bytes but the last");
    return out;
}

// Commit point of a send: from here on every node knows that the store may come to hold these bytes as the part, even
// if this process dies. If etags are unique, no node needs to know. A part sent again counts as not received: the store
// is about to let go of its old bytes, and after a crash the old row would claim bytes that are gone.
Result<bool> PartReceiver::begin_send(const ports::Call& call, const Admission& part) {
    const std::string& id = part.session.id;
    const bool unique = objects_.unique_part_etags();
    if (unique) {
        IMGSRV_ASSIGN(const auto older, pool_.read(call, [&](Transaction& tx) {
            return store::uploads::find_part(tx, id, part.number);
        }));
        if (!older) return true;
    }
    return pool_.write(call, [&](Transaction& tx) -> Result<bool> {
        if (!unique) {
            IMGSRV_ASSIGN(const std::uint64_t sends, store::uploads::record_send(tx, id, part.number));
            if (sends == 1) return true;
        }
        IMGSRV_ASSIGN(const UploadSession session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(domain::check_accepts_parts(session, now));
        if (part.number <= session.hashed_parts) IMGSRV_TRY(store::uploads::reset_hash(tx, id));
        IMGSRV_TRY(store::uploads::remove_part(tx, id, part.number));
        return unique;
    });
}

// Commit point: the part is accepted once this transaction is in.
Status PartReceiver::accept(const ports::Call& call, const Admission& admitted, const UploadPart& part,
                            const Sha256* hash) {
    const UploadSession& before = admitted.session;
    return pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const UploadSession session, store::uploads::find(tx, before.id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(domain::check_accepts_parts(session, now));
        if (part.number <= session.hashed_parts) IMGSRV_TRY(store::uploads::reset_hash(tx, before.id));
        IMGSRV_TRY(store::uploads::put_part(tx, before.id, part, now));
        if (!hash) return {};
        return store::uploads::advance_hash(tx, before, with_hash(before, part.number, *hash)).status();
    });
}

Status PartReceiver::refusal(const ports::Call& call, std::string_view id, Status from_store) {
    // A session that was completed or aborted in the meantime explains what the store says of it.
    IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const UploadSession session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        return domain::check_accepts_parts(session, now);
    }));
    return from_store;
}

}  // namespace imgsrv::services
