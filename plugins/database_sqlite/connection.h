#pragma once

#include <imgsrv/cpp/transaction_state.hpp>
#include <imgsrv/imgsrv.hpp>
#include <span>
#include <string_view>

#include "migration_lock.h"
#include "rows.h"
#include "session.h"
#include "statement.h"
#include "writer_queue.h"

namespace imgsrv::sqlite {

// One connection of the ABI; the rules of imgsrv/database.h and of sdk/ABI.md, section Database, hold. They are
// stricter than SQLite, so that what works here works on every dialect: a transaction in which a statement failed can
// only be rolled back, a read transaction writes nothing, one result is open at a time.
class Connection {
  public:
    // settings and queue outlive the connection.
    Connection(const Settings& settings, WriterQueue& queue);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void reset(const sdk::Call& call);
    void begin(const sdk::Call& call, std::int32_t mode);
    void commit(const sdk::Call& call);
    void rollback(const sdk::Call& call);
    void script(const sdk::Call& call, std::string_view sql);
    sdk::QueryResult<Rows> query(const sdk::Call& call, std::string_view sql, std::span<const imgsrv_value> params);
    void migration_lock(const sdk::Call& call);
    void migration_unlock(const sdk::Call& call);
    void interrupt() noexcept { session_.interrupt(); }

    // For Rows.
    bool step_cursor(const sdk::Call& call, Statement& statement);
    void rows_closed() noexcept { state_.rows_closed(); }

  private:
    void require_may_write() const;
    void require_file_in_place() const;
    void take_turn(WriterQueue::Turn& turn);
    void begin_read();
    void begin_write();
    // Leaves nothing of the transaction behind: what ROLLBACK cannot end, closing the connection ends.
    void abandon_transaction() noexcept;
    void run(const StatementHandle& statement);
    sdk::QueryResult<Rows> open_cursor(Statement& statement, std::span<const imgsrv_value> params);
    sdk::QueryResult<Rows> run_to_end(Statement& statement, std::span<const imgsrv_value> params);
    void run_script(std::string_view sql);

    Session session_;
    StatementCache cache_;
    StatementHandle begin_read_, begin_write_, commit_, rollback_, snapshot_;
    WriterQueue& queue_;
    WriterQueue::Turn turn_;
    MigrationLock migration_lock_;
    sdk::TransactionState<Rows> state_{"SQLITE_ABORT"};
};

}  // namespace imgsrv::sqlite
