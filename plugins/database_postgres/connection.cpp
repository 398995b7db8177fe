#include "connection.h"

#include <cstring>
#include <imgsrv/cpp/sql_text.hpp>
#include <utility>

#include "error.h"
#include "parameters.h"

namespace imgsrv::postgres {
namespace {

// Any number will do that no other program on this database uses: "imgsrvmi" in ASCII.
constexpr const char* kLock = "SELECT pg_advisory_lock(x'696d677372766d69'::bigint)";
constexpr const char* kUnlock = "SELECT pg_advisory_unlock(x'696d677372766d69'::bigint)";

// What cleans up gets this long, whatever the call says; then the link is given up, which cleans up as well.
constexpr std::chrono::milliseconds kCleanUp(5'000);
// A commit is never called off: its outcome would be unknown. It is given up only when the server seems dead.
constexpr std::chrono::milliseconds kCommit(15'000);

constexpr std::string_view kStalePlan = "0A000";        // "cached plan must not change result type"
constexpr std::string_view kNoSuchStatement = "26000";  // somebody ran DEALLOCATE

std::uint64_t changed_rows(PGresult* result) {
    const std::string_view tag = PQcmdStatus(result);
    if (!tag.starts_with("INSERT") && !tag.starts_with("UPDATE") && !tag.starts_with("DELETE") &&
        !tag.starts_with("MERGE"))
        return 0;
    return std::strtoull(PQcmdTuples(result), nullptr, 10);
}

}  // namespace

template <class Work>
auto Connection::in_transaction(Work&& work) {
    try {
        return std::forward<Work>(work)();
    } catch (...) {
        failed_ = transaction_ != Transaction::none;
        throw;
    }
}

Connection::Connection(const Settings& settings, const sdk::Call& call, const sdk::Log& log)
    : settings_(settings), link_(settings, call, log), cache_(link_) {}

Connection::~Connection() {
    if (open_rows_) open_rows_->detach();
}

void Connection::require_idle(const char* what) const {
    if (open_rows_) throw out_of_turn(std::string(what) + ": rows of an earlier query are still open");
}

void Connection::require_usable() const {
    if (failed_) {
        throw sdk::Failure(IMGSRV_ABORTED, "a statement of this transaction failed; only rollback is left")
            .with_native("25P02");
    }
}

void Connection::begin(const sdk::Call& call, std::int32_t mode) {
    Link::Operation operation(link_, call);
    if (transaction_ != Transaction::none) throw out_of_turn("begin: a transaction is open already");
    require_idle("begin");
    link_.check();
    if (mode == IMGSRV_TX_WRITE) {
        link_.run(("BEGIN ISOLATION LEVEL " + settings_.isolation + " READ WRITE").c_str());
        transaction_ = Transaction::write;
    } else if (mode == IMGSRV_TX_READ) {
        // The snapshot is taken by the first statement, so one is run at once.
        link_.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1");
        transaction_ = Transaction::read;
    } else {
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "begin: the mode is neither read nor write");
    }
}

void Connection::commit(const sdk::Call& call) {
    Link::Operation operation(link_, call);
    if (transaction_ == Transaction::none) throw out_of_turn("commit: no transaction is open");
    require_idle("commit");
    try {
        require_usable();
        link_.check();
    } catch (...) {
        end_transaction();
        throw;
    }
    const bool wrote = std::exchange(transaction_, Transaction::none) == Transaction::write;
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
    if (open_rows_) std::exchange(open_rows_, nullptr)->detach();
    link_.abandon(true);
}

void Connection::end_transaction() {
    end_rows();
    transaction_ = Transaction::none;
    failed_ = false;
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
    require_idle("listen");
    require_usable();
    if (transaction_ != Transaction::none) throw out_of_turn("listen: a transaction is open");
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
    require_idle("next_notification");
    require_usable();
    if (!listening_) throw out_of_turn("next_notification: the connection listens to nothing");
    channel_ = link_.next_notification();
    return channel_;
}

sdk::QueryResult<Rows> Connection::query(const sdk::Call& call, std::string_view sql,
                                         std::span<const imgsrv_value> params) {
    Link::Operation operation(link_, call);
    require_idle("query");
    require_usable();
    return in_transaction([&] {
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
    if (transaction_ != Transaction::none) {
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
        // Outside of a transaction the statement committed itself, if it came that far.
        if (!link_.alive() && transaction_ == Transaction::none && !only_reads) failure.outcome_unknown = true;
        throw;
    }
}

sdk::QueryResult<Rows> Connection::first_result(bool only_reads) {
    Result first = link_.next_result();
    if (!first) throw sdk::Failure(IMGSRV_INTERNAL, "PostgreSQL gave no result");
    const ExecStatusType status = PQresultStatus(first.get());
    const bool goes_on = only_reads && status == PGRES_SINGLE_TUPLE;
    if (!goes_on) {
        link_.expect_no_more("commit");  // what a statement outside of a transaction may fail at after it has succeeded
        if (!succeeded(first.get())) throw server_failure(first.get(), "query");
    }
    const std::uint64_t affected = goes_on ? 0 : changed_rows(first.get());
    if (PQnfields(first.get()) == 0 && status == PGRES_COMMAND_OK) return {nullptr, affected};
    auto rows = std::make_unique<Rows>(*this, std::move(first), goes_on);
    open_rows_ = rows.get();
    return {std::move(rows), affected};
}

Result Connection::next_row(const sdk::Call& call) {
    Link::Operation operation(link_, call);
    return in_transaction([&]() -> Result {
        Result result = link_.next_result();
        if (result && PQresultStatus(result.get()) == PGRES_SINGLE_TUPLE) return result;
        if (!result) return nullptr;
        link_.expect_no_more("query");
        if (!succeeded(result.get())) throw server_failure(result.get(), "query");
        return nullptr;
    });
}

void Connection::rows_closed() noexcept {
    open_rows_ = nullptr;
    // Cancelling would fail the transaction.
    link_.abandon(transaction_ == Transaction::none);
    if (transaction_ != Transaction::none && link_.transaction() == PQTRANS_INERROR) failed_ = true;
}

void Connection::script(const sdk::Call& call, std::string_view sql) {
    Link::Operation operation(link_, call);
    require_idle("script");
    require_usable();
    in_transaction([&] {
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
    const bool inside = transaction_ != Transaction::none;
    if (link_.transaction() != (inside ? PQTRANS_INTRANS : PQTRANS_IDLE)) {
        if (!inside) link_.run_anyway("ROLLBACK", kCleanUp);
        throw bad_statement("the script began or ended a transaction; transactions have their own calls");
    }
}

void Connection::migration_lock(const sdk::Call& call) {
    Link::Operation operation(link_, call);
    if (migration_lock_held_) throw out_of_turn("migration_lock: this connection holds it already");
    require_idle("migration_lock");
    require_usable();
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
        throw out_of_turn("migration_unlock: this connection does not hold it");
    link_.run_anyway(kUnlock, kCleanUp);
}

}  // namespace imgsrv::postgres
