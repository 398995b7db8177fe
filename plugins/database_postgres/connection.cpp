#include "connection.h"

#include <cstring>
#include <imgsrv/cpp/sql_text.hpp>
#include <utility>

#include "error.h"
#include "parameters.h"

namespace imgsrv::postgres {
namespace {

// Any number that no other program on this database uses will do: "imgsrvmi" in ASCII.
constexpr const char* kLock = "SELECT pg_advisory_lock(x'696d677372766d69'::bigint)";
constexpr const char* kUnlock = "SELECT pg_advisory_unlock(x'696d677372766d69'::bigint)";

// Cleaning up gets this long, whatever the call's deadline; after that the link is given up, which cleans up too.
constexpr std::chrono::milliseconds kCleanUp(5'000);
// A commit is never cancelled: its outcome would be unknown. It is given up only when the server seems dead.
constexpr std::chrono::milliseconds kCommit(15'000);

constexpr std::string_view kStalePlan = "0A000";        // "cached plan must not change result type"
constexpr std::string_view kNoSuchStatement = "26000";  // DEALLOCATE was run

std::uint64_t changed_rows(PGresult* result) {
    const std::string_view tag = PQcmdStatus(result);
    if (!tag.starts_with("INSERT") && !tag.starts_with("UPDATE") && !tag.starts_with("DELETE") &&
        !tag.starts_with("MERGE"))
        return 0;
    return std::strtoull(PQcmdTuples(result), nullptr, 10);
}

}  // namespace

Connection::Connection(const Settings& settings, const sdk::Call& call, const sdk::Log& log)
    : settings_(settings), link_(settings, call, log), cache_(link_) {}

void Connection::begin(const sdk::Call& call, std::int32_t mode) {
    Link::Operation operation(link_, call);
    state_.check_begin(mode);
    link_.check();
    // The snapshot of a read transaction is taken by its first statement, so one is run at once.
    link_.run(mode == IMGSRV_TX_WRITE ? ("BEGIN ISOLATION LEVEL " + settings_.isolation + " READ WRITE").c_str()
                                      : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1");
    state_.begun(mode);
}

void Connection::commit(const sdk::Call& call) {
    Link::Operation operation(link_, call);
    state_.check_commit();
    try {
        state_.require_usable();
        link_.check();
    } catch (...) {
        end_transaction();
        throw;
    }
    const bool wrote = state_.writing();
    state_.ended();
    try {
        // The commit point: the server has it on disk when it answers.
        const Result answer = link_.run_anyway("COMMIT", kCommit);
        if (std::strcmp(PQcmdStatus(answer.get()), "COMMIT") != 0)
            throw sdk::Failure(IMGSRV_ABORTED, "the server rolled the transaction back").with_native("25P02");
    } catch (sdk::Failure& failure) {
        failure.outcome_unknown = wrote && !link_.alive();
        throw;
    }
}

void Connection::end_rows() noexcept {
    state_.detach_rows();
    link_.abandon(true);
}

void Connection::end_transaction() {
    end_rows();
    state_.ended();
    if (link_.alive() && link_.transaction() == PQTRANS_IDLE) return;
    link_.run_anyway("ROLLBACK", kCleanUp);
}

void Connection::rollback(const sdk::Call&) {
    end_transaction();
}

void Connection::reset(const sdk::Call&) {
    end_transaction();
    if (std::exchange(migration_lock_held_, false)) link_.run_anyway(kUnlock, kCleanUp);
    if (std::exchange(listening_, false)) link_.run_anyway("UNLISTEN *", kCleanUp);
    link_.run_anyway("SELECT 1", kCleanUp);
    link_.drop_notifications();
}

void Connection::listen(const sdk::Call& call, std::string_view channel) {
    Link::Operation operation(link_, call);
    state_.check("listen");
    if (state_.open()) throw sdk::out_of_turn("listen: a transaction is open");
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (channel.empty() || channel.size() > 63 || channel.find_first_not_of(kLetters) != std::string_view::npos) {
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT,
                           "a channel's name has 1 to 63 ASCII letters, digits and _; this is '" +
                               std::string(channel.substr(0, 100)) + "'");
    }
    link_.check();
    listening_ = true;
    link_.run(("LISTEN \"" + std::string(channel) + "\"").c_str());
}

std::string_view Connection::next_notification(const sdk::Call& call) {
    Link::Operation operation(link_, call);
    state_.check("next_notification");
    if (!listening_) throw sdk::out_of_turn("next_notification: the connection listens to nothing");
    channel_ = link_.next_notification();
    return channel_;
}

sdk::QueryResult<Rows> Connection::query(const sdk::Call& call, std::string_view sql,
                                         std::span<const imgsrv_value> params) {
    Link::Operation operation(link_, call);
    state_.check("query");
    return state_.run([&] {
        link_.check();
        return run(sql, params);
    });
}

sdk::QueryResult<Rows> Connection::run(std::string_view sql, std::span<const imgsrv_value> params) {
    Statement& statement = cache_.get(sql);
    const bool fresh = std::exchange(statement.fresh, false);
    try {
        return execute(statement, params);
    } catch (const sdk::Failure& failure) {
        if (fresh || (failure.native != kStalePlan && failure.native != kNoSuchStatement)) throw;
    }
    // A table changed since the statement was prepared.
    cache_.forget(sql);
    if (state_.open()) {
        throw sdk::Failure(IMGSRV_ABORTED, "a table changed under this transaction; run it again")
            .with_db_class(IMGSRV_DB_SERIALIZATION)
            .with_native(kStalePlan)
            .with_retryable();
    }
    Statement& again = cache_.get(sql);
    again.fresh = false;
    return execute(again, params);
}

sdk::QueryResult<Rows> Connection::execute(Statement& statement, std::span<const imgsrv_value> params) {
    if (params.size() != statement.parameters.size()) {
        throw bad_statement("the statement has " + std::to_string(statement.parameters.size()) +
                            " parameters and was given " + std::to_string(params.size()));
    }
    const Parameters encoded(params, statement.parameters);
    const bool only_reads = statement.only_reads;
    try {
        link_.send(PQsendQueryPrepared(link_.raw(), statement.name.c_str(), encoded.count(), encoded.values(),
                                       encoded.lengths(), encoded.formats(), statement.binary_result ? 1 : 0));
        if (only_reads) PQsetSingleRowMode(link_.raw());
        return first_result(only_reads);
    } catch (sdk::Failure& failure) {
        // Outside a transaction the statement committed itself, if it got that far.
        if (!link_.alive() && !state_.open() && !only_reads) failure.outcome_unknown = true;
        throw;
    }
}

sdk::QueryResult<Rows> Connection::first_result(bool only_reads) {
    Result first = link_.next_result();
    if (!first) throw sdk::Failure(IMGSRV_INTERNAL, "PostgreSQL gave no result");
    const ExecStatusType status = PQresultStatus(first.get());
    const bool goes_on = only_reads && status == PGRES_SINGLE_TUPLE;
    if (!goes_on) {
        link_.expect_no_more("commit");  // a statement outside a transaction may still fail here after it has succeeded
        if (!succeeded(first.get())) throw server_failure(first.get(), "query");
    }
    const std::uint64_t affected = goes_on ? 0 : changed_rows(first.get());
    if (PQnfields(first.get()) == 0 && status == PGRES_COMMAND_OK) return {nullptr, affected};
    auto rows = std::make_unique<Rows>(*this, std::move(first), goes_on);
    state_.rows_opened(rows.get());
    return {std::move(rows), affected};
}

Result Connection::next_row(const sdk::Call& call) {
    Link::Operation operation(link_, call);
    return state_.run([&]() -> Result {
        Result result = link_.next_result();
        if (result && PQresultStatus(result.get()) == PGRES_SINGLE_TUPLE) return result;
        if (!result) return nullptr;
        link_.expect_no_more("query");
        if (!succeeded(result.get())) throw server_failure(result.get(), "query");
        return nullptr;
    });
}

void Connection::rows_closed() noexcept {
    state_.rows_closed();
    // Cancelling would fail the transaction.
    link_.abandon(!state_.open());
    if (link_.transaction() == PQTRANS_INERROR) state_.fail();
}

void Connection::script(const sdk::Call& call, std::string_view sql) {
    Link::Operation operation(link_, call);
    state_.check("script");
    state_.run([&] {
        link_.check();
        run_script(std::string(sql));
    });
}

void Connection::run_script(const std::string& sql) {
    if (sql.find('\0') != std::string::npos) throw bad_statement("the script has a NUL in it");
    link_.send(PQsendQuery(link_.raw(), sql.c_str()));
    std::size_t number = 1;
    Result refused;
    while (Result result = link_.next_result()) {
        if (refused) continue;
        if (succeeded(result.get()))
            ++number;
        else
            refused = std::move(result);
    }
    if (refused) throw server_failure(refused.get(), "statement " + std::to_string(number) + " of the script");
    const bool inside = state_.open();
    if (link_.transaction() != (inside ? PQTRANS_INTRANS : PQTRANS_IDLE)) {
        if (!inside) link_.run_anyway("ROLLBACK", kCleanUp);
        throw bad_statement("the script began or ended a transaction; transactions have their own calls");
    }
}

void Connection::migration_lock(const sdk::Call& call) {
    Link::Operation operation(link_, call);
    if (migration_lock_held_) throw sdk::out_of_turn("migration_lock: this connection holds it already");
    state_.check("migration_lock");
    link_.check();
    try {
        link_.run(kLock);
    } catch (const sdk::Failure&) {
        // A lock of the session outlives the statement that took it, also when that was cancelled right after.
        if (link_.alive() && link_.transaction() == PQTRANS_IDLE) link_.run_anyway(kUnlock, kCleanUp);
        throw;
    }
    migration_lock_held_ = true;
}

void Connection::migration_unlock(const sdk::Call&) {
    if (!std::exchange(migration_lock_held_, false))
        throw sdk::out_of_turn("migration_unlock: this connection does not hold it");
    link_.run_anyway(kUnlock, kCleanUp);
}

}  // namespace imgsrv::postgres
