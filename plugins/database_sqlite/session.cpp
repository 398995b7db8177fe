#include "session.h"

#include <algorithm>
#include <climits>

#include "error.h"

namespace imgsrv::sqlite {
namespace {

// Steps of SQLite's virtual machine between two checks of the clock: well below a millisecond of work.
constexpr int kStepsBetweenChecks = 2000;

constexpr const char* kSubject = "the database call";

}  // namespace

Session::Session(const Settings& settings)
    : busy_timeout_ns_(std::chrono::nanoseconds(settings.busy_timeout).count()),
      busy_until_ns_(sdk::monotonic_ns() + busy_timeout_ns_) {
    // Without CREATE: a database that vanished must not come back empty. Without a mutex: the ABI promises one thread.
    constexpr int kFlags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    sqlite3* raw = nullptr;
    const int rc = sqlite3_open_v2(settings.path.c_str(), &raw, kFlags, nullptr);
    db_.reset(raw);
    if (rc != SQLITE_OK) throw sqlite_failure(raw, rc, "open the database file");
    configure(settings);
}

void Session::configure(const Settings& settings) {
    sqlite3_busy_handler(db(), on_busy, this);
    sqlite3_progress_handler(db(), kStepsBetweenChecks, on_progress, this);

    // No SQL text can damage the file, and a tampered schema can run nothing. "x" is a name, never a text, as in other
    // dialects.
    sqlite3_db_config(db(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(db(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(db(), SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(db(), SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_db_config(db(), SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);

    const std::string cache_kib = std::to_string(std::max<std::uint64_t>(settings.cache_bytes / 1024, 64));
    execute(("PRAGMA synchronous = " + settings.synchronous).c_str());
    execute(("PRAGMA cache_size = -" + cache_kib).c_str());
    execute("PRAGMA foreign_keys = ON");
    // Else INSERT OR REPLACE deletes rows behind the back of the triggers that guard them.
    execute("PRAGMA recursive_triggers = ON");
    execute("PRAGMA cell_size_check = ON");
    // Read through the page cache: with a mapping, a failing disk is a SIGBUS instead of an error.
    execute("PRAGMA mmap_size = 0");
    // Debian's default overwrites what is deleted, so that deleting needs as much room in the log as writing did.
    execute("PRAGMA secure_delete = FAST");
    execute("PRAGMA wal_autocheckpoint = 1000");
    // Lets a log that one large transaction grew shrink again.
    execute("PRAGMA journal_size_limit = 67108864");
}

Session::Operation::Operation(Session& session, const sdk::Call& call) noexcept : scope_(session.patience_, call) {
    session.busy_until_ns_ = sdk::monotonic_ns() + session.busy_timeout_ns_;
}

void Session::check() const {
    patience_.check(kSubject);
}

StatementHandle Session::compile(std::string_view sql, unsigned flags, std::string_view& tail) {
    if (sql.size() > INT_MAX) throw bad_statement("the statement is longer than SQLite takes");
    if (sql.empty()) return tail = sql, nullptr;
    sqlite3_stmt* raw = nullptr;
    const char* end = nullptr;
    const int rc = sqlite3_prepare_v3(db(), sql.data(), static_cast<int>(sql.size()), flags, &raw, &end);
    StatementHandle handle(raw);
    if (rc != SQLITE_OK) throw failure(rc, "prepare");
    tail = sql.substr(static_cast<std::size_t>(end - sql.data()));
    return handle;
}

int Session::step(sqlite3_stmt* statement) {
    const int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) throw failure(rc, "query");
    return rc;
}

void Session::execute(const char* sql) {
    const int rc = sqlite3_exec(db(), sql, nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) throw failure(rc, sql);
}

sdk::Failure Session::failure(int rc, std::string_view doing) const {
    const int primary = rc & 0xFF;
    if (primary == SQLITE_INTERRUPT || (primary == SQLITE_BUSY && rc != SQLITE_BUSY_SNAPSHOT)) {
        if (const sdk::Stop reason = patience_.stop(); reason != sdk::Stop::none)
            return sdk::Patience::failure(reason, kSubject);
        if (primary == SQLITE_INTERRUPT) return sdk::Patience::failure(sdk::Stop::interrupted, kSubject);
        return busy();
    }
    return sqlite_failure(db(), rc, doing);
}

bool Session::file_moved() const noexcept {
    int moved = 0;
    return sqlite3_file_control(db(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

void Session::interrupt() noexcept {
    patience_.interrupt();
    sqlite3_interrupt(db());
}

// Another process writes. SQLite has no queue to wait in, so try again soon: immediate retries only burn time, late
// ones lose to writers that retry more often.
int Session::on_busy(void* self, int tries) noexcept {
    constexpr std::int64_t kPauses[] = {200'000, 500'000, 1'000'000, 2'000'000, 5'000'000};
    Session& session = *static_cast<Session*>(self);
    const std::int64_t pause = kPauses[std::min<std::size_t>(static_cast<std::size_t>(tries), std::size(kPauses) - 1)];
    const std::int64_t now = sdk::monotonic_ns();
    if (now >= session.busy_until_ns_) return 0;
    session.patience_.wait_until(std::min(now + pause, session.busy_until_ns_));
    return session.patience_.stop() == sdk::Stop::none ? 1 : 0;
}

int Session::on_progress(void* self) noexcept {
    return static_cast<Session*>(self)->patience_.stop() != sdk::Stop::none;
}

}  // namespace imgsrv::sqlite
