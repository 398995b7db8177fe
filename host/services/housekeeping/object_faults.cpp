#include "services/housekeeping/object_faults.h"

#include <thread>

#include "core/log.h"
#include "services/storage_keys.h"

namespace imgsrv::services {
namespace {

constexpr int kTries = 5;

// An answer about the object; it proves the store healthy.
bool is_answer(const Status& status) {
    return status.ok() || status.code() == Code::not_found || status.code() == Code::data_loss;
}

bool ends_run(const Status& status) {
    return status.code() == Code::cancelled || status.code() == Code::resource_exhausted;
}

}  // namespace

ObjectOutcome ObjectFaults::attempt(const ports::Call& call, std::string_view key,
                                    const std::function<Status()>& work) {
    Status status = try_often(call, key, work);
    if (is_answer(status)) return {std::move(status), {}};
    if (ends_run(status)) return {{}, std::move(status)};
    for (auto* store : stores_)
        if (Status well = store->health(call); !well.ok()) return {{}, std::move(well)};
    // The store may just have come back.
    status = work();
    if (is_answer(status)) return {std::move(status), {}};
    if (ends_run(status)) return {{}, std::move(status)};
    if (++in_a_row_ >= kMostInARow)
        return {{},
                Status(Code::unavailable,
                       "the object store reports that it is healthy, but " + std::to_string(kMostInARow) +
                           " objects one after another could not be read; the last one: " + status.describe())
                    .with_retryable()};
    return {std::move(status), {}};
}

Status ObjectFaults::try_often(const ports::Call& call, std::string_view key,
                               const std::function<Status()>& work) const {
    auto pause = first_pause_;
    for (int tried = 1;; ++tried) {
        Status status = work();
        if (status.ok() || !status.retryable() || tried == kTries || call.cancelled()) return status;
        log::warn("work on an object failed; retrying", {{"key", key}, {"error", status.describe()}});
        std::this_thread::sleep_for(pause);
        pause *= 2;
    }
}

Status require_some_blob(const ports::Call& call, ports::ObjectStore& objects) {
    IMGSRV_ASSIGN(const auto page, objects.list(call, kBlobPrefix, "", 1));
    if (!page.objects.empty()) return {};
    return Status(Code::unavailable,
                  "the object store holds no blob at all; is it the right one, and mounted? If all is lost, "
                  "'imgsrv fsck --repair' allows it to be uploaded again")
        .with_retryable();
}

}  // namespace imgsrv::services
