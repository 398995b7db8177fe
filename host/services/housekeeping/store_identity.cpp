#include "services/housekeeping/store_identity.h"

#include <array>

#include "core/log.h"
#include "core/uuid.h"
#include "ports/text_reader.h"
#include "services/storage_keys.h"
#include "store/catalogue/blobs.h"
#include "store/housekeeping/collection.h"
#include "store/housekeeping/identity.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

constexpr std::string_view kTitle = "imgsrv object store ";
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kIdDigits = 2 * kIdBytes;
// How many blobs or objects are checked to see whether a store is the database's.
constexpr std::uint32_t kSample = 16;

// The same bytes on every node, so that it does not matter which one puts them.
std::string text_of(std::string_view id) {
    return std::string(kTitle) + std::string(id) +
           "\n\n"
           "The imgsrv server whose database has this id keeps its objects here. It reads this one to be sure that it\n"
           "reached the right store. Keep it, and copy it along with the others. If it was lost, or the store is "
           "to\n"
           "belong to another database, 'imgsrv storage adopt' writes it anew.\n";
}

std::string id_in(std::string_view text) {
    if (!text.starts_with(kTitle)) return "";
    const auto id = text.substr(kTitle.size(), kIdDigits);
    const bool whole = id.size() == kIdDigits && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    return whole ? std::string(id) : "";
}

std::string shown(const std::optional<std::string>& stored) {
    if (!stored) return "none";
    return stored->empty() ? "one that cannot be read" : *stored;
}

Status another_store(std::string_view where, std::string_view known, const std::optional<std::string>& stored) {
    return Status(Code::failed_precondition, "the object store is not this database's: the id " + std::string(known) +
                                                 " is expected, and it has " + shown(stored) +
                                                 ". Is its disk mounted? Is it the right bucket or folder?")
        .with_detail("it is " + std::string(where) +
                     "; if it is the right one, 'imgsrv storage adopt' writes the id into it");
}

Status taken_store(std::string_view where, const std::optional<std::string>& stored) {
    return Status(Code::failed_precondition,
                  "this database knows no object store yet, and the one it reached has the id of another database: " +
                      shown(stored) + ". Is it the right bucket or folder? Is it the right database?")
        .with_detail("it is " + std::string(where) +
                     "; if they belong together, 'imgsrv storage adopt --force' writes a new id into both");
}

Status strange_store(std::string_view where, const std::string& why) {
    return Status(Code::failed_precondition, "the object store has no id and does not look like this database's: " +
                                                 why + ". Is its disk mounted? Is it the right bucket or folder?")
        .with_detail("it is " + std::string(where) +
                     "; if they belong together, 'imgsrv storage adopt --force' writes the id into it");
}

Status taken_target(std::string_view where, std::string_view id, const std::optional<std::string>& stored) {
    return Status(Code::failed_precondition, "the target store belongs to another database: it has the id " +
                                                 shown(stored) + " and not " + std::string(id))
        .with_detail("it is " + std::string(where) + "; empty it, or choose another one");
}

Status put_text(const ports::Call& call, ports::ObjectStore& objects, std::string_view id, ports::Overwrite mode) {
    ports::TextReader text(text_of(id));
    const auto put = objects.put(call, kIdentityKey, text, mode);
    return put.status().code() == Code::already_exists ? Status() : put.status();
}

}  // namespace

Result<std::optional<std::string>> read_store_id(const ports::Call& call, ports::ObjectStore& objects) {
    auto object = objects.open(call, kIdentityKey, "", 0, std::nullopt);
    if (object.status().code() == Code::not_found) return std::optional<std::string>();
    IMGSRV_TRY(object.status());
    std::array<char, kTitle.size() + kIdDigits> head{};
    std::size_t got = 0;
    while (got < head.size()) {
        IMGSRV_ASSIGN(const std::size_t n, object->body->read(std::as_writable_bytes(std::span(head).subspan(got))));
        if (n == 0) break;
        got += n;
    }
    return std::optional(id_in(std::string_view(head.data(), got)));
}

Status require_no_other_id(const ports::Call& call, ports::ObjectStore& objects, std::string_view where,
                           std::string_view id) {
    IMGSRV_ASSIGN(const auto stored, read_store_id(call, objects));
    return !stored || stored == id ? Status() : taken_target(where, id, stored);
}

Status put_store_id(const ports::Call& call, ports::ObjectStore& objects, std::string_view where, std::string_view id) {
    IMGSRV_TRY(put_text(call, objects, id, ports::Overwrite::if_absent));
    return require_no_other_id(call, objects, where, id);
}

StoreIdentity::StoreIdentity(store::Pool& pool, ports::ObjectStore& objects, std::string where)
    : pool_(pool), objects_(objects), where_(std::move(where)) {}

Status StoreIdentity::read_row(const ports::Call& call, Ids& ids) {
    IMGSRV_ASSIGN(auto row, pool_.read(call, [](Transaction& tx) { return store::identity::find(tx); }));
    if (!row) return {};
    ids.placed = row->placed;
    ids.known = std::move(row->id);
    return {};
}

Result<StoreIdentity::Ids> StoreIdentity::look(const ports::Call& call) {
    Ids ids;
    {
        const std::lock_guard lock(mutex_);
        ids.placed = !id_.empty();
        if (ids.placed) ids.known = id_;
    }
    if (!ids.placed) IMGSRV_TRY(read_row(call, ids));
    IMGSRV_ASSIGN(ids.stored, read_store_id(call, objects_));
    // Another node may have made both by now; it wrote the row before the object.
    if (!ids.placed && ids.stored) IMGSRV_TRY(read_row(call, ids));
    if (ids.placed) {
        const std::lock_guard lock(mutex_);
        id_ = *ids.known;
    }
    return ids;
}

Status StoreIdentity::establish(const ports::Call& call) {
    IMGSRV_ASSIGN(const Ids ids, look(call));
    if (ids.placed) return ids.stored == ids.known ? Status() : another_store(where_, *ids.known, ids.stored);
    if (ids.stored && ids.stored != ids.known)
        return ids.known ? another_store(where_, *ids.known, ids.stored) : taken_store(where_, ids.stored);
    if (!ids.stored) IMGSRV_TRY(require_likeness(call));
    IMGSRV_ASSIGN(const std::string id, make_row(call));
    return place(call, id, ports::Overwrite::if_absent);
}

Result<std::string> StoreIdentity::check(const ports::Call& call) {
    IMGSRV_ASSIGN(const Ids ids, look(call));
    if (!ids.placed)
        return Status(Code::failed_precondition,
                      "this database knows no object store yet: start the server of this version once");
    if (ids.stored != ids.known) return another_store(where_, *ids.known, ids.stored);
    return *ids.known;
}

Result<std::string> StoreIdentity::adopt(const ports::Call& call, bool forced) {
    IMGSRV_ASSIGN(const Ids ids, look(call));
    const bool same = ids.known && ids.stored == ids.known;
    if (!same && !forced) {
        if (ids.stored)
            return Status(Code::failed_precondition,
                          "the object store belongs to another database: it has the id " + shown(ids.stored))
                .with_detail("it is " + where_ + "; --force takes it from that one");
        IMGSRV_TRY(require_likeness(call));
    }
    IMGSRV_ASSIGN(std::string id, make_row(call));
    IMGSRV_TRY(place(call, id, ids.stored && !same ? ports::Overwrite::replace : ports::Overwrite::if_absent));
    return id;
}

Status StoreIdentity::require_likeness(const ports::Call& call) {
    IMGSRV_ASSIGN(const auto blobs,
                  pool_.read(call, [](Transaction& tx) { return store::blobs::list(tx, "", kSample); }));
    return blobs.empty() ? require_no_strange_object(call) : require_shared_blob(call, blobs);
}

Status StoreIdentity::require_shared_blob(const ports::Call& call, const std::vector<domain::Blob>& blobs) {
    for (const auto& blob : blobs) {
        const auto there = objects_.stat(call, blob.storage_key);
        if (there.ok()) return {};
        if (there.status().code() != Code::not_found) return there.status();
    }
    return strange_store(
        where_, "of the database's blobs, " + std::to_string(blobs.size()) + " were looked for and none is there");
}

Status StoreIdentity::require_no_strange_object(const ports::Call& call) {
    IMGSRV_ASSIGN(const auto page, objects_.list(call, kBlobPrefix, "", kSample));
    // Looked up after the list, so that what another node promotes in between is known.
    return pool_.read(call, [&](Transaction& tx) -> Status {
        bool known = page.objects.empty();
        for (const auto& object : page.objects) {
            if (known) break;
            IMGSRV_ASSIGN(known, store::collection::key_is_known(tx, object.key));
        }
        return known ? Status() : strange_store(where_, "the database names no blob, and the store holds some");
    });
}

Result<std::string> StoreIdentity::make_row(const ports::Call& call) {
    IMGSRV_TRY(pool_.write(call, [](Transaction& tx) { return store::identity::make(tx, random_hex(kIdBytes)); }));
    // In a transaction of its own, which sees another node's row.
    IMGSRV_ASSIGN(auto row, pool_.read(call, [](Transaction& tx) { return store::identity::find(tx); }));
    if (!row) return Status(Code::internal, "the row with the object store's id is gone");
    return std::move(row->id);
}

Status StoreIdentity::place(const ports::Call& call, const std::string& id, ports::Overwrite mode) {
    IMGSRV_TRY(put_text(call, objects_, id, mode));
    // Another database may have been first.
    IMGSRV_ASSIGN(const auto stored, read_store_id(call, objects_));
    if (stored != id) return another_store(where_, id, stored);
    // Commit point: from here on the store must have the id.
    IMGSRV_TRY(pool_.write(call, [](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::identity::set_placed(tx, now);
    }));
    log::info("object store belongs to this database now", {{"store_id", id}, {"store", where_}});
    const std::lock_guard lock(mutex_);
    id_ = id;
    return {};
}

}  // namespace imgsrv::services
