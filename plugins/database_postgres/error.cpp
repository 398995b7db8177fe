#include "error.h"

#include <cstring>
#include <utility>

namespace imgsrv::postgres {
namespace {

struct Meaning {
    const char* sqlstate;  // five characters, or the two of a whole class
    imgsrv_code code;
    std::int32_t db_class;
    bool retryable;
};

// PostgreSQL 15, appendix A. The first line that fits counts, so single states stand before their class.
constexpr Meaning kMeanings[] = {
    {"08P01", IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, false},  // values that do not fit the statement
    {"08", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, true},
    {"0A", IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, false},
    {"22", IMGSRV_INVALID_ARGUMENT, 0, false},
    {"23505", IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE, false},
    {"23P01", IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE, false},
    {"23503", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_FOREIGN_KEY, false},
    {"23001", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_FOREIGN_KEY, false},
    {"23502", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_NOT_NULL, false},
    {"23", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_CHECK, false},
    {"25006", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_READ_ONLY, false},
    {"25P02", IMGSRV_ABORTED, 0, false},
    {"25P03", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, true},  // idle in transaction for too long
    {"28", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, false},
    {"3D", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, false},
    {"40P01", IMGSRV_ABORTED, IMGSRV_DB_DEADLOCK, true},
    {"40", IMGSRV_ABORTED, IMGSRV_DB_SERIALIZATION, true},
    {"42501", IMGSRV_FAILED_PRECONDITION, 0, false},  // the role lacks a privilege: for the operator to fix
    {"42", IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, false},
    {"26", IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, false},
    {"53300", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, true},  // too many connections
    {"53", IMGSRV_RESOURCE_EXHAUSTED, 0, true},
    {"54", IMGSRV_OUT_OF_RANGE, 0, false},
    {"55P03", IMGSRV_UNAVAILABLE, IMGSRV_DB_BUSY, true},
    {"57014", IMGSRV_CANCELLED, 0, false},
    {"57", IMGSRV_UNAVAILABLE, IMGSRV_DB_CONNECTION, true},  // the server is shutting down, or not up yet
    {"58", IMGSRV_UNAVAILABLE, 0, true},
    {"P0001", IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_CHECK, false},  // RAISE EXCEPTION in a trigger
    {"XX001", IMGSRV_DATA_LOSS, 0, false},
    {"XX002", IMGSRV_DATA_LOSS, 0, false},
};

const Meaning& meaning_of(std::string_view sqlstate) {
    static constexpr Meaning kUnknown{"", IMGSRV_INTERNAL, 0, false};
    for (const Meaning& m : kMeanings)
        if (sqlstate.starts_with(m.sqlstate)) return m;
    return kUnknown;
}

std::string_view field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text ? std::string_view(text) : std::string_view();
}

}  // namespace

sdk::Failure sqlstate_failure(std::string_view sqlstate, std::string message) {
    const Meaning& m = meaning_of(sqlstate);
    return sdk::Failure(m.code, std::move(message))
        .with_db_class(m.db_class)
        .with_native(sqlstate)
        .with_retryable(m.retryable);
}

sdk::Failure server_failure(const PGresult* result, std::string_view doing) {
    const std::string_view sqlstate = field(result, PG_DIAG_SQLSTATE);
    std::string message(doing);
    message += ": ";
    // The primary text of class 22 quotes the value that did not fit; DETAIL, which quotes more, is never used.
    if (sqlstate.starts_with("22"))
        message += "a value does not fit where it was put (SQLSTATE " + std::string(sqlstate) + ")";
    else
        message += field(result, PG_DIAG_MESSAGE_PRIMARY);
    sdk::Failure failure = sqlstate_failure(sqlstate, std::move(message));
    const std::string_view constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
    if (!constraint.empty() && constraint.size() < sizeof(imgsrv_error::native)) failure.native = constraint;
    return failure;
}

sdk::Failure link_failure(std::string_view text) {
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    return sdk::Failure(IMGSRV_UNAVAILABLE, "PostgreSQL: " + std::string(text))
        .with_db_class(IMGSRV_DB_CONNECTION)
        .with_native("08006")
        .with_retryable();
}

sdk::Failure bad_statement(std::string message) {
    return sdk::Failure(IMGSRV_INTERNAL, std::move(message)).with_db_class(IMGSRV_DB_SYNTAX).with_native("42601");
}

}  // namespace imgsrv::postgres
