#pragma once

#include <imgsrv/database.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/runner.h"

namespace imgsrv::conformance {

// A parameter or a column, with its bytes.
struct Value {
    std::int32_t type = IMGSRV_VAL_NULL;
    std::int64_t i = 0;
    double d = 0;
    std::string bytes;

    bool operator==(const Value&) const = default;
};
Value null();
Value integer(std::int64_t i);
Value real(double d);
Value boolean(bool b);
Value text(std::string s);
Value blob(std::string s);

using Values = std::vector<Value>;

// What differs between the dialects a driver may name.
struct Dialect {
    const char* blob_type;
    const char* quoted_dollar;   // a SELECT of the text '$1', where "$1" also stands in a comment and in a name
    const char* refuse_updates;  // of the table conformance_frozen, with "frozen rows do not change"
    const char* drop_refusal;    // what may be left of it
};
const Dialect& dialect_of(const imgsrv_database& table);

// One connection of the driver under test. Functions that return no code throw Failure unless the driver says OK.
class Link {
  public:
    explicit Link(Instance& instance);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    const imgsrv_database& table() const { return table_; }
    const Dialect& dialect() const { return dialect_of(table_); }
    void* raw() const { return conn_; }
    const imgsrv_call* call() const { return call_.get(); }
    // For a check that ends the connection itself.
    void disconnect();

    void begin(std::int32_t mode);
    void commit();
    void rollback();
    // Runs body in write transactions until one commits: again when the driver says SERIALIZATION, DEADLOCK or BUSY, as
    // a host does.
    void write(const std::function<void()>& body);
    void script(const std::string& sql);
    // Runs a statement, drops its rows, returns how many it changed.
    std::uint64_t change(const std::string& sql, const Values& params = {});
    std::vector<Values> read(const std::string& sql, const Values& params = {});
    // The one integer that a query returns.
    std::int64_t number(const std::string& sql, const Values& params = {});

    // As read(), with the driver's code instead of an exception; call null: the link's own, without limits.
    imgsrv_code query(const std::string& sql, const Values& params, imgsrv_error* error,
                      const imgsrv_call* call = nullptr, std::vector<Values>* rows = nullptr,
                      std::uint64_t* affected = nullptr);
    // A query whose rows stay open; the caller closes them. Null when it returns no columns.
    void* open(const std::string& sql, const Values& params = {});

    // The code and message that the last statement run by must_fail() gave.
    imgsrv_error must_fail(imgsrv_code wanted, std::int32_t db_class, const std::string& sql,
                           const Values& params = {});

  private:
    const imgsrv_database& table_;
    Call call_;
    void* conn_ = nullptr;
};

// A call that is not OK where the check needed it to be.
class CallFailed : public Failure {
  public:
    CallFailed(const std::string& what, imgsrv_code code, const imgsrv_error& error);
    // The transaction may succeed when it is run again.
    bool asks_to_repeat() const { return repeat_; }

  private:
    bool repeat_;
};

// Rows that a check holds open.
class OpenRows {
  public:
    OpenRows(Link& link, const std::string& sql, const Values& params = {})
        : link_(link), rows_(link.open(sql, params)) {}
    ~OpenRows() { close(); }
    OpenRows(const OpenRows&) = delete;
    OpenRows& operator=(const OpenRows&) = delete;

    void* raw() const { return rows_; }
    std::int32_t next(imgsrv_error* error) { return link_.table().row_next(rows_, link_.call(), error); }
    Value get(std::size_t column);
    void close();

  private:
    Link& link_;
    void* rows_;
};

// A table conformance_<name>, made anew.
void make_table(Link& link, const std::string& name, const std::string& columns);

// A query that runs for hours.
extern const char* const kEndlessQuery;

}  // namespace imgsrv::conformance
