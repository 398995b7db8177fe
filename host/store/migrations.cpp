#include "store/migrations.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/log.h"
#include "core/sha256.h"
#include "store/repetition.h"

namespace imgsrv::store {
namespace {

constexpr int kAttempts = 20;

constexpr std::string_view kTable =
    "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
    "checksum TEXT NOT NULL, applied_us BIGINT NOT NULL)";

constexpr std::string_view kTableExists[] = {
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'",
    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = "
    "'schema_migrations'"};

Status read_applied(Transaction& tx, std::vector<AppliedMigration>& out) {
    out.clear();
    bool exists = false;
    IMGSRV_TRY(tx.query(kTableExists[static_cast<int>(tx.dialect())], {}, [&](const ports::Row& row) {
        exists = row.integer(0) > 0;
        return Status();
    }));
    if (!exists) return {};
    return tx.query("SELECT number, name, checksum, applied_us FROM schema_migrations ORDER BY number", {},
                    [&](const ports::Row& row) {
                        Columns c(row);
                        const int number = static_cast<int>(c.integer());
                        std::string name = c.text();
                        std::string checksum = c.text();
                        out.push_back({number, std::move(name), std::move(checksum), c.time()});
                        return Status();
                    });
}

Status check_history(const std::vector<AppliedMigration>& applied, const std::vector<Migration>& known) {
    for (const AppliedMigration& a : applied) {
        const auto it =
            std::find_if(known.begin(), known.end(), [&](const Migration& m) { return m.number == a.number; });
        if (it == known.end())
            return {Code::failed_precondition,
                    "the database has migration " + std::to_string(a.number) + " (" + a.name +
                        "), which this version of imgsrv does not know: it knows " + std::to_string(known.size()) +
                        ". The database is newer than the program; upgrade imgsrv or restore an older database"};
        if (it->checksum != a.checksum)
            return {Code::failed_precondition, "migration " + std::to_string(a.number) + " (" + a.name +
                                                   ") was changed after it was applied to this database"};
    }
    return {};
}

Status apply(ports::Connection& connection, const ports::Call& call, Dialect dialect, const Migration& m) {
    IMGSRV_TRY(connection.begin(call, ports::Access::write));
    Transaction tx(connection, call, dialect);
    const auto body = [&]() -> Status {
        IMGSRV_TRY(connection.script(call, m.sql));
        IMGSRV_ASSIGN(const Time now, tx.now());
        return tx
            .exec("INSERT INTO schema_migrations (number, name, checksum, applied_us) VALUES ($1, $2, $3, $4)",
                  {static_cast<std::int64_t>(m.number), m.name, m.checksum, param(now)})
            .status();
    };
    Status status = body();
    if (!status.ok()) {
        static_cast<void>(connection.rollback(call));
        return std::move(status).with_context("migration " + std::to_string(m.number) + " (" + m.name + ")");
    }
    return connection.commit(call).with_context("migration " + std::to_string(m.number) + " (" + m.name + ")");
}

// A node that still runs the previous version may be using the tables.
Status apply_in_time(ports::Connection& connection, const ports::Call& call, Dialect dialect, const Migration& m) {
    for (int n = 1;; ++n) {
        Status status = apply(connection, call, dialect, m);
        if (!asks_to_repeat(status) || n == kAttempts || call.cancelled()) return status;
        pause_before(n);
    }
}

}  // namespace

Result<std::vector<Migration>> load_migrations(const std::filesystem::path& directory, Dialect dialect) {
    const auto folder = directory / (dialect == Dialect::sqlite ? "sqlite" : "postgresql");
    std::vector<Migration> found;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ec)) {
        const std::string file = entry.path().filename().string();
        if (entry.path().extension() != ".sql") continue;
        if (file.size() < 10 || file[4] != '_' ||
            !std::all_of(file.begin(), file.begin() + 4, [](char c) { return c >= '0' && c <= '9'; }))
            return Status(Code::invalid_argument, "migration file '" + file + "' is not named NNNN_name.sql");
        std::ifstream in(entry.path(), std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        if (!in) return Status(Code::unavailable, "migration file '" + file + "' cannot be read");
        Migration m{std::stoi(file.substr(0, 4)), file.substr(5, file.size() - 9), "", text.str()};
        m.checksum = sha256_hex(m.sql);
        found.push_back(std::move(m));
    }
    if (ec || found.empty())
        return Status(Code::not_found, "there are no migrations in '" + folder.string() + "'" +
                                           (ec ? ": " + ec.message() : std::string()));
    std::sort(found.begin(), found.end(), [](const Migration& a, const Migration& b) { return a.number < b.number; });
    for (std::size_t i = 0; i < found.size(); ++i)
        if (found[i].number != static_cast<int>(i) + 1)
            return Status(Code::invalid_argument,
                          "migration numbers must be 1, 2, 3 … without gaps or duplicates; check number " +
                              std::to_string(i + 1));
    return found;
}

Result<std::vector<AppliedMigration>> applied_migrations(Pool& pool, const ports::Call& call) {
    return pool.read(call, [&](Transaction& tx) -> Result<std::vector<AppliedMigration>> {
        std::vector<AppliedMigration> applied;
        IMGSRV_TRY(read_applied(tx, applied));
        return applied;
    });
}

Result<int> migrate(Pool& pool, const ports::Call& call, const std::vector<Migration>& migrations) {
    // Usually there is nothing to do, so no lock is taken.
    IMGSRV_ASSIGN(auto applied, applied_migrations(pool, call));
    IMGSRV_TRY(check_history(applied, migrations));
    if (applied.size() == migrations.size()) return 0;

    int count = 0;
    IMGSRV_TRY(pool.with_connection(call, [&](ports::Connection& connection) -> Status {
        IMGSRV_TRY(connection.migration_lock(call));
        const auto locked = [&]() -> Status {
            IMGSRV_TRY(connection.script(call, kTable));
            IMGSRV_TRY(connection.begin(call, ports::Access::read));
            Transaction tx(connection, call, pool.dialect());
            const Status read = read_applied(tx, applied);
            static_cast<void>(connection.rollback(call));
            IMGSRV_TRY(read);
            IMGSRV_TRY(check_history(applied, migrations));
            for (std::size_t i = applied.size(); i < migrations.size(); ++i) {
                IMGSRV_TRY(apply_in_time(connection, call, pool.dialect(), migrations[i]));
                ++count;
                log::info("migration applied",
                          {{"number", std::int64_t{migrations[i].number}}, {"name", migrations[i].name}});
            }
            return {};
        };
        Status status = locked();
        const Status unlocked = connection.migration_unlock(call);
        return status.ok() ? unlocked : status;
    }));
    return count;
}

}  // namespace imgsrv::store
