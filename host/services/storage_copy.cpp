#include "services/storage_copy.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "core/log.h"
#include "domain/digest.h"
#include "services/hash_stream.h"
#include "services/storage_keys.h"
#include "services/thread_team.h"
#include "services/verified_reader.h"
#include "store/blobs.h"
#include "store/uploads.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

constexpr std::uint32_t kPage = 1000;
constexpr std::uint64_t kPartBytes = 64ULL << 20;
constexpr std::uint64_t kMaxParts = 10'000;
constexpr int kTries = 5;
constexpr std::chrono::milliseconds kFirstPause{500};

std::uint64_t part_size_for(std::uint64_t size) {
    return std::max(kPartBytes, (size + kMaxParts - 1) / kMaxParts);
}

}  // namespace

StorageCopy::StorageCopy(store::Pool& pool, ports::ObjectStore& from, ports::ObjectStore& to,
                         StorageCopyOptions options, Report report)
    : pool_(pool), from_(from), to_(to), options_(options), report_(std::move(report)) {}

Result<StorageCopyProgress> StorageCopy::run(const ports::Call& call) {
    // Blobs that become trusted meanwhile turn up in a later round.
    for (;;) {
        IMGSRV_ASSIGN(const auto items, list_new(call));
        if (items.empty()) break;
        IMGSRV_TRY(copy_all(call, items));
    }
    const std::lock_guard lock(mutex_);
    return progress_;
}

// What the catalogue needs and no earlier round had.
Result<std::vector<StorageCopy::Item>> StorageCopy::list_new(const ports::Call& call) {
    std::vector<Item> items;
    const auto add = [&](Item item) {
        if (seen_.insert(item.key).second) items.push_back(std::move(item));
    };
    // Waiting uploads first: one that is promoted between the two lists is in the second.
    IMGSRV_ASSIGN(const auto waiting, pool_.read(call, [](Transaction& tx) { return store::uploads::waiting(tx); }));
    for (const auto& session : waiting) add({staging_key(session.id), session.expected_size, ""});
    for (std::string after;;) {
        IMGSRV_ASSIGN(const auto page,
                      pool_.read(call, [&](Transaction& tx) { return store::blobs::list(tx, after, kPage); }));
        for (const auto& blob : page) add({blob.storage_key, blob.size, blob.digest});
        if (page.size() < kPage) break;
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
            } else if (outcome.status().code() == Code::data_loss) {
                account_fault(items[at], outcome.status());
            } else {
                stop = true;
                const std::lock_guard lock(trouble_mutex);
                trouble = Status(outcome.status()).with_context(items[at].key);
            }
        }
    };
    run_as_team(std::min(options_.parallel, items.size()), work);
    return trouble;
}

Result<StorageCopy::Outcome> StorageCopy::copy_one(const ports::Call& call, const Item& item) {
    auto pause = kFirstPause;
    for (int tried = 1;; ++tried) {
        const auto attempt = [&]() -> Result<Outcome> {
            IMGSRV_ASSIGN(const bool there, has(call, item));
            if (there) return Outcome::present;
            IMGSRV_TRY(transfer(call, item));
            if (options_.verify) IMGSRV_TRY(check_target(call, item));
            return Outcome::copied;
        };
        auto outcome = attempt();
        if (outcome.status().code() == Code::not_found) {
            // The upload was promoted meanwhile; its blob is in a list to come.
            if (item.digest.empty()) return Outcome::skipped;
            IMGSRV_ASSIGN(const bool needed, is_needed(call, item));
            if (!needed) return Outcome::skipped;
            return Status(Code::data_loss, "its object is missing in the source store");
        }
        if (outcome.ok() || !outcome.status().retryable() || tried == kTries || call.cancelled()) return outcome;
        log::warn("copying an object failed, it is tried again",
                  {{"key", item.key}, {"error", outcome.status().describe()}});
        std::this_thread::sleep_for(pause);
        pause *= 2;
    }
}

// Blobs are collected, and damaged ones healed under another key, while a copy runs.
Result<bool> StorageCopy::is_needed(const ports::Call& call, const Item& item) {
    const auto blob = pool_.read(call, [&](Transaction& tx) { return store::blobs::find(tx, item.digest); });
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
    if (same.code() == Code::data_loss) return false;  // it is copied over
    IMGSRV_TRY(same);
    return true;
}

Status StorageCopy::check_target(const ports::Call& call, const Item& item) {
    if (item.digest.empty()) return {};  // promotion verifies it
    IMGSRV_ASSIGN(auto object, to_.open(call, item.key, "", 0, std::nullopt));
    Sha256 hash;
    IMGSRV_TRY(hash_stream(call, *object.body, hash));
    const auto found = domain::Digest::from_hex(hash.hex());
    if (found.text() == item.digest) return {};
    return {Code::data_loss, "the target store gives back bytes that hash to " + found.text()};
}

Status StorageCopy::transfer(const ports::Call& call, const Item& item) {
    IMGSRV_ASSIGN(auto object, from_.open(call, item.key, "", 0, std::nullopt));
    if (object.info.size != item.size) {
        return {Code::data_loss, "the source store has " + std::to_string(object.info.size) + " bytes of it, " +
                                     std::to_string(item.size) + " were recorded"};
    }
    VerifiedReader body(*object.body, item.size, item.digest);
    // The commit point is the store's: an object appears once its last byte was read, and that is given out only when
    // the digest is right.
    const Status stored = item.size <= kPartBytes ? to_.put(call, item.key, body, ports::Overwrite::replace).status()
                                                  : transfer_in_parts(call, item, body);
    return body.failure().ok() ? stored : body.failure();
}

Status StorageCopy::transfer_in_parts(const ports::Call& call, const Item& item, ports::ByteReader& body) {
    IMGSRV_ASSIGN(const std::string upload, to_.multipart_create(call, item.key, item.size));
    const auto send = [&]() -> Status {
        std::vector<ports::StoredPart> parts;
        const std::uint64_t unit = part_size_for(item.size);
        for (std::uint64_t at = 0; at < item.size; at += unit) {
            const auto number = static_cast<std::uint32_t>(parts.size() + 1);
            SliceReader slice(body, std::min(unit, item.size - at));
            IMGSRV_ASSIGN(std::string etag, to_.multipart_put(call, item.key, upload, number, slice));
            parts.push_back({number, std::min(unit, item.size - at), std::move(etag)});
        }
        return to_.multipart_complete(call, item.key, upload, parts).status();
    };
    Status sent = send();
    if (!sent.ok()) static_cast<void>(to_.multipart_abort(call, item.key, upload));
    return sent;
}

void StorageCopy::account(const Item& item, Outcome outcome) {
    const std::lock_guard lock(mutex_);
    ++progress_.done;
    progress_.done_bytes += item.size;
    if (outcome == Outcome::copied) ++progress_.copied;
    report_(progress_);
}

void StorageCopy::account_fault(const Item& item, const Status& why) {
    const std::lock_guard lock(mutex_);
    const std::string& name = item.digest.empty() ? item.key : item.digest;
    progress_.faults.push_back(name + ": " + std::string(why.message()));
    report_(progress_);
}

}  // namespace imgsrv::services
