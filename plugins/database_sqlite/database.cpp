#include "database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "error.h"

namespace imgsrv::sqlite {
namespace {

constexpr int kOldestSqlite = 3'035'000;  // RETURNING
constexpr std::chrono::milliseconds kSwitchRetry(10);

sdk::Failure bad_option(const std::string& message) {
    return {IMGSRV_INVALID_ARGUMENT, message};
}

// The same file after a chdir, and under one name for all of its companions (-wal, -shm, .migrate).
std::string absolute_path(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..")
        throw bad_option("option 'path': '" + path + "' does not name a file");
    const std::unique_ptr<char, decltype(&std::free)> real(realpath(folder.c_str(), nullptr), &std::free);
    if (!real) {
        const int error = errno;
        throw bad_option("option 'path': the folder '" + folder + "' cannot be used (" +
                         std::generic_category().message(error) + "); create it first");
    }
    const std::string base = real.get();
    return base == "/" ? base + name : base + "/" + name;
}

std::string synchronous_level(std::string level) {
    std::transform(level.begin(), level.end(), level.begin(), [](unsigned char c) { return std::toupper(c); });
    constexpr std::array<std::string_view, 3> kLevels = {"FULL", "EXTRA", "NORMAL"};
    if (std::find(kLevels.begin(), kLevels.end(), level) == kLevels.end())
        throw bad_option("option 'synchronous': '" + level + "' is none of FULL, EXTRA, NORMAL");
    return level;
}

Settings read_settings(const sdk::Config& config) {
    Settings settings{absolute_path(config.text("path")), config.duration("busy_timeout"),
                      synchronous_level(config.text("synchronous")), config.size("cache_size")};
    if (settings.busy_timeout.count() < 0) throw bad_option("option 'busy_timeout': it cannot be negative");
    return settings;
}

// Its entry in the folder is durable before anything is written to it. Only the owner may read: token hashes lie there.
void create_file(const std::string& path) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        if (errno == EEXIST) return;
        throw os_failure(errno, "create the database file");
    }
    close(fd);
    const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    const int folder_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = folder_fd >= 0 && fsync(folder_fd) == 0;
    const int error = errno;
    if (folder_fd >= 0) close(folder_fd);
    if (!synced) throw os_failure(error, "make the new database file durable");
}

// The mode is kept in the file, so one handle sets it for all.
void switch_to_wal(Session& session) {
    std::string_view tail;
    const StatementHandle pragma = session.compile("PRAGMA journal_mode = WAL", 0, tail);
    const bool answered = session.step(pragma.get()) == SQLITE_ROW;
    const auto* mode = answered ? reinterpret_cast<const char*>(sqlite3_column_text(pragma.get(), 0)) : nullptr;
    if (!mode || std::string_view(mode) != "wal") {
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION,
                           "the file system cannot hold a write-ahead log (a network file system?)");
    }
}

// SQLite does not wait here as elsewhere: when several processes create a database at once, some get BUSY immediately.
void wait_to_switch_to_wal(Session& session, const sdk::Call& call) {
    const std::int64_t until = session.busy_until_ns();
    for (;;) {
        const Session::Operation operation(session, call);
        try {
            return switch_to_wal(session);
        } catch (const sdk::Failure& failure) {
            if (failure.db_class != IMGSRV_DB_BUSY || sdk::monotonic_ns() >= until) throw;
        }
        call.throw_if_cancelled();
        std::this_thread::sleep_for(kSwitchRetry);
    }
}

}  // namespace

Database::Database(const sdk::Setup& setup) : settings_(read_settings(setup.config)) {
    if (sqlite3_libversion_number() < kOldestSqlite) {
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, std::string("SQLite ") + sqlite3_libversion() +
                                                           " is too old; 3.35 is the oldest that will do");
    }
    try {
        create_file(settings_.path);
        struct stat file {};
        if (stat(settings_.path.c_str(), &file) != 0) throw os_failure(errno, "look at the database file");
        if (!S_ISREG(file.st_mode)) throw bad_option("it is not a regular file");
        device_ = file.st_dev;
        inode_ = file.st_ino;

        anchor_ = std::make_unique<Session>(settings_);
        if (sqlite3_db_readonly(anchor_->db(), "main") != 0) {
            throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "the database file is write-protected")
                .with_db_class(IMGSRV_DB_READ_ONLY);
        }
        wait_to_switch_to_wal(*anchor_, setup.call);
    } catch (sdk::Failure& failure) {
        failure.message = "'" + settings_.path + "' (option 'path'): " + failure.message;
        throw;
    }
}

void Database::require_same_file() const {
    struct stat file {};
    if (stat(settings_.path.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_) return;
    throw sdk::Failure(IMGSRV_UNAVAILABLE,
                       "the database file was replaced or deleted while the server runs; restart it")
        .with_db_class(IMGSRV_DB_CONNECTION);
}

std::unique_ptr<Connection> Database::connect(const sdk::Call& call) {
    call.throw_if_cancelled();
    require_same_file();
    return std::make_unique<Connection>(settings_, writers_);
}

void Database::health(const sdk::Call& call) {
    require_same_file();
    std::lock_guard lock(anchor_mutex_);
    Session::Operation operation(*anchor_, call);
    anchor_->check();
    std::string_view tail;
    const StatementHandle query = anchor_->compile("SELECT count(*) FROM sqlite_schema", 0, tail);
    anchor_->step(query.get());
}

}  // namespace imgsrv::sqlite
