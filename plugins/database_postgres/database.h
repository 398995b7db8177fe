#pragma once

#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <mutex>

#include "connection.h"
#include "link.h"

namespace imgsrv::postgres {

// One database of a PostgreSQL server, 12 or later. [any]
class Database {
  public:
    static constexpr const char* kDialect = "postgresql";
    static constexpr std::uint64_t kFeatures = IMGSRV_DB_FEATURE_SKIP_LOCKED | IMGSRV_DB_FEATURE_CONCURRENT_WRITERS;

    // Reads the options and connects to nothing: while the server is down, the host waits instead of failing.
    explicit Database(const sdk::Setup& setup);

    std::unique_ptr<Connection> connect(const sdk::Call& call);
    // Uses a link of its own, so that a busy pool does not look like a server that is down. READ_ONLY when the server
    // is a standby.
    void health(const sdk::Call& call);

  private:
    Settings settings_;
    sdk::Log log_;
    std::mutex health_mutex_;
    std::unique_ptr<Link> health_link_;
};

}  // namespace imgsrv::postgres
