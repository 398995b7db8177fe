#include "services/access/token_registry.h"

#include "core/log.h"
#include "store/access/principals.h"

namespace imgsrv::services {

using store::Transaction;

Result<ports::TokenRecord> TokenRegistry::find_token(const ports::Call& call, std::string_view token_id) {
    return pool_.read(call, [&](Transaction& tx) { return store::principals::find_live_token(tx, token_id); });
}

void TokenRegistry::token_used(const ports::Call& call, std::string_view token_id) {
    const auto now = std::chrono::steady_clock::now();
    {
        const std::lock_guard lock(mutex_);
        auto [it, fresh] = written_.try_emplace(std::string(token_id), now);
        if (!fresh && now - it->second < std::chrono::minutes(1)) return;
        it->second = now;
        if (written_.size() > 10'000)
            std::erase_if(written_, [&](const auto& e) { return now - e.second > std::chrono::minutes(1); });
    }
    // A request does not wait long for this.
    const ports::Call brief{call.request_id, now + std::chrono::seconds(1), call.cancel};
    const Status kept = pool_.write(brief, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time at, tx.now());
        return store::principals::touch_token(tx, token_id, at);
    });
    if (!kept.ok()) log::debug("last_used_at not recorded", {{"error", kept.describe()}});
}

}  // namespace imgsrv::services
