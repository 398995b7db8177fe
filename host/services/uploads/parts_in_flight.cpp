#include "services/uploads/parts_in_flight.h"

namespace imgsrv::services {

bool PartsInFlight::Session::try_own_hash() {
    const std::lock_guard lock(mutex_);
    if (hash_owned_) return false;
    hash_owned_ = true;
    return true;
}

void PartsInFlight::Session::wait_to_own_hash() {
    std::unique_lock lock(mutex_);
    ++hash_waiters_;
    changed_.wait(lock, [&] { return !hash_owned_; });
    --hash_waiters_;
    hash_owned_ = true;
}

void PartsInFlight::Session::release_hash() {
    const std::lock_guard lock(mutex_);
    hash_owned_ = false;
    changed_.notify_all();
}

bool PartsInFlight::Session::hash_wanted() const {
    const std::lock_guard lock(mutex_);
    return hash_waiters_ > 0;
}

PartsInFlight::Receipt::Receipt(std::shared_ptr<Session> session, std::uint32_t number)
    : session_(std::move(session)), number_(number), body_(std::make_shared<Session::Body>()) {
    std::unique_lock lock(session_->mutex_);
    for (;;) {
        const auto it = session_->receiving_.find(number_);
        if (it == session_->receiving_.end()) break;
        if (!it->second->whole) {
            it->second->superseded = true;
            break;
        }
        session_->changed_.wait(lock);
    }
    session_->receiving_[number_] = body_;
}

PartsInFlight::Receipt::~Receipt() {
    const std::lock_guard lock(session_->mutex_);
    const auto it = session_->receiving_.find(number_);
    if (it != session_->receiving_.end() && it->second == body_) session_->receiving_.erase(it);
    session_->changed_.notify_all();
}

bool PartsInFlight::Receipt::superseded() const {
    const std::lock_guard lock(session_->mutex_);
    return body_->superseded;
}

bool PartsInFlight::Receipt::set_whole() {
    const std::lock_guard lock(session_->mutex_);
    if (body_->superseded) return false;
    body_->whole = true;
    return true;
}

std::shared_ptr<PartsInFlight::Session> PartsInFlight::session(const std::string& session_id) {
    const std::lock_guard lock(mutex_);
    if (sessions_.size() > 1024) std::erase_if(sessions_, [](const auto& entry) { return entry.second.expired(); });
    auto& known = sessions_[session_id];
    auto session = known.lock();
    if (!session) known = session = std::make_shared<Session>();
    return session;
}

}  // namespace imgsrv::services
