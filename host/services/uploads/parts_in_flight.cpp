#include "services/uploads/parts_in_flight.h"

namespace imgsrv::services {

bool PartsInFlight::Lane::try_own_hash() {
    const std::lock_guard lock(mutex_);
    if (hash_owned_) return false;
    hash_owned_ = true;
    return true;
}

void PartsInFlight::Lane::wait_to_own_hash() {
    std::unique_lock lock(mutex_);
    ++hash_waiters_;
    changed_.wait(lock, [&] { return !hash_owned_; });
    --hash_waiters_;
    hash_owned_ = true;
}

void PartsInFlight::Lane::release_hash() {
    const std::lock_guard lock(mutex_);
    hash_owned_ = false;
    changed_.notify_all();
}

bool PartsInFlight::Lane::hash_wanted() const {
    const std::lock_guard lock(mutex_);
    return hash_waiters_ > 0;
}

PartsInFlight::Receipt::Receipt(std::shared_ptr<Lane> lane, std::uint32_t number)
    : lane_(std::move(lane)), number_(number), slot_(std::make_shared<Lane::Slot>()) {
    std::unique_lock lock(lane_->mutex_);
    for (;;) {
        const auto it = lane_->receiving_.find(number_);
        if (it == lane_->receiving_.end()) break;
        if (!it->second->whole) {
            it->second->superseded = true;
            break;
        }
        lane_->changed_.wait(lock);
    }
    lane_->receiving_[number_] = slot_;
}

PartsInFlight::Receipt::~Receipt() {
    const std::lock_guard lock(lane_->mutex_);
    const auto it = lane_->receiving_.find(number_);
    if (it != lane_->receiving_.end() && it->second == slot_) lane_->receiving_.erase(it);
    lane_->changed_.notify_all();
}

bool PartsInFlight::Receipt::superseded() const {
    const std::lock_guard lock(lane_->mutex_);
    return slot_->superseded;
}

bool PartsInFlight::Receipt::set_whole() {
    const std::lock_guard lock(lane_->mutex_);
    if (slot_->superseded) return false;
    slot_->whole = true;
    return true;
}

std::shared_ptr<PartsInFlight::Lane> PartsInFlight::lane(const std::string& session_id) {
    const std::lock_guard lock(mutex_);
    if (lanes_.size() > 1024) std::erase_if(lanes_, [](const auto& entry) { return entry.second.expired(); });
    auto& slot = lanes_[session_id];
    auto found = slot.lock();
    if (!found) slot = found = std::make_shared<Lane>();
    return found;
}

}  // namespace imgsrv::services
