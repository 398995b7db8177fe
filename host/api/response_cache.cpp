#include "api/response_cache.h"

namespace imgsrv::api {

std::shared_ptr<const CachedResponse> ResponseCache::find(const std::string& target) const {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(target);
    return it != entries_.end() && it->second->generation >= clock_.generation() ? it->second : nullptr;
}

void ResponseCache::put(const std::string& target, std::shared_ptr<const CachedResponse> response) {
    const std::lock_guard lock(mutex_);
    // Full: start over. A generation rarely fills the cache, and the next one makes all of it stale anyway.
    if (entries_.size() >= kMaxEntries || bytes_ > kMaxBytes) {
        entries_.clear();
        bytes_ = 0;
    }
    // A compressed form is cached only if it is smaller than the text, and there may be one per coding.
    const auto cost = [&](const CachedResponse& r) {
        return target.size() + kCodings * r.text.identity().body->size();
    };
    bytes_ += cost(*response);
    auto& slot = entries_[target];
    if (slot) bytes_ -= cost(*slot);
    slot = std::move(response);
}

}  // namespace imgsrv::api
