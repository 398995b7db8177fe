#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

namespace imgsrv::http {

// Coarse deadlines for very many items. Postponing a deadline costs nothing, and it happens at every byte; a tick looks
// only at items that may be due. One thread.
class TimerWheel {
  public:
    static constexpr std::chrono::milliseconds kTick{200};

    // The timer of one item, stored in the item.
    struct Timer {
        std::uint64_t due = 0;   // tick; 0: no deadline
        std::uint64_t slot = 0;  // tick whose slot holds the item; 0: none
    };

    // Fires no earlier than `delay` from now, and at most two ticks later.
    void set(std::uint64_t id, Timer& timer, std::chrono::milliseconds delay) {
        timer.due = now_ + 1 + static_cast<std::uint64_t>((delay + kTick - std::chrono::milliseconds(1)) / kTick);
        if (timer.slot == 0 || timer.due < timer.slot) put(id, timer);
    }
    static void clear(Timer& timer) { timer.due = 0; }

    // Advances by one tick and calls fire(id) for every item that is due. find(id) returns its timer, or null when the
    // item is gone; fire may set timers and remove items.
    template <class Find, class Fire>
    void tick(const Find& find, const Fire& fire) {
        ++now_;
        std::vector<std::uint64_t> ids;
        ids.swap(slots_.at(now_ % slots_.size()));
        for (const std::uint64_t id : ids) {
            Timer* timer = find(id);
            // Items that moved to an earlier slot have left an entry here.
            if (timer == nullptr || timer->slot != now_) continue;
            timer->slot = 0;
            if (timer->due == 0) continue;
            if (timer->due > now_) {
                put(id, *timer);
                continue;
            }
            timer->due = 0;
            fire(id);
        }
    }

  private:
    void put(std::uint64_t id, Timer& timer) {
        // Beyond the horizon: into the last slot, and onwards from there.
        timer.slot = std::min(timer.due, now_ + slots_.size() - 1);
        slots_.at(timer.slot % slots_.size()).push_back(id);
    }

    std::uint64_t now_ = 1;
    std::array<std::vector<std::uint64_t>, 512> slots_;
};

}  // namespace imgsrv::http
