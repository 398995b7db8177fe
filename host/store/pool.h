#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "ports/database.h"
#include "store/transaction.h"

namespace imgsrv::store {

struct PoolOptions {
    std::size_t connections = 16;
    // How long a caller waits for a free connection: unavailable after that.
    std::chrono::milliseconds acquire_timeout{10'000};
    // Tries of one transaction that the database asks to repeat (busy, serialization, deadlock).
    int attempts = 20;
};

struct PoolStats {
    std::size_t idle = 0;
    std::size_t in_use = 0;
    std::size_t limit = 0;  // most at once
    std::uint64_t acquires = 0;
    std::uint64_t empty_acquires = 0;     // had to wait
    std::uint64_t canceled_acquires = 0;  // gave up waiting
    double acquire_seconds = 0;
};

// Connections to the database and the transactions that run on them. [any]
class Pool {
  public:
    // The database outlives the pool. Connects to nothing yet. unimplemented: the host has no SQL for the database's
    // dialect.
    static Result<std::unique_ptr<Pool>> open(ports::Database& database, PoolOptions options);
    ~Pool();
    Pool(const Pool&) = delete;

    // Runs body(Transaction&) -> Status or Result<T> in a read transaction: one snapshot.
    template <class Body>
    auto read(const ports::Call& call, Body&& body) {
        return run(call, ports::Access::read, std::forward<Body>(body));
    }

    // The same in a write transaction. Committed when the body returns OK, rolled back otherwise. The body may run more
    // than once, so it must not change anything outside of the transaction that a second run would not set again. The
    // return of OK is the commit point: what was written survives a crash from then on.
    template <class Body>
    auto write(const ports::Call& call, Body&& body) {
        return run(call, ports::Access::write, std::forward<Body>(body));
    }

    // Runs outside of any transaction, on a connection of its own; for migrations.
    Status with_connection(const ports::Call& call, const std::function<Status(ports::Connection&)>& body);

    Dialect dialect() const { return dialect_; }
    // Whether "FOR UPDATE SKIP LOCKED" works here.
    bool skip_locked() const { return skip_locked_; }
    PoolStats stats() const;

  private:
    Pool(ports::Database& database, Dialect dialect, PoolOptions options);

    template <class Body>
    auto run(const ports::Call& call, ports::Access access, Body&& body) -> std::invoke_result_t<Body&, Transaction&> {
        using Out = std::invoke_result_t<Body&, Transaction&>;
        if constexpr (std::is_same_v<Out, Status>) {
            return transact(call, access, [&](Transaction& tx) { return body(tx); });
        } else {
            std::optional<Out> out;
            Status status = transact(call, access, [&](Transaction& tx) {
                out.emplace(body(tx));
                return out->status();
            });
            if (!status.ok()) return status;
            return std::move(*out);
        }
    }

    Status transact(const ports::Call& call, ports::Access access, const std::function<Status(Transaction&)>& body);
    Status attempt(ports::Connection& connection, const ports::Call& call, ports::Access access,
                   const std::function<Status(Transaction&)>& body);
    Result<std::unique_ptr<ports::Connection>> acquire(const ports::Call& call);
    void release(std::unique_ptr<ports::Connection> connection);

    ports::Database& database_;
    const PoolOptions options_;
    const Dialect dialect_;
    const bool skip_locked_;
    mutable std::mutex mutex_;
    std::condition_variable freed_;
    std::vector<std::unique_ptr<ports::Connection>> idle_;
    std::size_t in_use_ = 0;
    PoolStats counters_;
};

}  // namespace imgsrv::store
