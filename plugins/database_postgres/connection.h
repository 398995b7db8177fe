#pragma once

#include <imgsrv/cpp/transaction_state.hpp>
#include <imgsrv/imgsrv.hpp>
#include <span>
#include <string>
#include <string_view>

#include "link.h"
#include "rows.h"
#include "statement.h"

namespace imgsrv::postgres {

// One connection of the ABI; the rules of imgsrv/database.h and of sdk/ABI.md, section Database, hold. A connection
// whose link died stays dead: the pool makes another.
class Connection {
  public:
    // settings outlive the connection.
    Connection(const Settings& settings, const sdk::Call& call, const sdk::Log& log);
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
    void interrupt() noexcept { link_.interrupt(); }
    void listen(const sdk::Call& call, std::string_view channel);
    std::string_view next_notification(const sdk::Call& call);

    // For Rows: the next row of the open result, null at its end; and that it is closed, read or not.
    Result next_row(const sdk::Call& call);
    void rows_closed() noexcept;

  private:
    void end_rows() noexcept;
    // Ends the transaction, if there is one, even when the call's deadline has passed. Throws CONNECTION when the link
    // is dead afterwards; the server has ended the transaction anyway.
    void end_transaction();
    sdk::QueryResult<Rows> run(std::string_view sql, std::span<const imgsrv_value> params);
    sdk::QueryResult<Rows> execute(Statement& statement, std::span<const imgsrv_value> params);
    sdk::QueryResult<Rows> first_result(bool only_reads);
    void run_script(const std::string& sql);

    const Settings& settings_;
    Link link_;
    StatementCache cache_;
    bool migration_lock_held_ = false;
    bool listening_ = false;
    std::string channel_;  // of the last notification
    sdk::TransactionState<Rows> state_{"25P02"};
};

}  // namespace imgsrv::postgres
