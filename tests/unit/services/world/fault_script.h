#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "core/status.h"

namespace imgsrv::test {

// A backend that answers nothing: the usual status of a fault.
inline Status away() {
    return Status(Code::unavailable, "the backend is away").with_retryable();
}
// The work was done, or was not: the answer got lost.
inline Status answer_lost() {
    return Status(Code::unavailable, "the answer was lost").with_retryable().with_outcome_unknown();
}

// What goes wrong in a fake backend, written down by a test before it happens. Operation is an enum of the backend's
// calls. Every `nth` counts from 1 and from the moment the entry is made; an entry is used up by its call. [any]
template <class Operation>
class FaultScript {
  public:
    // The nth call of the operation fails with `status` and does nothing.
    void fail(Operation op, Status status = away(), unsigned nth = 1) {
        before(
            op, [status] { return status; }, nth);
    }
    // The nth call does its work and then fails with `status`.
    void fail_after(Operation op, Status status = answer_lost(), unsigned nth = 1) {
        const std::lock_guard lock(mutex_);
        after_[{op, calls_[op] + nth}] = std::move(status);
    }
    // Runs `hook` as the nth call begins, without a lock: for what another node does in the meantime. A status that is
    // not OK is the call's answer, and the call does nothing.
    void before(Operation op, std::function<Status()> hook, unsigned nth = 1) {
        const std::lock_guard lock(mutex_);
        before_[{op, calls_[op] + nth}] = std::move(hook);
    }
    // Every call of the operation fails with `status` and does nothing, until clear().
    void fail_always(Operation op, Status status = away()) {
        const std::lock_guard lock(mutex_);
        always_[op] = std::move(status);
    }
    // Forgets every entry; what has been counted stays.
    void clear() {
        const std::lock_guard lock(mutex_);
        before_.clear();
        after_.clear();
        always_.clear();
    }
    // Entries whose call has not come yet. 0 at the end of a test: every fault did occur.
    std::size_t pending() const {
        const std::lock_guard lock(mutex_);
        return before_.size() + after_.size();
    }
    // Calls of the operation so far, those that failed too.
    std::uint64_t calls(Operation op) const {
        const std::lock_guard lock(mutex_);
        const auto it = calls_.find(op);
        return it == calls_.end() ? 0 : it->second;
    }

    // For the fake: work() -> Status or Result<T>, as the script has it.
    template <class Work>
    auto run(Operation op, Work&& work) -> std::invoke_result_t<Work&> {
        std::function<Status()> hook;
        Status after, always;
        {
            const std::lock_guard lock(mutex_);
            const std::pair key(op, ++calls_[op]);
            hook = take(before_, key);
            after = take(after_, key);
            if (const auto it = always_.find(op); it != always_.end()) always = it->second;
        }
        if (hook) IMGSRV_TRY(hook());
        IMGSRV_TRY(always);
        auto answer = work();
        IMGSRV_TRY(after);
        return answer;
    }

  private:
    using Key = std::pair<Operation, std::uint64_t>;

    template <class Value>
    static Value take(std::map<Key, Value>& entries, const Key& key) {
        const auto it = entries.find(key);
        if (it == entries.end()) return {};
        Value value = std::move(it->second);
        entries.erase(it);
        return value;
    }

    mutable std::mutex mutex_;
    std::map<Operation, std::uint64_t> calls_;
    std::map<Key, std::function<Status()>> before_;
    std::map<Key, Status> after_;
    std::map<Operation, Status> always_;
};

}  // namespace imgsrv::test
