#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>

namespace imgsrv::postgres {

// A request to the server to end what a link runs, under way on a thread of its own: PQcancel blocks without limit when
// the server hangs. The thread owns all it uses, and a plugin is never unloaded, so a stuck one harms nobody.
class CancelRequest {
  public:
    explicit CancelRequest(PGconn* link);
    CancelRequest(const CancelRequest&) = delete;
    CancelRequest& operator=(const CancelRequest&) = delete;

    // Waits until the server has been told, or cannot be; false when until_ns (CLOCK_MONOTONIC) comes first. Before
    // that the link must not run anything else: the request might hit it.
    bool wait_until(std::int64_t until_ns) const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace imgsrv::postgres
