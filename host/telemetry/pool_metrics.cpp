#include "telemetry/pool_metrics.h"

namespace imgsrv::telemetry {

void collect_pool(Families& families, const store::PoolStats& stats) {
    const auto number = [](auto value) { return static_cast<double>(value); };
    gauge("imgsrv_database_pool_connections", "Connections to the database.")
        .add(number(stats.idle), {{"state", "idle"}})
        .add(number(stats.in_use), {{"state", "in_use"}})
        .move_to(families);
    gauge("imgsrv_database_pool_max_connections", "Maximum number of connections to the database.")
        .add(number(stats.limit))
        .move_to(families);
    counter("imgsrv_database_pool_acquires_total", "Times a connection was requested.")
        .add(number(stats.acquires))
        .move_to(families);
    counter("imgsrv_database_pool_empty_acquires_total", "Times a caller waited because all connections were in use.")
        .add(number(stats.empty_acquires))
        .move_to(families);
    counter("imgsrv_database_pool_canceled_acquires_total", "Times the caller gave up waiting for a connection.")
        .add(number(stats.canceled_acquires))
        .move_to(families);
    counter("imgsrv_database_pool_acquire_duration_seconds_total", "Time spent waiting for connections.")
        .add(stats.acquire_seconds)
        .move_to(families);
}

}  // namespace imgsrv::telemetry
