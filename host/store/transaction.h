#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/time.h"
#include "ports/call.h"
#include "ports/database.h"

namespace imgsrv::store {

enum class Dialect { sqlite, postgresql };

// The parameters of one statement, $1 first.
using Params = std::initializer_list<ports::Param>;

// An open transaction on one connection. Handed out by Pool; every statement of the host goes through one.
class Transaction {
  public:
    Transaction(ports::Connection& connection, const ports::Call& call, Dialect dialect)
        : connection_(connection), call_(call), dialect_(dialect) {}

    const ports::Call& call() const { return call_; }
    Dialect dialect() const { return dialect_; }

    // Rows changed.
    Result<std::uint64_t> exec(std::string_view sql, Params params = {});
    // The same with as many parameters as there are values.
    Result<std::uint64_t> exec_values(std::string_view sql, std::span<const ports::Param> values);
    // Calls visit for each row.
    Status query(std::string_view sql, Params params, const ports::RowVisitor& visit);
    // True when there was a row; visit sees the first.
    Result<bool> query_one(std::string_view sql, Params params, const ports::RowVisitor& visit);

    // The database's clock, read once in a transaction: nodes with skewed clocks agree on leases and expiry.
    Result<Time> now();

  private:
    ports::Connection& connection_;
    const ports::Call& call_;
    Dialect dialect_;
    std::optional<Time> now_;
};

// Reads the columns of a row from left to right.
class Columns {
  public:
    explicit Columns(const ports::Row& row) : row_(row) {}

    std::string text() { return std::string(row_.text(at_++)); }
    std::optional<std::string> optional_text() {
        const std::size_t i = at_++;
        return row_.is_null(i) ? std::nullopt : std::optional<std::string>(row_.text(i));
    }
    std::int64_t integer() { return row_.integer(at_++); }
    std::uint64_t size() { return static_cast<std::uint64_t>(row_.integer(at_++)); }
    std::uint32_t small() { return static_cast<std::uint32_t>(row_.integer(at_++)); }
    bool flag() { return row_.integer(at_++) != 0; }
    Time time() { return from_micros(row_.integer(at_++)); }
    std::optional<Time> optional_time() {
        const std::size_t i = at_++;
        return row_.is_null(i) ? std::nullopt : std::optional<Time>(from_micros(row_.integer(i)));
    }

  private:
    const ports::Row& row_;
    std::size_t at_ = 0;
};

// Parameters from the types of the domain.
inline ports::Param param(const std::optional<std::string>& value) {
    return value ? ports::Param(std::string_view(*value)) : ports::Param(std::monostate());
}
inline ports::Param param(Time value) {
    return to_micros(value);
}
inline ports::Param param(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}
inline ports::Param param(std::uint32_t value) {
    return static_cast<std::int64_t>(value);
}

}  // namespace imgsrv::store
