#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/status.h"
#include "core/time.h"
#include "ports/call.h"

namespace imgsrv::ports {

struct Blob {
    explicit Blob(std::string_view b) : bytes(b) {}
    std::string_view bytes;
};

// A statement's parameter; text and bytes are borrowed for the call.
using Param = std::variant<std::monostate, std::int64_t, double, bool, std::string_view, Blob>;

// The current row of a result. Views are valid until the visitor returns.
class Row {
  public:
    virtual ~Row() = default;

    virtual std::size_t width() const = 0;
    virtual bool is_null(std::size_t column) const = 0;
    // NULL reads as 0, false or empty. A value of another type is converted if that loses nothing; otherwise it reads
    // like NULL.
    virtual std::int64_t integer(std::size_t column) const = 0;
    virtual double real(std::size_t column) const = 0;
    virtual bool boolean(std::size_t column) const = 0;
    virtual std::string_view text(std::size_t column) const = 0;  // also for a blob
};

// Called for each row; a status that is not OK ends the query and is returned. Must not use the connection: a driver
// streams the result over its only link.
using RowVisitor = std::function<Status(const Row&)>;

enum class Access { read, write };

// One connection, used by one thread at a time. In every dialect: once a statement has failed inside a transaction,
// everything but rollback and reset fails (aborted); a read transaction cannot write (failed_precondition, read_only);
// no statement begins or ends a transaction.
class Connection {
  public:
    virtual ~Connection() = default;

    // write takes the writer's lock at once (BEGIN IMMEDIATE), so that a transaction never fails halfway because
    // another writer came first.
    virtual Status begin(const Call& call, Access access) = 0;
    // The commit point. outcome_unknown() when the link died while it ran.
    virtual Status commit(const Call& call) = 0;
    virtual Status rollback(const Call& call) = 0;
    // Many statements, no parameters; for migrations.
    virtual Status script(const Call& call, std::string_view sql) = 0;
    // One statement with $1…$n. Returns the number of rows changed. visit may be null.
    virtual Result<std::uint64_t> query(const Call& call, std::string_view sql, std::span<const Param> params,
                                        const RowVisitor& visit) = 0;
    // Held by one process at a time.
    virtual Status migration_lock(const Call& call) = 0;
    virtual Status migration_unlock(const Call& call) = 0;
    // Rolls back any open transaction and checks that the link is alive.
    virtual Status reset(const Call& call) = 0;
    // Ends the statement that another thread is running on this connection. [any]
    virtual void interrupt() = 0;
    // Requires Database::can_listen(). Subscribes this connection to the channel until reset().
    virtual Status listen(const Call& call, std::string_view channel) = 0;
    // The channel of the next notification. deadline when none arrives in time.
    virtual Result<std::string> next_notification(const Call& call) = 0;
};

class Database {
  public:
    virtual ~Database() = default;

    // "sqlite" or "postgresql": names migrations/<dialect>/.
    virtual std::string_view dialect() const = 0;
    virtual bool concurrent_writers() const = 0;
    virtual bool skip_locked() const = 0;
    // Whether connections can be notified of other processes' commits.
    virtual bool can_listen() const = 0;
    virtual Result<std::unique_ptr<Connection>> connect(const Call& call) = 0;
    virtual Status health(const Call& call) = 0;
};

}  // namespace imgsrv::ports
