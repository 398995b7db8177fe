#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "core/cancel.h"
#include "http/rate_limiter.h"
#include "http/server.h"
#include "http/worker_pool.h"

namespace imgsrv::http {

// What all parts of one server share. Outlives them.
struct ServerContext {
    ServerContext(const Router& for_router, const Limits& with_limits, Observer* told)
        : router(for_router), limits(with_limits), observer(told), workers(with_limits.workers) {
        if (limits.requests_per_minute > 0) limiter.emplace(limits.requests_per_minute);
    }

    const Router& router;
    const Limits limits;
    Observer* const observer;
    // Cancelled when stop() gives up on requests in flight.
    const std::shared_ptr<Cancellation> cancel = std::make_shared<Cancellation>();
    std::atomic<bool> draining{false};
    std::atomic<std::size_t> requests{0};   // in flight
    std::atomic<std::size_t> uploads{0};    // streaming bodies in flight
    std::atomic<std::size_t> documents{0};  // documents in flight that hold a worker
    std::optional<RateLimiter> limiter;     // none: no limit
    WorkerPool workers;
};

}  // namespace imgsrv::http
