#include "services/housekeeping/removal_hold.h"

#include <chrono>
#include <system_error>

#include "core/uuid.h"
#include "store/housekeeping/collection.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

constexpr auto kTime = 2 * kLeaseTime;

}  // namespace

Result<std::unique_ptr<RemovalHold>> RemovalHold::take(const ports::Call& call, store::Pool& pool,
                                                       const std::string& purpose) {
    const std::string owner = purpose + " " + new_uuid();
    IMGSRV_TRY(pool.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::collection::hold(tx, owner, now + kTime);
    }));
    try {
        return std::unique_ptr<RemovalHold>(new RemovalHold(pool, owner));
    } catch (const std::system_error& error) {  // the row expires
        return Status(Code::resource_exhausted, "no thread could be started: " + std::string(error.what()));
    }
}

RemovalHold::RemovalHold(store::Pool& pool, std::string owner) : pool_(pool), owner_(std::move(owner)) {
    lease_ = std::make_unique<LeaseKeeper>(
        [this](std::chrono::steady_clock::time_point deadline) {
            return pool_.write(ports::Call{owner_, deadline, nullptr}, [&](Transaction& tx) -> Status {
                IMGSRV_ASSIGN(const Time now, tx.now());
                IMGSRV_ASSIGN(const bool held, store::collection::extend_hold(tx, owner_, now, now + kTime));
                return held ? Status() : Status(Code::aborted, "the hold expired");
            });
        },
        nullptr);
}

RemovalHold::~RemovalHold() {
    lease_.reset();
    static_cast<void>(
        pool_.write(ports::Call(), [&](Transaction& tx) { return store::collection::release(tx, owner_); }));
}

Status RemovalHold::check() const {
    if (!lease_->lost()) return {};
    return {Code::aborted,
            "the hold on removals expired, because the server's database could not be reached in time; "
            "run the backup again"};
}

}  // namespace imgsrv::services
