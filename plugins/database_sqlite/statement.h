#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "session.h"

namespace imgsrv::sqlite {

// How long bound text and bytes live.
enum class Lifetime { until_reset, until_bind_returns };

// One compiled statement with parameters $1…$n.
class Statement {
  public:
    // Throws SYNTAX unless sql is exactly one statement of this kind that does not begin or end a transaction.
    Statement(Session& session, std::string_view sql);

    // Throws when there are more or fewer values than parameters, or a value cannot be stored unchanged.
    void bind(std::span<const imgsrv_value> values, Lifetime lifetime);
    // Ready to run again; forgets the values.
    void reset() noexcept;

    // It may change the database.
    bool writes() const noexcept { return sqlite3_stmt_readonly(handle_.get()) == 0; }
    bool returns_rows() const noexcept { return sqlite3_column_count(handle_.get()) > 0; }
    sqlite3_stmt* handle() const noexcept { return handle_.get(); }

  private:
    StatementHandle handle_;
    std::vector<int> index_of_;  // SQLite's index of $1, $2, …: it numbers names in order of appearance
};

// The most recently used statements, by their text.
class StatementCache {
  public:
    explicit StatementCache(Session& session) noexcept : session_(session) {}

    // Compiled, reset, and valid until the next get(). Throws as Statement does.
    Statement& get(std::string_view sql);

  private:
    struct Entry {
        std::string sql;
        Statement statement;
    };
    static constexpr std::size_t kCapacity = 128;

    Session& session_;
    std::list<Entry> entries_;                                                 // the most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_sql_;  // keys point into entries_
};

}  // namespace imgsrv::sqlite
