#include "conformance/database_parts.h"

namespace imgsrv::conformance {
namespace {

constexpr const char* kCount = "SELECT count(*) FROM conformance_t";

void fresh_transactions_tables(Link& link) {
    make_table(link, "t", "id BIGINT PRIMARY KEY, n BIGINT NOT NULL");
}
void insert(Link& link, std::int64_t id) {
    link.change("INSERT INTO conformance_t (id, n) VALUES ($1, 0)", {integer(id)});
}

void connections_are_independent(Instance& instance) {
    Link a(instance);
    Link b(instance);
    fresh_transactions_tables(a);
    a.begin(IMGSRV_TX_READ);
    b.begin(IMGSRV_TX_READ);
    a.rollback();
    IMGSRV_EXPECT(b.number(kCount) == 0);
    b.commit();
}

void commit_is_seen_by_others(Instance& instance) {
    Link writer(instance);
    Link reader(instance);
    fresh_transactions_tables(writer);
    writer.begin(IMGSRV_TX_WRITE);
    insert(writer, 1);
    IMGSRV_EXPECT(writer.number(kCount) == 1);
    IMGSRV_EXPECT(reader.number(kCount) == 0);
    writer.commit();
    IMGSRV_EXPECT(reader.number(kCount) == 1);
    Link late(instance);
    IMGSRV_EXPECT(late.number(kCount) == 1);
}

void statement_alone_is_a_transaction(Instance& instance) {
    Link a(instance);
    Link b(instance);
    fresh_transactions_tables(a);
    insert(a, 1);
    IMGSRV_EXPECT(b.number(kCount) == 1);
    // A statement that fails half way leaves nothing: the third row breaks the key.
    a.must_fail(IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE,
                "INSERT INTO conformance_t (id, n) VALUES (2, 0), (3, 0), (1, 0)");
    IMGSRV_EXPECT(b.number(kCount) == 1);
}

void rollback_leaves_no_trace(Instance& instance) {
    Link link(instance);
    fresh_transactions_tables(link);
    link.begin(IMGSRV_TX_WRITE);
    insert(link, 1);
    link.rollback();
    IMGSRV_EXPECT(link.number(kCount) == 0);
    link.rollback();  // without a transaction it does nothing
    insert(link, 1);
    IMGSRV_EXPECT(link.number(kCount) == 1);
}

void disconnect_rolls_back(Instance& instance) {
    Link gone(instance);
    Link other(instance);
    fresh_transactions_tables(gone);
    gone.begin(IMGSRV_TX_WRITE);
    insert(gone, 1);
    gone.disconnect();
    other.begin(IMGSRV_TX_WRITE);  // and the writer's lock is free again
    IMGSRV_EXPECT(other.number(kCount) == 0);
    other.commit();
}

void read_sees_one_snapshot(Instance& instance) {
    Link reader(instance);
    Link writer(instance);
    fresh_transactions_tables(writer);
    reader.begin(IMGSRV_TX_READ);
    insert(writer, 1);  // after begin, before the first query: already too late to be seen
    IMGSRV_EXPECT(reader.number(kCount) == 0);
    insert(writer, 2);
    IMGSRV_EXPECT(reader.number(kCount) == 0);
    reader.commit();
    IMGSRV_EXPECT(reader.number(kCount) == 2);
}

void read_cannot_write(Instance& instance) {
    Link link(instance);
    fresh_transactions_tables(link);
    link.begin(IMGSRV_TX_READ);
    link.must_fail(IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_READ_ONLY, "INSERT INTO conformance_t (id, n) VALUES (1, 0)");
    link.rollback();
    IMGSRV_EXPECT(link.number(kCount) == 0);
}

void failure_ends_the_transaction(Instance& instance) {
    Link link(instance);
    fresh_transactions_tables(link);
    insert(link, 1);

    imgsrv_error error{};
    link.begin(IMGSRV_TX_WRITE);
    insert(link, 2);
    link.must_fail(IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE, "INSERT INTO conformance_t (id, n) VALUES (1, 0)");
    IMGSRV_EXPECT_CODE(IMGSRV_ABORTED, error, link.query(kCount, {}, &error));
    const std::string sql = "DELETE FROM conformance_t;";
    IMGSRV_EXPECT_CODE(IMGSRV_ABORTED, error,
                       link.table().script(link.raw(), link.call(), {sql.data(), sql.size()}, &error));
    link.rollback();
    IMGSRV_EXPECT(link.number(kCount) == 1);

    // commit() instead of rollback() says so, and ends it as well.
    link.begin(IMGSRV_TX_WRITE);
    insert(link, 2);
    link.must_fail(IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE, "INSERT INTO conformance_t (id, n) VALUES (1, 0)");
    IMGSRV_EXPECT_CODE(IMGSRV_ABORTED, error, link.table().commit(link.raw(), link.call(), &error));
    IMGSRV_EXPECT(link.number(kCount) == 1);
    link.begin(IMGSRV_TX_WRITE);
    insert(link, 2);
    link.commit();
    IMGSRV_EXPECT(link.number(kCount) == 2);
}

void calls_out_of_turn_are_refused(Instance& instance) {
    Link link(instance);
    fresh_transactions_tables(link);
    imgsrv_error error{};
    const auto& db = link.table();
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, db.commit(link.raw(), link.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, db.begin(link.raw(), link.call(), 77, &error));
    link.begin(IMGSRV_TX_WRITE);
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, db.begin(link.raw(), link.call(), IMGSRV_TX_READ, &error));
    insert(link, 1);  // the transaction does not mind
    link.commit();
    IMGSRV_EXPECT(link.number(kCount) == 1);
}

void transactions_have_their_own_calls(Instance& instance) {
    Link link(instance);
    fresh_transactions_tables(link);
    for (const char* sql : {"BEGIN", "  commit", "/* x */ ROLLBACK", "-- x\nSAVEPOINT s"}) {
        link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, sql);
    }
    link.begin(IMGSRV_TX_WRITE);
    insert(link, 1);
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, "COMMIT");
    link.rollback();
    IMGSRV_EXPECT(link.number(kCount) == 0);
}

void reset_makes_it_new(Instance& instance) {
    Link link(instance);
    Link other(instance);
    fresh_transactions_tables(link);
    imgsrv_error error{};
    const auto& db = link.table();

    link.begin(IMGSRV_TX_WRITE);
    insert(link, 1);
    OpenRows rows(link, kCount);
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.reset(link.raw(), link.call(), &error));
    error = {};
    IMGSRV_EXPECT(rows.next(&error) < 0);  // its transaction is gone, and it knows
    rows.close();
    other.begin(IMGSRV_TX_WRITE);
    IMGSRV_EXPECT(other.number(kCount) == 0);
    other.commit();

    link.begin(IMGSRV_TX_WRITE);
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, "SELECT 1 FRM nothing");
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.reset(link.raw(), link.call(), &error));
    insert(link, 1);
    IMGSRV_EXPECT(link.number(kCount) == 1);

    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.migration_lock(link.raw(), link.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.reset(link.raw(), link.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.migration_lock(other.raw(), other.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.migration_unlock(other.raw(), other.call(), &error));
}

}  // namespace

void add_transaction_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"D1", "connections are independent of each other", connections_are_independent},
                  {"D2", "a commit is seen by every later transaction", commit_is_seen_by_others},
                  {"D2", "a statement alone is a transaction of its own", statement_alone_is_a_transaction},
                  {"D3", "a rollback leaves no trace", rollback_leaves_no_trace},
                  {"D3", "disconnect rolls back", disconnect_rolls_back},
                  {"D4", "a read transaction sees the snapshot that begin took", read_sees_one_snapshot},
                  {"D4", "a read transaction cannot write", read_cannot_write},
                  {"D6", "a failed statement leaves only rollback", failure_ends_the_transaction},
                  {"D7", "calls out of turn are refused and harm nothing", calls_out_of_turn_are_refused},
                  {"D7", "no statement begins or ends a transaction", transactions_have_their_own_calls},
                  {"D8", "reset makes a used connection a new one", reset_makes_it_new}});
}

}  // namespace imgsrv::conformance
