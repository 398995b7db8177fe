// database.h - components of kind IMGSRV_KIND_DATABASE: drivers of SQL databases. The host owns every statement, the
// migrations, the pool of connections and the retries, per dialect; a driver carries statements and values, and tells
// errors apart. The rules D1 and following of sdk/ABI.md apply.
#ifndef IMGSRV_DATABASE_H
#define IMGSRV_DATABASE_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

// imgsrv_error.db_class: what kind of refusal it was. Rule D16 says which code goes with which class.
enum {
    IMGSRV_DB_UNIQUE = 1,
    IMGSRV_DB_FOREIGN_KEY,
    IMGSRV_DB_CHECK,  // a CHECK, or a trigger that refuses; the message has the trigger's words
    IMGSRV_DB_NOT_NULL,
    IMGSRV_DB_SERIALIZATION,  // the same transaction may succeed when it is run again
    IMGSRV_DB_DEADLOCK,       // likewise
    IMGSRV_DB_BUSY,           // other writers did not make room in time
    IMGSRV_DB_CONNECTION,     // the link is dead: the connection is only good for disconnect()
    IMGSRV_DB_READ_ONLY,
    IMGSRV_DB_SYNTAX  // the statement is wrong: a bug of the host
};

enum {
    IMGSRV_VAL_NULL = 0,
    IMGSRV_VAL_INT,     // u.i
    IMGSRV_VAL_DOUBLE,  // u.d
    IMGSRV_VAL_BOOL,    // u.i, 0 or 1; may come back as IMGSRV_VAL_INT where the dialect has no boolean
    IMGSRV_VAL_TEXT,    // u.s, UTF-8 without NUL
    IMGSRV_VAL_BLOB     // u.s, any bytes
};

// A parameter or a column. Frozen.
typedef struct imgsrv_value {
    int32_t type;  // IMGSRV_VAL_*
    int32_t reserved;
    union {
        int64_t i;
        double d;
        imgsrv_str s;
    } u;
} imgsrv_value;

#define IMGSRV_DB_FEATURE_SKIP_LOCKED 1ull         // SELECT … FOR UPDATE SKIP LOCKED
#define IMGSRV_DB_FEATURE_CONCURRENT_WRITERS 2ull  // two WRITE transactions may be open at once

enum {
    IMGSRV_TX_READ = 0,  // one snapshot, taken by begin() itself; writes nothing
    IMGSRV_TX_WRITE = 1  // takes the writer's lock at once where there is one (BEGIN IMMEDIATE)
};

// All functions are mandatory. `conn` and `rows` are handles; `self` is used by several threads at once.
// A statement, and every wait for a lock, ends within a second of the call's deadline or cancellation.
typedef struct imgsrv_database {
    uint32_t struct_size;
    uint32_t reserved;
    const char* dialect;  // "sqlite", "postgresql": names the folder of migrations
    uint64_t features;    // IMGSRV_DB_FEATURE_*

    // Opens a connection; *ret_conn is not NULL. [worker]
    imgsrv_code (*connect)(void* self, const imgsrv_call* call, void** ret_conn, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // Ends it, and an open transaction with it, without a trace. Its rows are closed. [handle]
    void (*disconnect)(void* conn) IMGSRV_NOEXCEPT;
    // Makes it what connect() gave: no transaction, no rows, no migration lock. Fails with class CONNECTION when the
    // link is dead. [handle]
    imgsrv_code (*reset)(void* conn, const imgsrv_call* call, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // mode: IMGSRV_TX_READ or IMGSRV_TX_WRITE. Refused when a transaction is open. [handle]
    imgsrv_code (*begin)(void* conn, const imgsrv_call* call, int32_t mode, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // The commit point: when it returns OK the transaction survives a crash of everything. When it fails nothing of it
    // is applied; with IMGSRV_ERR_OUTCOME_UNKNOWN that is not known. It is over either way. [handle]
    imgsrv_code (*commit)(void* conn, const imgsrv_call* call, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // OK without a transaction too. Carried out even when the call is spent. [handle]
    imgsrv_code (*rollback)(void* conn, const imgsrv_call* call, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Statements one after another, no parameters, no results; for migrations. [handle]
    imgsrv_code (*script)(void* conn, const imgsrv_call* call, imgsrv_str sql, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // One statement; its parameters are $1 to $n in every dialect. The driver may keep prepared statements by text.
    // params may be NULL when n is 0. *ret_affected: rows inserted, updated or deleted. *ret_rows: the result, to be
    // closed with rows_close() before the next statement; NULL for a statement without columns. [handle]
    imgsrv_code (*query)(void* conn, const imgsrv_call* call, imgsrv_str sql, const imgsrv_value* params, size_t n,
                         void** ret_rows, uint64_t* ret_affected, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // Moves to the first or next row: 1; 0 at the end, again and again; minus a code on failure. [handle]
    int32_t (*row_next)(void* rows, const imgsrv_call* call, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // Columns of each row. [handle]
    size_t (*row_width)(void* rows) IMGSRV_NOEXCEPT;
    // The value in column `col`, from 0. Text and blobs are borrowed until row_next() or rows_close(). [handle]
    imgsrv_code (*row_get)(void* rows, size_t col, imgsrv_value* ret, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // [handle]
    void (*rows_close)(void* rows) IMGSRV_NOEXCEPT;

    // Waits for, and takes, the one lock that processes migrate under; it dies with its holder. [handle]
    imgsrv_code (*migration_lock)(void* conn, const imgsrv_call* call, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // Carried out even when the call is spent. [handle]
    imgsrv_code (*migration_unlock)(void* conn, const imgsrv_call* call, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Ends what runs or waits on the connection with CANCELLED; no effect when nothing does, nor on what comes after.
    // (sqlite3_interrupt, PQcancel.) [any], but not during or after disconnect()
    void (*interrupt)(void* conn) IMGSRV_NOEXCEPT;
} imgsrv_database;

#ifdef __cplusplus
}
#endif
#endif
