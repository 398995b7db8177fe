#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <imgsrv/cpp/patience.hpp>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace imgsrv::sqlite {

// The options, checked.
struct Settings {
    std::string path;  // absolute
    std::chrono::milliseconds busy_timeout;
    std::string synchronous;  // FULL, EXTRA or NORMAL
    std::uint64_t cache_bytes;
};

struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, Finalize>;

// One open handle of SQLite, configured for this driver, whose every wait and every query obeys the limits of the call
// that runs. One thread at a time, except interrupt().
class Session {
  public:
    // Opens settings.path, which must exist. Throws UNAVAILABLE, DATA_LOSS or RESOURCE_EXHAUSTED.
    explicit Session(const Settings& settings);
    ~Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // One call of the host; lives as long as the call runs.
    class Operation {
      public:
        Operation(Session& session, const sdk::Call& call) noexcept;

      private:
        sdk::Patience::Scope scope_;
    };

    // Throws when the call has no time left or was cancelled.
    void check() const;

    // Compiles what sql starts with; tail gets the rest. Null: only blanks and comments were left.
    StatementHandle compile(std::string_view sql, unsigned flags, std::string_view& tail);
    // SQLITE_ROW or SQLITE_DONE; throws otherwise.
    int step(sqlite3_stmt* statement);
    // Runs a statement of this driver that yields nothing.
    void execute(const char* sql);

    // Why the last call returned rc. doing ("commit") begins the message.
    sdk::Failure failure(int rc, std::string_view doing) const;

    // The file was renamed, deleted or replaced under this handle.
    bool file_moved() const noexcept;
    void interrupt() noexcept;  // [any]

    sqlite3* db() const noexcept { return db_.get(); }
    sdk::Patience& patience() noexcept { return patience_; }
    // When a wait for other writers, begun by the running operation, must end.
    std::int64_t busy_until_ns() const noexcept { return busy_until_ns_; }

  private:
    struct Close {
        void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
    };

    static int on_busy(void* self, int tries) noexcept;
    static int on_progress(void* self) noexcept;
    void configure(const Settings& settings);

    std::int64_t busy_timeout_ns_;
    std::int64_t busy_until_ns_ = 0;
    sdk::Patience patience_;
    std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace imgsrv::sqlite
