#include "connection.h"

#include <imgsrv/cpp/sql_text.hpp>
#include <utility>

#include "error.h"

namespace imgsrv::sqlite {
namespace {

// Returns a statement to the cache ready to run again.
class ResetAtExit {
  public:
    explicit ResetAtExit(Statement& statement) noexcept : statement_(statement) {}
    ~ResetAtExit() { statement_.reset(); }
    ResetAtExit(const ResetAtExit&) = delete;
    ResetAtExit& operator=(const ResetAtExit&) = delete;

  private:
    Statement& statement_;
};

StatementHandle compile_own(Session& session, std::string_view sql) {
    std::string_view tail;
    return session.compile(sql, SQLITE_PREPARE_PERSISTENT, tail);
}

}  // namespace

Connection::Connection(const Settings& settings, WriterQueue& queue)
    : session_(settings),
      cache_(session_),
      begin_read_(compile_own(session_, "BEGIN DEFERRED")),
      begin_write_(compile_own(session_, "BEGIN IMMEDIATE")),
      commit_(compile_own(session_, "COMMIT")),
      rollback_(compile_own(session_, "ROLLBACK")),
      snapshot_(compile_own(session_, "SELECT 1 FROM sqlite_schema LIMIT 1")),
      queue_(queue),
      migration_lock_(settings.path + ".migrate") {}

Connection::~Connection() {
    abandon_transaction();
}

void Connection::require_may_write() const {
    if (state_.reading()) {
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "a read transaction cannot write")
            .with_db_class(IMGSRV_DB_READ_ONLY)
            .with_native("SQLITE_READONLY");
    }
}

void Connection::require_file_in_place() const {
    if (session_.file_moved()) {
        throw sdk::Failure(IMGSRV_UNAVAILABLE, "the database file was replaced or deleted")
            .with_db_class(IMGSRV_DB_CONNECTION);
    }
}

void Connection::take_turn(WriterQueue::Turn& turn) {
    if (queue_.acquire(session_.patience(), session_.busy_until_ns(), turn)) return;
    session_.check();
    throw busy();
}

void Connection::run(const StatementHandle& statement) {
    const int rc = sqlite3_step(statement.get());
    // sqlite3_reset() reports a failed step again, in the same words.
    sqlite3_reset(statement.get());
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) throw session_.failure(rc, "transaction");
}

void Connection::begin(const sdk::Call& call, std::int32_t mode) {
    Session::Operation operation(session_, call);
    state_.check_begin(mode);
    session_.check();
    if (mode == IMGSRV_TX_WRITE)
        begin_write();
    else
        begin_read();
}

void Connection::begin_read() {
    run(begin_read_);
    state_.begun(IMGSRV_TX_READ);
    try {
        run(snapshot_);  // BEGIN DEFERRED reads nothing, so the first query would take the snapshot
    } catch (...) {
        abandon_transaction();
        throw;
    }
}

void Connection::begin_write() {
    require_file_in_place();
    take_turn(turn_);
    try {
        run(begin_write_);
    } catch (...) {
        turn_.release();
        throw;
    }
    state_.begun(IMGSRV_TX_WRITE);
}

void Connection::commit(const sdk::Call& call) {
    Session::Operation operation(session_, call);
    state_.check_commit();
    try {
        state_.require_usable();
        session_.check();
        // The commit point: the step returns when the log is on the disk.
        run(commit_);
    } catch (sdk::Failure& failure) {
        abandon_transaction();
        // The log may have reached the disk although its fsync failed, and may be replayed after a power loss.
        if (failure.db_class == IMGSRV_DB_CONNECTION) failure.outcome_unknown = true;
        throw;
    }
    state_.ended();
    turn_.release();
}

void Connection::rollback(const sdk::Call&) {
    abandon_transaction();
    if (sqlite3_get_autocommit(session_.db()) == 0) {
        throw sdk::Failure(IMGSRV_UNAVAILABLE,
                           "the transaction could not be rolled back; only closing the connection ends it")
            .with_db_class(IMGSRV_DB_CONNECTION);
    }
}

void Connection::abandon_transaction() noexcept {
    state_.detach_rows();
    if (sqlite3_get_autocommit(session_.db()) == 0) {
        sqlite3_step(rollback_.get());
        sqlite3_reset(rollback_.get());
    }
    state_.ended();
    turn_.release();
}

void Connection::reset(const sdk::Call& call) {
    migration_lock_.release();
    rollback(call);
    require_file_in_place();
}

sdk::QueryResult<Rows> Connection::query(const sdk::Call& call, std::string_view sql,
                                         std::span<const imgsrv_value> params) {
    Session::Operation operation(session_, call);
    state_.check("query");
    return state_.run([&] {
        session_.check();
        Statement& statement = cache_.get(sql);
        return statement.writes() || !statement.returns_rows() ? run_to_end(statement, params)
                                                               : open_cursor(statement, params);
    });
}

sdk::QueryResult<Rows> Connection::open_cursor(Statement& statement, std::span<const imgsrv_value> params) {
    // The cursor outlives this call, and the caller's bytes do not.
    statement.bind(params, Lifetime::until_bind_returns);
    try {
        const bool has_row = session_.step(statement.handle()) == SQLITE_ROW;
        auto cursor = std::make_unique<Cursor>(*this, statement, has_row);
        state_.rows_opened(cursor.get());
        return {std::move(cursor), 0};
    } catch (...) {
        statement.reset();
        throw;
    }
}

sdk::QueryResult<Rows> Connection::run_to_end(Statement& statement, std::span<const imgsrv_value> params) {
    WriterQueue::Turn turn;
    if (statement.writes()) {
        require_may_write();
        if (!state_.open()) take_turn(turn);
    }
    ResetAtExit reset(statement);
    statement.bind(params, Lifetime::until_reset);

    const sqlite3_int64 changed_before = sqlite3_total_changes64(session_.db());
    std::unique_ptr<StoredRows> rows;
    if (statement.returns_rows())
        rows = std::make_unique<StoredRows>(*this, static_cast<std::size_t>(sqlite3_column_count(statement.handle())));
    while (session_.step(statement.handle()) == SQLITE_ROW)
        if (rows) rows->add(statement.handle());
    // sqlite3_changes() keeps the previous statement's number when this one, say CREATE TABLE, counts nothing.
    const bool counted = sqlite3_total_changes64(session_.db()) != changed_before;
    const auto affected = counted ? static_cast<std::uint64_t>(sqlite3_changes64(session_.db())) : 0;
    state_.rows_opened(rows.get());
    return {std::move(rows), affected};
}

bool Connection::step_cursor(const sdk::Call& call, Statement& statement) {
    Session::Operation operation(session_, call);
    return state_.run([&] {
        session_.check();
        return session_.step(statement.handle()) == SQLITE_ROW;
    });
}

void Connection::script(const sdk::Call& call, std::string_view sql) {
    Session::Operation operation(session_, call);
    state_.check("script");
    state_.run([&] { run_script(sql); });
}

void Connection::run_script(std::string_view sql) {
    if (sql.find('\0') != std::string_view::npos) throw bad_statement("the script has a NUL in it");
    WriterQueue::Turn turn;
    std::size_t number = 0;
    try {
        while (!sql.empty()) {
            session_.check();
            ++number;
            std::string_view rest;
            const StatementHandle statement = session_.compile(sql, 0, rest);
            if (statement) {
                if (sdk::controls_transaction(sql, sdk::Comments::flat))
                    throw bad_statement("transactions are begun and ended by their own calls");
                if (sqlite3_stmt_readonly(statement.get()) == 0) {
                    require_may_write();
                    if (!state_.open() && !turn.held()) take_turn(turn);
                }
                while (session_.step(statement.get()) == SQLITE_ROW) {
                }
            }
            sql = rest;
        }
    } catch (sdk::Failure& failure) {
        failure.message = "statement " + std::to_string(number) + " of the script: " + failure.message;
        throw;
    }
}

void Connection::migration_lock(const sdk::Call& call) {
    Session::Operation operation(session_, call);
    if (migration_lock_.held()) throw sdk::out_of_turn("migration_lock: this connection holds it already");
    state_.check("migration_lock");
    session_.check();
    migration_lock_.acquire(session_.patience());
}

void Connection::migration_unlock(const sdk::Call&) {
    if (!migration_lock_.held()) throw sdk::out_of_turn("migration_unlock: this connection does not hold it");
    migration_lock_.release();
}

}  // namespace imgsrv::sqlite
