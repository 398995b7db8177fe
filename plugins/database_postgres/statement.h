#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "link.h"

namespace imgsrv::postgres {

// One statement that the server has prepared for a link.
struct Statement {
    std::string sql;
    std::string name;             // on the server
    std::vector<Oid> parameters;  // types
    bool binary_result = false;   // every column is read in binary; else every column as text
    bool only_reads = false;      // its rows may be read while it runs
    bool fresh = true;            // has not been run yet
};

// A link's most recently used statements, by their text.
class StatementCache {
  public:
    explicit StatementCache(Link& link) noexcept : link_(link) {}

    // Prepared, and valid until the next call of this class. Throws SYNTAX unless sql is exactly one statement that
    // does not begin or end a transaction.
    Statement& get(std::string_view sql);
    // The next get() of this text prepares it anew.
    void forget(std::string_view sql);

  private:
    static constexpr std::size_t kCapacity = 128;

    Statement prepare(std::string_view sql);
    void make_room();

    Link& link_;
    std::uint64_t last_name_ = 0;
    std::list<Statement> statements_;                                              // the most recently used first
    std::unordered_map<std::string_view, std::list<Statement>::iterator> by_sql_;  // keys point into statements_
    std::vector<std::string> to_deallocate_;
};

}  // namespace imgsrv::postgres
