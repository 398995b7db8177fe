#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>

namespace imgsrv::postgres {

// A request to the server to end what a link runs, sent from a thread of its own: PQcancel blocks without limit when
// the server hangs. The thread owns all it uses, and a plugin is never unloaded, so a stuck thread does no harm.
class CancelRequest {
  public:
    explicit CancelRequest(PGconn* link);
    CancelRequest(const CancelRequest&) = delete;
    CancelRequest& operator=(const CancelRequest&) = delete;

    // Waits until the server has the request, or cannot get it; false when until_ns (CLOCK_MONOTONIC) comes first.
    // Until then the link must not run anything else: the request might cancel that.
    bool wait_until(std::int64_t until_ns) const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace imgsrv::postgres
