#include "conformance/database_link.h"

#include <cstring>

namespace imgsrv::conformance {
namespace {

constexpr Dialect kSqlite = {
    "BLOB",
    "SELECT '$1', 'it''s $2' AS \"$3\" /* $4 */ -- $5",
    "CREATE TRIGGER conformance_frozen_guard BEFORE UPDATE ON conformance_frozen BEGIN"
    "  SELECT RAISE(ABORT, 'frozen rows do not change'); "
    "END;",
    "",
};

constexpr Dialect kPostgresql = {
    "BYTEA",
    "SELECT '$1', 'it''s $2' AS \"$3\", $$ $6 $$ /* $4 */ -- $5",
    "CREATE FUNCTION conformance_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN "
    "  RAISE EXCEPTION 'frozen rows do not change'; "
    "END $body$;"
    "CREATE TRIGGER conformance_frozen_guard BEFORE UPDATE ON conformance_frozen "
    "  FOR EACH ROW EXECUTE FUNCTION conformance_refuse();",
    "DROP FUNCTION IF EXISTS conformance_refuse() CASCADE;",
};

imgsrv_value lend(const Value& value) {
    imgsrv_value out{};
    out.type = value.type;
    if (value.type == IMGSRV_VAL_DOUBLE) {
        out.u.d = value.d;
    } else if (value.type == IMGSRV_VAL_TEXT || value.type == IMGSRV_VAL_BLOB) {
        out.u.s = {value.bytes.data(), value.bytes.size()};
    } else {
        out.u.i = value.i;
    }
    return out;
}

Value keep(const imgsrv_value& value) {
    switch (value.type) {
        case IMGSRV_VAL_NULL:
            return null();
        case IMGSRV_VAL_INT:
            return integer(value.u.i);
        case IMGSRV_VAL_BOOL:
            return boolean(value.u.i != 0);
        case IMGSRV_VAL_DOUBLE:
            return real(value.u.d);
        case IMGSRV_VAL_TEXT:
            return text(std::string(value.u.s.ptr, value.u.s.len));
        case IMGSRV_VAL_BLOB:
            return blob(std::string(value.u.s.ptr, value.u.s.len));
        default:
            throw Failure("row_get gave a value of unknown type " + std::to_string(value.type));
    }
}

void require_ok(const char* what, imgsrv_code code, const imgsrv_error& error) {
    if (code != IMGSRV_OK) throw CallFailed(what, code, error);
}

const imgsrv_database& database_table(const Instance& instance) {
    return *static_cast<const imgsrv_database*>(instance.component().vtable);
}

}  // namespace

const char* const kEndlessQuery =
    "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) "
    "SELECT count(*) FROM n";

Value null() {
    return {};
}
Value integer(std::int64_t i) {
    return {IMGSRV_VAL_INT, i, 0, {}};
}
Value real(double d) {
    return {IMGSRV_VAL_DOUBLE, 0, d, {}};
}
Value boolean(bool b) {
    return {IMGSRV_VAL_BOOL, b ? 1 : 0, 0, {}};
}
Value text(std::string s) {
    return {IMGSRV_VAL_TEXT, 0, 0, std::move(s)};
}
Value blob(std::string s) {
    return {IMGSRV_VAL_BLOB, 0, 0, std::move(s)};
}

const Dialect& dialect_of(const imgsrv_database& table) {
    if (std::strcmp(table.dialect, "sqlite") == 0) return kSqlite;
    if (std::strcmp(table.dialect, "postgresql") == 0) return kPostgresql;
    throw NotOffered(std::string("this suite does not speak the dialect \"") + table.dialect + "\"");
}

CallFailed::CallFailed(const std::string& what, imgsrv_code code, const imgsrv_error& error)
    : Failure(what + " gave " + std::string(code_name(code)) + ": " + error.message),
      repeat_(error.db_class == IMGSRV_DB_SERIALIZATION || error.db_class == IMGSRV_DB_DEADLOCK ||
              error.db_class == IMGSRV_DB_BUSY) {}

Link::Link(Instance& instance) : table_(database_table(instance)) {
    imgsrv_error error{};
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, table_.connect(instance.self(), call(), &conn_, &error));
    IMGSRV_EXPECT(conn_ != nullptr);
}

Link::~Link() {
    disconnect();
}

void Link::disconnect() {
    if (conn_ != nullptr) table_.disconnect(conn_);
    conn_ = nullptr;
}

void Link::begin(std::int32_t mode) {
    imgsrv_error error{};
    require_ok("begin", table_.begin(conn_, call(), mode, &error), error);
}

void Link::commit() {
    imgsrv_error error{};
    require_ok("commit", table_.commit(conn_, call(), &error), error);
}

void Link::rollback() {
    imgsrv_error error{};
    require_ok("rollback", table_.rollback(conn_, call(), &error), error);
}

void Link::write(const std::function<void()>& body) {
    for (int tries = 1;; ++tries) {
        try {
            begin(IMGSRV_TX_WRITE);
            body();
            return commit();
        } catch (const CallFailed& failure) {
            if (!failure.asks_to_repeat() || tries == 1000) throw;
            rollback();
        }
    }
}

void Link::script(const std::string& sql) {
    imgsrv_error error{};
    require_ok("script", table_.script(conn_, call(), {sql.data(), sql.size()}, &error), error);
}

std::uint64_t Link::change(const std::string& sql, const Values& params) {
    imgsrv_error error{};
    std::uint64_t affected = 0;
    require_ok(sql.c_str(), query(sql, params, &error, nullptr, nullptr, &affected), error);
    return affected;
}

std::vector<Values> Link::read(const std::string& sql, const Values& params) {
    imgsrv_error error{};
    std::vector<Values> rows;
    require_ok(sql.c_str(), query(sql, params, &error, nullptr, &rows), error);
    return rows;
}

std::int64_t Link::number(const std::string& sql, const Values& params) {
    const auto rows = read(sql, params);
    IMGSRV_EXPECT(rows.size() == 1 && rows[0].size() == 1 && rows[0][0].type == IMGSRV_VAL_INT);
    return rows[0][0].i;
}

imgsrv_code Link::query(const std::string& sql, const Values& params, imgsrv_error* error, const imgsrv_call* limited,
                        std::vector<Values>* rows, std::uint64_t* affected) {
    std::vector<imgsrv_value> lent;
    for (const auto& param : params) lent.push_back(lend(param));
    const auto* used = limited != nullptr ? limited : call();
    void* result = nullptr;
    std::uint64_t changed = 0;
    const auto code =
        table_.query(conn_, used, {sql.data(), sql.size()}, lent.data(), lent.size(), &result, &changed, error);
    if (code != IMGSRV_OK) return code;
    if (affected != nullptr) *affected = changed;
    if (result == nullptr) return IMGSRV_OK;

    std::int32_t more = 0;
    while ((more = table_.row_next(result, used, error)) == 1) {
        if (rows == nullptr) continue;
        Values row;
        for (std::size_t i = 0; i < table_.row_width(result); ++i) {
            imgsrv_value value{};
            const auto got = table_.row_get(result, i, &value, error);
            if (got != IMGSRV_OK) {
                table_.rows_close(result);
                return got;
            }
            row.push_back(keep(value));
        }
        rows->push_back(std::move(row));
    }
    table_.rows_close(result);
    return more < 0 ? -more : IMGSRV_OK;
}

void* Link::open(const std::string& sql, const Values& params) {
    std::vector<imgsrv_value> lent;
    for (const auto& param : params) lent.push_back(lend(param));
    imgsrv_error error{};
    void* rows = nullptr;
    std::uint64_t affected = 0;
    IMGSRV_EXPECT_CODE(
        IMGSRV_OK, error,
        table_.query(conn_, call(), {sql.data(), sql.size()}, lent.data(), lent.size(), &rows, &affected, &error));
    return rows;
}

imgsrv_error Link::must_fail(imgsrv_code wanted, std::int32_t db_class, const std::string& sql, const Values& params) {
    imgsrv_error error{};
    const auto code = query(sql, params, &error);
    if (code != wanted || error.db_class != db_class || error.message[0] == '\0') {
        fail(__FILE__, __LINE__,
             sql + " gave " + std::string(code_name(code)) + " with class " + std::to_string(error.db_class) +
                 ", not " + std::string(code_name(wanted)) + " with class " + std::to_string(db_class) + ": " +
                 error.message);
    }
    return error;
}

Value OpenRows::get(std::size_t column) {
    imgsrv_error error{};
    imgsrv_value value{};
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, link_.table().row_get(rows_, column, &value, &error));
    return keep(value);
}

void OpenRows::close() {
    if (rows_ != nullptr) link_.table().rows_close(rows_);
    rows_ = nullptr;
}

void make_table(Link& link, const std::string& name, const std::string& columns) {
    link.script("DROP TABLE IF EXISTS conformance_" + name + "; CREATE TABLE conformance_" + name + " (" + columns +
                ");");
}

}  // namespace imgsrv::conformance
