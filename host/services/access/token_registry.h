#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ports/authenticator.h"
#include "store/pool.h"

namespace imgsrv::services {

// The tokens this host issued, for authenticators.
class TokenRegistry final : public ports::TokenStore {
  public:
    explicit TokenRegistry(store::Pool& pool) : pool_(pool) {}
    Result<ports::TokenRecord> find_token(const ports::Call& call, std::string_view token_id) override;
    // Written at most once in a minute for each token.
    void token_used(const ports::Call& call, std::string_view token_id) override;

  private:
    store::Pool& pool_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::chrono::steady_clock::time_point> written_;
};

}  // namespace imgsrv::services
