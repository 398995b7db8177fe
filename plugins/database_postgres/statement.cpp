#include "statement.h"

#include <algorithm>
#include <imgsrv/cpp/sql_text.hpp>

#include "error.h"
#include "types.h"

namespace imgsrv::postgres {
namespace {

bool readable_in_binary(Oid type) {
    return is_textual(type) || is_integral(type) || type == kBool || type == kBytea || type == kFloat4 ||
           type == kFloat8;
}

// True when the statement surely changes nothing, so that its rows may be read one by one. Where the word of a change
// stands anywhere after WITH, it counts as one; that it might be part of a name costs only memory.
bool surely_reads(std::string_view sql) {
    const std::string word = sdk::first_word(sql, sdk::Comments::nested);
    if (word == "SELECT" || word == "VALUES" || word == "TABLE") return true;
    if (word != "WITH") return false;
    std::string upper(sql);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
    return upper.find("INSERT") == std::string::npos && upper.find("UPDATE") == std::string::npos &&
           upper.find("DELETE") == std::string::npos && upper.find("MERGE") == std::string::npos;
}

}  // namespace

Statement& StatementCache::get(std::string_view sql) {
    if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
        statements_.splice(statements_.begin(), statements_, found->second);
        return statements_.front();
    }
    Statement prepared = prepare(sql);
    make_room();
    statements_.push_front(std::move(prepared));
    by_sql_.emplace(statements_.front().sql, statements_.begin());
    return statements_.front();
}

void StatementCache::forget(std::string_view sql) {
    const auto found = by_sql_.find(sql);
    if (found == by_sql_.end()) return;
    const auto statement = found->second;
    to_deallocate_.push_back(statement->name);
    by_sql_.erase(found);
    statements_.erase(statement);
}

void StatementCache::make_room() {
    if (statements_.size() >= kCapacity) forget(statements_.back().sql);
    // In a transaction that failed this would be refused; here none has.
    while (!to_deallocate_.empty()) {
        link_.run(("DEALLOCATE " + to_deallocate_.back()).c_str());
        to_deallocate_.pop_back();
    }
}

Statement StatementCache::prepare(std::string_view sql) {
    if (sql.find('\0') != std::string_view::npos) throw bad_statement("the statement has a NUL in it");
    if (sdk::skip_blanks_and_comments(sql, sdk::Comments::nested).empty()) throw bad_statement("there is no statement");
    if (sdk::controls_transaction(sql, sdk::Comments::nested))
        throw bad_statement("transactions are begun and ended by their own calls");
    Statement statement;
    statement.sql = sql;
    statement.name = "imgsrv_" + std::to_string(++last_name_);
    link_.send(PQsendPrepare(link_.raw(), statement.name.c_str(), statement.sql.c_str(), 0, nullptr));
    link_.expect_no_more("prepare");
    link_.send(PQsendDescribePrepared(link_.raw(), statement.name.c_str()));
    const Result description = link_.next_result();
    link_.expect_no_more("prepare");
    if (!succeeded(description.get())) throw server_failure(description.get(), "prepare");

    for (int i = 0; i < PQnparams(description.get()); ++i)
        statement.parameters.push_back(PQparamtype(description.get(), i));
    // As text a bytea is twice as long; for the other types it makes no difference that shows.
    bool any_bytes = false;
    bool all_readable = true;
    for (int i = 0; i < PQnfields(description.get()); ++i) {
        const Oid type = PQftype(description.get(), i);
        any_bytes |= type == kBytea;
        all_readable &= readable_in_binary(type);
    }
    statement.binary_result = any_bytes && all_readable;
    statement.only_reads = surely_reads(sql);
    return statement;
}

}  // namespace imgsrv::postgres
