#pragma once

#include <cstddef>
#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <string>
#include <vector>

#include "statement.h"

namespace imgsrv::sqlite {

class Connection;

// The result of one query. It may outlive its transaction: after rollback, reset or disconnect it yields an error, and
// only its destruction is left to do.
class Rows {
  public:
    Rows(Connection& connection, std::size_t width) noexcept : connection_(&connection), width_(width) {}
    virtual ~Rows();
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;

    virtual bool next(const sdk::Call& call) = 0;
    virtual imgsrv_value get(std::size_t column) = 0;
    std::size_t width() const noexcept { return width_; }
    // Called by the connection, which takes its statement back.
    virtual void detach() noexcept { connection_ = nullptr; }

  protected:
    // Throws unless the connection still stands behind this result.
    Connection& connection() const;

  private:
    Connection* connection_;
    std::size_t width_;
};

// Reads on demand: memory holds one row.
class Cursor final : public Rows {
  public:
    // has_row: the statement has been stepped to its first row.
    Cursor(Connection& connection, Statement& statement, bool has_row);
    ~Cursor() override;

    bool next(const sdk::Call& call) override;
    imgsrv_value get(std::size_t column) override;
    void detach() noexcept override;

  private:
    enum class At { before_first, row, end };

    Statement* statement_;  // null once detached
    At at_;
};

// The result of a statement with RETURNING. It is read to its end before query() returns, because only then has SQLite
// made the change and counted it.
class StoredRows final : public Rows {
  public:
    using Rows::Rows;

    void add(sqlite3_stmt* statement);  // copies the current row

    bool next(const sdk::Call& call) override;
    imgsrv_value get(std::size_t column) override;

  private:
    struct Value {
        imgsrv_value plain;
        std::string bytes;  // of a text or a blob
    };

    std::vector<Value> values_;  // row by row
    std::size_t position_ = 0;   // rows handed out
};

}  // namespace imgsrv::sqlite
