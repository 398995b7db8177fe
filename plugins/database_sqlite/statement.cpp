#include "statement.h"

#include <charconv>
#include <cmath>
#include <imgsrv/cpp/sql_text.hpp>

#include "error.h"

namespace imgsrv::sqlite {
namespace {

constexpr int kMaxParameters = 32766;  // SQLITE_MAX_VARIABLE_NUMBER

// The number of "$7"; 0 for any other name and for a parameter without one ("?").
int parameter_number(const char* name) noexcept {
    if (!name || name[0] != '$' || name[1] == '0') return 0;
    const std::string_view digits(name + 1);
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size() && number <= kMaxParameters ? number : 0;
}

void bind_value(sqlite3* db, sqlite3_stmt* statement, int index, const imgsrv_value& value, Lifetime lifetime) {
    const auto destructor = lifetime == Lifetime::until_reset ? SQLITE_STATIC : SQLITE_TRANSIENT;
    int rc = SQLITE_OK;
    switch (value.type) {
        case IMGSRV_VAL_NULL:
            rc = sqlite3_bind_null(statement, index);
            break;
        case IMGSRV_VAL_INT:
            rc = sqlite3_bind_int64(statement, index, value.u.i);
            break;
        case IMGSRV_VAL_BOOL:
            rc = sqlite3_bind_int64(statement, index, value.u.i != 0);
            break;
        case IMGSRV_VAL_DOUBLE:
            // SQLite would silently store NULL.
            if (std::isnan(value.u.d)) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "NaN cannot be stored");
            rc = sqlite3_bind_double(statement, index, value.u.d);
            break;
        case IMGSRV_VAL_TEXT: {
            const std::string_view text = sdk::view(value.u.s);
            if (text.find('\0') != std::string_view::npos)
                throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "text with a NUL cannot be stored; bind it as a blob");
            // An empty view may have no address, and a null address would bind NULL.
            rc = sqlite3_bind_text64(statement, index, text.empty() ? "" : text.data(), text.size(), destructor,
                                     SQLITE_UTF8);
            break;
        }
        case IMGSRV_VAL_BLOB: {
            const std::string_view bytes = sdk::view(value.u.s);
            rc = sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(), bytes.size(), destructor);
            break;
        }
        default:
            throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "a parameter has a type this driver does not know");
    }
    if (rc != SQLITE_OK) throw sqlite_failure(db, rc, "bind");
}

}  // namespace

Statement::Statement(Session& session, std::string_view sql) {
    // SQLite stops at a NUL and would not see what follows.
    if (sql.find('\0') != std::string_view::npos) throw bad_statement("the statement has a NUL in it");
    std::string_view tail;
    handle_ = session.compile(sql, SQLITE_PREPARE_PERSISTENT, tail);
    if (!handle_) throw bad_statement("there is no statement");
    if (!sdk::skip_blanks_and_comments(tail, sdk::Comments::flat).empty())
        throw bad_statement("there is more than one statement");
    if (sdk::controls_transaction(sql, sdk::Comments::flat))
        throw bad_statement("transactions are begun and ended by their own calls");

    const int n = sqlite3_bind_parameter_count(handle_.get());
    index_of_.resize(static_cast<std::size_t>(n), 0);
    for (int i = 1; i <= n; ++i) {
        const int number = parameter_number(sqlite3_bind_parameter_name(handle_.get(), i));
        if (number < 1 || number > n) throw bad_statement("parameters must be $1, $2, … without a gap");
        index_of_[static_cast<std::size_t>(number - 1)] = i;
    }
}

void Statement::bind(std::span<const imgsrv_value> values, Lifetime lifetime) {
    if (values.size() != index_of_.size()) {
        throw bad_statement("the statement has " + std::to_string(index_of_.size()) + " parameters and was given " +
                            std::to_string(values.size()));
    }
    sqlite3* db = sqlite3_db_handle(handle_.get());
    for (std::size_t i = 0; i < values.size(); ++i) bind_value(db, handle_.get(), index_of_[i], values[i], lifetime);
}

void Statement::reset() noexcept {
    sqlite3_reset(handle_.get());
    sqlite3_clear_bindings(handle_.get());
}

Statement& StatementCache::get(std::string_view sql) {
    if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
        entries_.splice(entries_.begin(), entries_, found->second);
        return entries_.front().statement;
    }
    Statement fresh(session_, sql);
    if (entries_.size() >= kCapacity) {
        by_sql_.erase(entries_.back().sql);
        entries_.pop_back();
    }
    entries_.push_front(Entry{std::string(sql), std::move(fresh)});
    by_sql_.emplace(entries_.front().sql, entries_.begin());
    return entries_.front().statement;
}

}  // namespace imgsrv::sqlite
