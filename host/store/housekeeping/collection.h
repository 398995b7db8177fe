#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/catalogue.h"
#include "store/transaction.h"

// What the garbage collector does to the database. A blob is referenced by an artifact or attachment of any
// version, by an upload session for its digest that has not ended, and by one that ended ready, until it expires. A new
// reference takes the blob's mark off in its own transaction (triggers), so either the reference or collect() wins.
namespace imgsrv::store::collection {

// Unreferenced blobs without a mark, ordered by digest, after `after`, at most `max`.
Result<std::vector<std::string>> unmarked(Transaction& tx, Time now, std::string_view after, std::uint32_t max);
// False when it is referenced by now.
Result<bool> mark(Transaction& tx, std::string_view digest, Time now);
// Takes the mark off blobs that are referenced after all.
Status unmark_referenced(Transaction& tx, Time now);

// Blobs that were marked at `before` or earlier, the longest marked first, at most `max`.
Result<std::vector<domain::Blob>> due(Transaction& tx, Time before, std::uint32_t max);
// Removes the row and queues its object for removal. False when the blob is no longer due.
Result<bool> collect(Transaction& tx, const domain::Blob& blob, Time before, Time now);

// Whether the key belongs to a blob, an open upload session or a queued removal.
Result<bool> key_is_known(Transaction& tx, std::string_view key);

struct Removal {
    std::string key;
    std::uint64_t size = 0;
    Time queued;
};
Status queue_removal(Transaction& tx, std::string_view key, std::uint64_t size, Time now);
// After `after` in the order of keys, at most `max`. None while a hold lasts: what is returned was queued before any
// hold that begins later.
Result<std::vector<Removal>> removals(Transaction& tx, Time now, std::string_view after, std::uint32_t max);
Status removal_done(Transaction& tx, std::string_view key);

// No removal begins before `until`. Call it again to extend the hold.
Status hold(Transaction& tx, std::string_view owner, Time until);
// The same, but false if the hold has expired: objects may have been removed since.
Result<bool> extend_hold(Transaction& tx, std::string_view owner, Time now, Time until);
Status release(Transaction& tx, std::string_view owner);
// The longest lasting hold's owner; empty: none.
Result<std::string> holder(Transaction& tx, Time now);

// Sums for people and metrics.
struct Totals {
    std::uint64_t blobs = 0;
    std::uint64_t bytes = 0;
};
Result<Totals> due_totals(Transaction& tx, Time now, Time before);
Result<Totals> unmarked_totals(Transaction& tx, Time now);
Result<Totals> removal_totals(Transaction& tx);

// True for one caller in `interval`, on all nodes together: it begins the task now.
Result<bool> begin_run(Transaction& tx, std::string_view task, Time now, std::chrono::microseconds interval);

}  // namespace imgsrv::store::collection
