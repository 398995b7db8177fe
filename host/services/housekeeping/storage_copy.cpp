#include "services/housekeeping/storage_copy.h"

#include <algorithm>
#include <atomic>

#include "domain/digest.h"
#include "services/catalogue/slice_reader.h"
#include "services/catalogue/verified_reader.h"
#include "services/housekeeping/thread_team.h"
#include "services/storage_keys.h"
#include "services/uploads/hash_stream.h"
#include "store/catalogue/blobs.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

constexpr std::uint32_t kBlobsCopiedAtOnce = 1000;
constexpr std::uint64_t kPartBytes = 64ULL << 20;
constexpr std::uint64_t kMaxParts = 10'000;

std::uint64_t part_size_for(std::uint64_t size) {
    return std::max(kPartBytes, (size + kMaxParts - 1) / kMaxParts);
}

// not_found: there is none.
Result<domain::Blob> find_blob(const ports::Call& call, store::Pool& pool, const std::string& digest) {
    return pool.read(call, [&](Transaction& tx) { return store::blobs::find(tx, digest); });
}

}  // namespace

StorageCopy::StorageCopy(store::Pool& rows, store::Pool& live, ports::ObjectStore& from, ports::ObjectStore& to,
                         StorageCopyOptions options, Report report)
    : rows_(rows),
      live_(live),
      from_(from),
      to_(to),
      options_(options),
      report_(std::move(report)),
      faults_({&from, &to}) {}

Result<StorageCopyProgress> StorageCopy::run(const ports::Call& call) {
    // Blobs that become trusted in between turn up in a later round.
    for (;;) {
        IMGSRV_ASSIGN(const auto items, list_new(call));
        if (items.empty()) break;
        IMGSRV_TRY(copy_all(call, items));
    }
    const std::lock_guard lock(mutex_);
    return progress_;
}

// What the catalogue needs, without what earlier rounds listed.
Result<std::vector<StorageCopy::Item>> StorageCopy::list_new(const ports::Call& call) {
    std::vector<Item> items;
    const auto add = [&](Item item) {
        if (seen_.insert(item.key).second) items.push_back(std::move(item));
    };
    // Waiting uploads first: one that is promoted between the two lists is in the second.
    IMGSRV_ASSIGN(const auto waiting, rows_.read(call, [](Transaction& tx) { return store::uploads::waiting(tx); }));
    for (const auto& session : waiting)
        add({staging_key(session.id), session.expected_size, session.expected_digest, session.id, false});
    for (std::string after;;) {
        IMGSRV_ASSIGN(const auto page, rows_.read(call, [&](Transaction& tx) {
            return store::blobs::list(tx, after, kBlobsCopiedAtOnce);
        }));
        for (const auto& blob : page) add({blob.storage_key, blob.size, blob.digest, "", blob.damage.has_value()});
        if (page.size() < kBlobsCopiedAtOnce) break;
        after = page.back().digest;
    }
    const std::lock_guard lock(mutex_);
    progress_.objects += items.size();
    for (const Item& item : items) progress_.bytes += item.size;
    return items;
}

Status StorageCopy::copy_all(const ports::Call& call, const std::vector<Item>& items) {
    std::atomic<std::size_t> next{0};
    std::atomic<bool> stop{false};
    std::mutex trouble_mutex;
    Status trouble;
    const auto work = [&] {
        for (std::size_t at = next++; at < items.size() && !stop; at = next++) {
            const auto outcome = copy_one(call, items[at]);
            if (outcome.ok()) {
                account(items[at], *outcome);
                continue;
            }
            stop = true;
            const std::lock_guard lock(trouble_mutex);
            if (trouble.ok()) trouble = outcome.status();
        }
    };
    run_as_team(std::min(options_.parallel, items.size()), work);
    return trouble;
}

Result<StorageCopy::Outcome> StorageCopy::copy_one(const ports::Call& call, const Item& item) {
    IMGSRV_ASSIGN(const auto outcome, copy_from(call, item.key, item));
    if (outcome != Outcome::absent) return outcome;
    return item.upload.empty() ? miss_blob(call, item) : miss_upload(call, item);
}

// Under the item's own key in the target.
Result<StorageCopy::Outcome> StorageCopy::copy_from(const ports::Call& call, const std::string& source_key,
                                                    const Item& item) {
    auto outcome = Outcome::copied;
    auto tried = faults_.attempt(call, item.key, [&]() -> Status {
        IMGSRV_ASSIGN(const bool there, has(call, item));
        outcome = there ? Outcome::present : Outcome::copied;
        if (there) return {};
        IMGSRV_TRY(transfer(call, source_key, item));
        faults_.note_read();
        return options_.verify ? check_target(call, item) : Status();
    });
    IMGSRV_TRY(tried.trouble);
    if (tried.fault.ok()) return outcome;
    if (tried.fault.code() == Code::not_found) return Outcome::absent;
    if (tried.fault.code() == Code::data_loss) return fault(item, std::string(tried.fault.message()));
    return fault(item, "cannot be copied: " + tried.fault.describe());
}

Result<StorageCopy::Outcome> StorageCopy::miss_blob(const ports::Call& call, const Item& item) {
    IMGSRV_ASSIGN(const bool needed, is_needed(call, item));
    if (!needed) return Outcome::skipped;
    if (!item.damaged && !options_.source_may_be_empty) IMGSRV_TRY(require_some_blob(call, from_));
    return fault(item, "its object is missing in the source store");
}

// A completed upload's bytes are removed once it is promoted or rejected.
Result<StorageCopy::Outcome> StorageCopy::miss_upload(const ports::Call& call, const Item& item) {
    // If the blob is trusted, the promotion needs no bytes.
    const auto known = find_blob(call, rows_, item.digest);
    if (known.ok() && !known->damage) return Outcome::skipped;
    if (!known.ok() && known.status().code() != Code::not_found) return known.status();

    const auto blob = find_blob(call, live_, item.digest);
    if (blob.ok()) {
        IMGSRV_ASSIGN(const auto outcome, copy_from(call, blob->storage_key, item));
        if (outcome != Outcome::absent) return outcome;
        return fault(item, "the object of its blob is missing in the source store");
    }
    if (blob.status().code() != Code::not_found) return blob.status();

    const auto session = live_.read(call, [&](Transaction& tx) { return store::uploads::find(tx, item.upload); });
    if (session.status().code() == Code::not_found) return Outcome::skipped;
    IMGSRV_TRY(session.status());
    if (session->state == domain::UploadState::completed || session->state == domain::UploadState::ingesting)
        return fault(item, "the uploaded bytes are missing in the source store");
    return Outcome::skipped;  // rejected: its bytes were wrong
}

// While a copy runs, blobs are collected, and damaged ones healed under another key.
Result<bool> StorageCopy::is_needed(const ports::Call& call, const Item& item) {
    const auto blob = find_blob(call, rows_, item.digest);
    if (blob.status().code() == Code::not_found) return false;
    IMGSRV_TRY(blob.status());
    return blob->storage_key == item.key;
}

Result<bool> StorageCopy::has(const ports::Call& call, const Item& item) {
    const auto there = to_.stat(call, item.key);
    if (there.status().code() == Code::not_found) return false;
    IMGSRV_TRY(there.status());
    if (there->size != item.size) return false;
    if (!options_.verify) return true;
    const Status same = check_target(call, item);
    if (same.code() == Code::data_loss) return false;  // to be copied again
    IMGSRV_TRY(same);
    return true;
}

Status StorageCopy::check_target(const ports::Call& call, const Item& item) {
    if (!item.upload.empty()) return {};  // promotion verifies it
    IMGSRV_ASSIGN(auto object, to_.open(call, item.key, "", 0, std::nullopt));
    Sha256 hash;
    IMGSRV_TRY(hash_stream(call, *object.body, hash));
    const auto found = domain::Digest::from_hex(hash.hex());
    if (found.text() == item.digest) return {};
    return {Code::data_loss, "the target store returns bytes that hash to " + found.text()};
}

Status StorageCopy::transfer(const ports::Call& call, const std::string& source_key, const Item& item) {
    IMGSRV_ASSIGN(auto object, from_.open(call, source_key, "", 0, std::nullopt));
    if (object.info.size != item.size) {
        return {Code::data_loss, "the source store has " + std::to_string(object.info.size) + " bytes of it, " +
                                     std::to_string(item.size) + " were recorded"};
    }
    VerifiedReader body(*object.body, item.size, source_key == item.key ? item.verified_digest() : item.digest);
    // The commit point is the store's: an object appears once its last byte was read, and that is given out only when
    // the digest is right.
    Status stored = item.size <= kPartBytes ? to_.put(call, item.key, body, ports::Overwrite::replace).status()
                                            : transfer_in_parts(call, item, body);
    if (!body.failure().ok()) return body.failure();
    if (stored.code() != Code::not_found) return stored;
    return Status(Code::unavailable, "the target store lost what was sent: " + stored.describe()).with_retryable();
}

Status StorageCopy::transfer_in_parts(const ports::Call& call, const Item& item, ports::ByteReader& body) {
    IMGSRV_ASSIGN(const std::string upload, to_.multipart_create(call, item.key, item.size));
    const auto send = [&]() -> Status {
        std::vector<ports::StoredPart> parts;
        const std::uint64_t unit = part_size_for(item.size);
        for (std::uint64_t at = 0; at < item.size; at += unit) {
            const auto number = static_cast<std::uint32_t>(parts.size() + 1);
            SliceReader slice(body, std::min(unit, item.size - at));
            IMGSRV_ASSIGN(std::string etag, to_.put_part(call, item.key, upload, number, slice));
            parts.push_back({number, std::min(unit, item.size - at), std::move(etag)});
        }
        return to_.multipart_complete(call, item.key, upload, parts).status();
    };
    Status sent = send();
    if (!sent.ok()) static_cast<void>(to_.multipart_abort(call, item.key, upload));
    return sent;
}

void StorageCopy::account(const Item& item, Outcome outcome) {
    if (outcome == Outcome::faulty) return;
    const std::lock_guard lock(mutex_);
    ++progress_.done;
    progress_.done_bytes += item.size;
    if (outcome == Outcome::copied) ++progress_.copied;
    report_(progress_);
}

StorageCopy::Outcome StorageCopy::fault(const Item& item, const std::string& why) {
    const std::lock_guard lock(mutex_);
    const std::string name = item.upload.empty() ? item.digest : "upload session " + item.upload;
    progress_.faults.push_back(name + ": " + why);
    report_(progress_);
    return Outcome::faulty;
}

}  // namespace imgsrv::services
