#include "writer_queue.h"

#include <algorithm>

namespace imgsrv::sqlite {

void WriterQueue::Turn::release() noexcept {
    if (WriterQueue* queue = queue_) {
        queue_ = nullptr;
        queue->pass_on();
    }
}

bool WriterQueue::acquire(sdk::Patience& patience, std::int64_t until_ns, Turn& turn) {
    Place place{&patience, sdk::monotonic_ns()};
    {
        std::lock_guard lock(mutex_);
        if (!taken_) {
            taken_ = true;
            turn.queue_ = this;
            return true;
        }
        waiting_.push_back(&place);
    }
    for (;;) {
        patience.wait_until(until_ns);
        const bool give_up = patience.stop() != sdk::Stop::none || sdk::monotonic_ns() >= until_ns;
        std::lock_guard lock(mutex_);
        if (place.granted) {
            turn.queue_ = this;
            return true;
        }
        if (!taken_ || give_up) {
            waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &place));
            if (taken_) return false;
            taken_ = true;
            turn.queue_ = this;
            return true;
        }
    }
}

void WriterQueue::pass_on() noexcept {
    std::lock_guard lock(mutex_);
    taken_ = false;
    if (waiting_.empty()) return;
    Place* next = waiting_.front();
    if (sdk::monotonic_ns() - next->since_ns >= kFairAfterNs) {
        waiting_.pop_front();
        next->granted = true;
        taken_ = true;
    }
    // Under the lock: once the next writer sees that it may go, its Place and Patience may be gone.
    next->patience->wake();
}

}  // namespace imgsrv::sqlite
