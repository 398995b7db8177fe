#include "error.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>
#include <utility>

namespace imgsrv::sqlite {
namespace {

struct Meaning {
    int rc;  // an extended result code, or a primary one that stands for all of its extended codes
    const char* name;
    imgsrv_code code;
    std::int32_t db_class;
    bool retryable;
};

// The first line that fits counts, so extended codes stand before their primary code.
constexpr Meaning kMeanings[] = {
    {SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE", IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE, false},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY", IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE, false},
    {SQLITE_CONSTRAINT_ROWID, "SQLITE_CONSTRAINT_ROWID", IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE, false},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_FOREIGN_KEY,
     false},
    {SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_NOT_NULL, false},
    {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_CHECK, false},
    {SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_CHECK, false},
    {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_CHECK, false},
    {SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT", IMGSRV_ABORTED, IMGSRV_DB_BUSY, true},
    {SQLITE_BUSY, "SQLITE_BUSY", IMGSRV_UNAVAILABLE, IMGSRV_DB_BUSY, true},
    {SQLITE_LOCKED, "SQLITE_LOCKED", IMGSRV_UNAVAILABLE, IMGSRV_DB_BUSY, true},
    {SQLITE_FULL, "SQLITE_FULL", IMGSRV_RESOURCE_EXHAUSTED, 0, true},
    {SQLITE_NOMEM, "SQLITE_NOMEM", IMGSRV_RESOURCE_EXHAUSTED, 0, true},
    {SQLITE_READONLY_DBMOVED, "SQLITE_READONLY_DBMOVED", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, false},
    {SQLITE_READONLY, "SQLITE_READONLY", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_READ_ONLY, false},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT", IMGSRV_DATA_LOSS, 0, false},
    {SQLITE_NOTADB, "SQLITE_NOTADB", IMGSRV_DATA_LOSS, 0, false},
    {SQLITE_IOERR_DATA, "SQLITE_IOERR_DATA", IMGSRV_DATA_LOSS, 0, false},
    {SQLITE_IOERR_CORRUPTFS, "SQLITE_IOERR_CORRUPTFS", IMGSRV_DATA_LOSS, 0, false},
    {SQLITE_IOERR, "SQLITE_IOERR", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, true},
    {SQLITE_CANTOPEN, "SQLITE_CANTOPEN", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, true},
    {SQLITE_PERM, "SQLITE_PERM", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, false},
    {SQLITE_PROTOCOL, "SQLITE_PROTOCOL", IMGSRV_UNAVAILABLE, IMGSRV_DB_BUSY, true},
    {SQLITE_INTERRUPT, "SQLITE_INTERRUPT", IMGSRV_CANCELLED, 0, false},
    {SQLITE_TOOBIG, "SQLITE_TOOBIG", IMGSRV_OUT_OF_RANGE, 0, false},
    {SQLITE_ERROR, "SQLITE_ERROR", IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, false},
};

const Meaning& meaning_of(int rc) {
    static constexpr Meaning kUnknown{0, "SQLITE", IMGSRV_INTERNAL, 0, false};
    for (const Meaning& m : kMeanings)
        if (m.rc == rc || m.rc == (rc & 0xFF)) return m;
    return kUnknown;
}

// "CHECK constraint failed: images_name" names the constraint, "UNIQUE constraint failed: images.name" its columns.
// Empty when it is an expression, as for a constraint without a name.
std::string_view constraint_name(std::string_view message) {
    const std::size_t at = message.find(": ");
    if (at == std::string_view::npos) return {};
    const std::string_view name = message.substr(at + 2);
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '.' || c == ',' || c == ' ';
    });
    return plain && !name.empty() && name.size() < sizeof(imgsrv_error::native) ? name : std::string_view();
}

}  // namespace

sdk::Failure busy() {
    return sdk::Failure(IMGSRV_UNAVAILABLE, "other writers held the database for all of busy_timeout")
        .with_db_class(IMGSRV_DB_BUSY)
        .with_native("SQLITE_BUSY")
        .with_retryable();
}

sdk::Failure bad_statement(std::string message) {
    return sdk::Failure(IMGSRV_INTERNAL, std::move(message)).with_db_class(IMGSRV_DB_SYNTAX);
}

sdk::Failure os_failure(int error, std::string_view doing) {
    sdk::Failure failure = sdk::errno_failure(error, doing);
    if (failure.code != IMGSRV_RESOURCE_EXHAUSTED) failure.code = IMGSRV_UNAVAILABLE;
    return failure;
}

sdk::Failure sqlite_failure(sqlite3* db, int rc, std::string_view doing) {
    const char* text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    const int primary = rc & 0xFF;
    const int os_error = db ? sqlite3_system_errno(db) : 0;
    const bool from_os = os_error != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN);

    std::string message(doing);
    message.append(": ").append(text);
    if (from_os) message.append(": ").append(std::generic_category().message(os_error));
    // A file that cannot grow is an I/O error to some paths of SQLite; the shared-memory index is one of them.
    if (from_os && (os_error == ENOSPC || os_error == EDQUOT))
        return sdk::Failure(IMGSRV_RESOURCE_EXHAUSTED, message).with_native("ENOSPC").with_retryable();
    const Meaning& m = meaning_of(rc);
    std::string_view native;
    if (primary == SQLITE_CONSTRAINT && rc != SQLITE_CONSTRAINT_TRIGGER) native = constraint_name(text);
    return sdk::Failure(m.code, message)
        .with_db_class(m.db_class)
        .with_native(native.empty() ? m.name : native)
        .with_retryable(m.retryable);
}

}  // namespace imgsrv::sqlite
