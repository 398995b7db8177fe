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
    // NULL reads as 0, false or empty; a value of another type is converted where that loses nothing, else it reads so
    // too.
    virtual std::int64_t integer(std::size_t column) const = 0;
    virtual double real(std::size_t column) const = 0;
    virtual bool boolean(std::size_t column) const = 0;
    virtual std::string_view text(std::size_t column) const = 0;  // also for a blob
};

// Called for each row; a status that is not OK ends the query and is returned. It must not use the connection: a driver
// streams the result over the one link it has.
using RowVisitor = std::function<Status(const Row&)>;

enum class Access { read, write };

// One connection, used by one thread at a time. In every dialect: after a statement failed inside of a transaction only
// rollback and reset work (aborted), a read transaction writes nothing (failed_precondition, read_only), and no
// statement begins or ends a transaction.
class Connection {
  public:
    virtual ~Connection() = default;

    // write takes the writer's lock at once (BEGIN IMMEDIATE), so that a transaction never fails half way for being
    // late.
    virtual Status begin(const Call& call, Access access) = 0;
    // The commit point. outcome_unknown() when the link died while it ran.
    virtual Status commit(const Call& call) = 0;
    virtual Status rollback(const Call& call) = 0;
    // Many statements, no parameters; for migrations.
    virtual Status script(const Call& call, std::string_view sql) = 0;
    // One statement with $1…$n. Returns the number of rows changed. visit may be null.
    virtual Result<std::uint64_t> query(const Call& call, std::string_view sql, std::span<const Param> params,
                                        const RowVisitor& visit) = 0;
    // One process at a time holds it.
    virtual Status migration_lock(const Call& call) = 0;
    virtual Status migration_unlock(const Call& call) = 0;
    // Rolls back what is open and checks that the link lives.
    virtual Status reset(const Call& call) = 0;
    // Ends what another thread runs on this connection. [any]
    virtual void interrupt() = 0;
    // Where Database::can_listen(): from now on this connection is told of the channel, until it is reset.
    virtual Status listen(const Call& call, std::string_view channel) = 0;
    // The channel of the next notification. deadline when none came in time.
    virtual Result<std::string> next_notification(const Call& call) = 0;
};

class Database {
  public:
    virtual ~Database() = default;

    // "sqlite" or "postgresql": names migrations/<dialect>/.
    virtual std::string_view dialect() const = 0;
    virtual bool concurrent_writers() const = 0;
    virtual bool skip_locked() const = 0;
    // Whether connections are told what other processes commit.
    virtual bool can_listen() const = 0;
    virtual Result<std::unique_ptr<Connection>> connect(const Call& call) = 0;
    virtual Status health(const Call& call) = 0;
};

}  // namespace imgsrv::ports
