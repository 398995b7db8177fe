#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "services/catalogue/cached_text.h"
#include "services/catalogue/catalogue_clock.h"

namespace imgsrv::api {

struct CachedResponse {
    explicit CachedResponse(std::string body) : text(std::move(body)) {}

    services::CachedText text;
    std::string link;  // the Link header; empty: none
    std::int64_t generation = 0;
};

// Responses to anonymous readers of the catalogue, by target, valid until the catalogue changes.
class ResponseCache {
  public:
    explicit ResponseCache(const services::CatalogueClock& clock) : clock_(clock) {}

    // Null when none is cached for the current generation. [any]
    std::shared_ptr<const CachedResponse> find(const std::string& target) const;
    void put(const std::string& target, std::shared_ptr<const CachedResponse> response);

  private:
    static constexpr std::size_t kMaxEntries = 4096;
    static constexpr std::size_t kMaxBytes = 32 * 1024 * 1024;

    const services::CatalogueClock& clock_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<const CachedResponse>> entries_;
    std::size_t bytes_ = 0;
};

}  // namespace imgsrv::api
