#include "store/repetition.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

namespace imgsrv::store {

bool asks_to_repeat(const Status& status) {
    switch (status.db_class()) {
        case DbClass::serialization:
        case DbClass::deadlock:
        case DbClass::busy:
            return !status.outcome_unknown();
        default:
            return false;
    }
}

void pause_before(int attempt) {
    static thread_local std::minstd_rand random(std::random_device{}());
    const int most = 2 << std::min(attempt, 6);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<>(1, most)(random)));
}

}  // namespace imgsrv::store
