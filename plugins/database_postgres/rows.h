#pragma once

#include <cstddef>
#include <imgsrv/imgsrv.hpp>
#include <string>
#include <vector>

#include "link.h"

namespace imgsrv::postgres {

class Connection;

// The result of one query: either complete, or read from the link row by row. It may outlive its transaction: after
// rollback, reset or disconnect it yields an error, and only its destruction is left to do.
class Rows {
  public:
    // first: a complete result, or the first row of one that has more.
    Rows(Connection& connection, Result first, bool goes_on);
    ~Rows();
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;

    bool next(const sdk::Call& call);
    std::size_t width() const noexcept { return width_; }
    imgsrv_value get(std::size_t column);
    // Called by the connection, which has ended the result.
    void detach() noexcept { connection_ = nullptr; }

  private:
    void require_connection() const;
    imgsrv_value decode_text(int column, Oid type);
    imgsrv_value decode_binary(int column, Oid type) const;

    Connection* connection_;
    Result result_;
    std::size_t width_;
    int row_ = -1;  // in result_
    bool goes_on_;
    std::vector<std::string> bytes_;  // by column: what a bytea in text form stands for
};

}  // namespace imgsrv::postgres
