#include "store/pool.h"

#include <algorithm>

#include "store/repetition.h"

namespace imgsrv::store {
namespace {

Result<Dialect> parse_dialect(std::string_view name) {
    if (name == "sqlite") return Dialect::sqlite;
    if (name == "postgresql") return Dialect::postgresql;
    return Status(Code::unimplemented, "the database driver's SQL dialect '" + std::string(name.substr(0, 64)) +
                                           "' is not supported; the supported dialects are sqlite and postgresql");
}

}  // namespace

Result<std::unique_ptr<Pool>> Pool::open(ports::Database& database, PoolOptions options) {
    IMGSRV_ASSIGN(const Dialect dialect, parse_dialect(database.dialect()));
    return std::unique_ptr<Pool>(new Pool(database, dialect, options));
}

Pool::Pool(ports::Database& database, Dialect dialect, PoolOptions options)
    : database_(database), options_(options), dialect_(dialect), skip_locked_(database.skip_locked()) {}

Pool::~Pool() = default;

Result<std::unique_ptr<ports::Connection>> Pool::acquire(const ports::Call& call) {
    const auto started = std::chrono::steady_clock::now();
    auto until = started + options_.acquire_timeout;
    if (call.deadline) until = std::min(until, *call.deadline);
    std::unique_lock lock(mutex_);
    ++counters_.acquires;
    if (in_use_ >= options_.connections) {
        ++counters_.empty_acquires;
        if (!freed_.wait_until(lock, until, [&] { return in_use_ < options_.connections; })) {
            ++counters_.canceled_acquires;
            return Status(Code::unavailable, "all " + std::to_string(options_.connections) +
                                                 " database connections are busy; try again shortly")
                .with_retryable()
                .with_retry_after_ms(1000);
        }
    }
    ++in_use_;
    counters_.acquire_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
    }
    lock.unlock();
    auto connection = database_.connect(call);
    if (!connection.ok()) {
        lock.lock();
        --in_use_;
        freed_.notify_one();
    }
    return connection;
}

void Pool::release(std::unique_ptr<ports::Connection> connection) {
    const std::lock_guard lock(mutex_);
    --in_use_;
    if (connection) idle_.push_back(std::move(connection));
    freed_.notify_one();
}

Status Pool::attempt(ports::Connection& connection, const ports::Call& call, ports::Access access,
                     const std::function<Status(Transaction&)>& body) {
    IMGSRV_TRY(connection.begin(call, access));
    Transaction tx(connection, call, dialect_);
    Status status = body(tx);
    if (!status.ok() || access == ports::Access::read) {
        const ports::Call uncancelled{call.request_id, std::nullopt, nullptr};
        Status rolled = connection.rollback(uncancelled);
        if (status.ok() && !rolled.ok()) return rolled;
        return status;
    }
    return connection.commit(call);
}

Status Pool::transact(const ports::Call& call, ports::Access access, const std::function<Status(Transaction&)>& body) {
    IMGSRV_ASSIGN(auto connection, acquire(call));
    const auto started = std::chrono::steady_clock::now();
    Status status;
    for (int n = 1;; ++n) {
        status = attempt(*connection, call, access, body);
        if (status.ok()) break;
        const ports::Call uncancelled{call.request_id, std::nullopt, nullptr};
        const bool lost = status.db_class() == DbClass::connection;
        if (lost || !connection->reset(uncancelled).ok()) {
            // The idle connections are as old and most likely dead too.
            connection.reset();
            const std::lock_guard lock(mutex_);
            idle_.clear();
        }
        const bool again = asks_to_repeat(status) || (lost && !status.outcome_unknown());
        // Each attempt may already have waited for the other writers.
        const bool late = std::chrono::steady_clock::now() - started > options_.acquire_timeout;
        if (!again || late || n >= options_.attempts || call.cancelled()) break;
        if (!connection) {
            auto fresh = database_.connect(call);
            if (!fresh.ok()) {
                status = std::move(fresh).status();
                break;
            }
            connection = std::move(fresh).value();
        } else {
            pause_before(n);
        }
    }
    release(std::move(connection));
    if (!asks_to_repeat(status)) return status;
    // Repeated for long enough. To the caller the database is busy; there is no conflict with another request.
    return Status(Code::unavailable, "the database is busy; try again shortly")
        .with_detail(status.describe())
        .with_retryable()
        .with_retry_after_ms(1000);
}

Status Pool::with_connection(const ports::Call& call, const std::function<Status(ports::Connection&)>& body) {
    IMGSRV_ASSIGN(auto connection, acquire(call));
    Status status = body(*connection);
    if (!connection->reset(call).ok()) connection.reset();
    release(std::move(connection));
    return status;
}

PoolStats Pool::stats() const {
    const std::lock_guard lock(mutex_);
    PoolStats stats = counters_;
    stats.idle = idle_.size();
    stats.in_use = in_use_;
    stats.limit = options_.connections;
    return stats;
}

}  // namespace imgsrv::store
