#include "conformance/database_parts.h"

namespace imgsrv::conformance {
namespace {

void fresh_statements_tables(Link& link) {
    make_table(link, "t", "id BIGINT PRIMARY KEY, n BIGINT NOT NULL, s TEXT");
}

void parameters_by_number(Instance& instance) {
    Link link(instance);
    const auto rows = link.read(
        "SELECT CAST($2 AS TEXT), CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS BIGINT) + CAST($1 AS BIGINT)",
        {integer(7), text("two"), integer(3)});
    IMGSRV_EXPECT((rows == std::vector<Values>{{text("two"), integer(7), text("two"), integer(10)}}));

    std::string sum = "SELECT CAST($1 AS BIGINT)";
    Values numbers{integer(1)};
    for (int i = 2; i <= 100; ++i) {
        sum += " + CAST($" + std::to_string(i) + " AS BIGINT)";
        numbers.push_back(integer(i));
    }
    IMGSRV_EXPECT(link.number(sum, numbers) == 5050);
}

void parameters_in_text_are_text(Instance& instance) {
    Link link(instance);
    const auto rows = link.read(link.dialect().quoted_dollar);
    IMGSRV_EXPECT(rows.size() == 1 && rows[0].size() >= 2);
    IMGSRV_EXPECT(rows[0][0] == text("$1"));
    IMGSRV_EXPECT(rows[0][1] == text("it's $2"));
    const auto mixed = link.read("SELECT CAST($1 AS TEXT), '$1', '$2'", {text("x'; DROP TABLE y; --")});
    IMGSRV_EXPECT((mixed == std::vector<Values>{{text("x'; DROP TABLE y; --"), text("$1"), text("$2")}}));
}

void parameters_are_counted(Instance& instance) {
    Link link(instance);
    const char* const two = "SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT)";
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, two, {integer(1)});
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, two, {integer(1), integer(2), integer(3)});
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, two);
    IMGSRV_EXPECT((link.read(two, {integer(1), integer(2)}) == std::vector<Values>{{integer(1), integer(2)}}));
}

void one_statement_a_query(Instance& instance) {
    Link link(instance);
    fresh_statements_tables(link);
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, "SELECT 1; DELETE FROM conformance_t");
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, "");
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, " -- nothing\n");
    IMGSRV_EXPECT(link.number("SELECT CAST(5 AS BIGINT); -- the end\n") == 5);
}

void changed_rows_are_counted(Instance& instance) {
    Link link(instance);
    fresh_statements_tables(link);
    IMGSRV_EXPECT(link.change("INSERT INTO conformance_t (id, n) VALUES (1, 0), (2, 0), (3, 0)") == 3);
    IMGSRV_EXPECT(link.change("UPDATE conformance_t SET n = 1 WHERE id > 1") == 2);
    IMGSRV_EXPECT(link.change("UPDATE conformance_t SET n = 1 WHERE id > 1") == 2);  // matched, though nothing differs
    IMGSRV_EXPECT(link.change("UPDATE conformance_t SET n = 1 WHERE id > 9") == 0);
    IMGSRV_EXPECT(link.change("CREATE INDEX conformance_t_n ON conformance_t (n)") == 0);
    IMGSRV_EXPECT(link.change("SELECT id FROM conformance_t") == 0);
    IMGSRV_EXPECT(link.change("INSERT INTO conformance_t (id, n) VALUES (1, 5) ON CONFLICT (id) DO NOTHING") == 0);
    IMGSRV_EXPECT(link.change("INSERT INTO conformance_t (id, n) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = 5") ==
                  1);
    IMGSRV_EXPECT(link.change("DELETE FROM conformance_t WHERE n = 1") == 2);
    IMGSRV_EXPECT(link.number("SELECT n FROM conformance_t") == 5);
}

void returning_gives_rows(Instance& instance) {
    Link link(instance);
    fresh_statements_tables(link);
    imgsrv_error error{};
    std::vector<Values> rows;
    std::uint64_t affected = 0;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error,
                       link.query("INSERT INTO conformance_t (id, n, s) VALUES ($1, 1, $2), (2, 2, $2) RETURNING id, s",
                                  {integer(1), text("a")}, &error, nullptr, &rows, &affected));
    IMGSRV_EXPECT((rows == std::vector<Values>{{integer(1), text("a")}, {integer(2), text("a")}}));
    IMGSRV_EXPECT(affected == 2);
    IMGSRV_EXPECT(link.read("DELETE FROM conformance_t WHERE id = 99 RETURNING id").empty());
    // The change is made, read or not.
    { OpenRows unread(link, "UPDATE conformance_t SET n = n + 10 RETURNING n"); }
    Link other(instance);
    IMGSRV_EXPECT(other.number("SELECT CAST(sum(n) AS BIGINT) FROM conformance_t") == 23);
}

void rows_come_one_by_one(Instance& instance) {
    Link link(instance);
    fresh_statements_tables(link);
    const auto& db = link.table();
    imgsrv_error error{};
    imgsrv_value value{};
    link.change("INSERT INTO conformance_t (id, n, s) VALUES (1, 10, 'x'), (2, 20, NULL)");
    {
        OpenRows rows(link, "SELECT id, s FROM conformance_t ORDER BY id");
        IMGSRV_EXPECT(db.row_width(rows.raw()) == 2);
        IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, db.row_get(rows.raw(), 0, &value, &error));
        IMGSRV_EXPECT(rows.next(&error) == 1);
        IMGSRV_EXPECT(rows.get(1) == text("x"));
        IMGSRV_EXPECT(rows.get(0) == integer(1));
        IMGSRV_EXPECT(rows.get(1) == text("x"));
        IMGSRV_EXPECT_CODE(IMGSRV_OUT_OF_RANGE, error, db.row_get(rows.raw(), 2, &value, &error));
        IMGSRV_EXPECT(rows.next(&error) == 1);
        IMGSRV_EXPECT(rows.get(1) == null());
        IMGSRV_EXPECT(rows.next(&error) == 0);
        IMGSRV_EXPECT(rows.next(&error) == 0);
        IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, db.row_get(rows.raw(), 0, &value, &error));
    }
    OpenRows none(link, "SELECT id FROM conformance_t WHERE id = 99");
    IMGSRV_EXPECT(none.raw() != nullptr && db.row_width(none.raw()) == 1);
    IMGSRV_EXPECT(none.next(&error) == 0);
    none.close();
    IMGSRV_EXPECT(link.open("UPDATE conformance_t SET n = 0") == nullptr);
}

void one_result_at_a_time(Instance& instance) {
    Link link(instance);
    fresh_statements_tables(link);
    link.change("INSERT INTO conformance_t (id, n) VALUES (1, 0), (2, 0)");
    imgsrv_error error{};
    link.begin(IMGSRV_TX_WRITE);
    {
        OpenRows rows(link, "SELECT id FROM conformance_t ORDER BY id");
        IMGSRV_EXPECT(rows.next(&error) == 1);
        IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, link.query("SELECT 1", {}, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, link.table().commit(link.raw(), link.call(), &error));
        IMGSRV_EXPECT(rows.next(&error) == 1);  // and it goes on
        IMGSRV_EXPECT(rows.get(0) == integer(2));
    }
    link.change("UPDATE conformance_t SET n = 1");
    link.commit();

    link.begin(IMGSRV_TX_READ);
    OpenRows rows(link, "SELECT id FROM conformance_t ORDER BY id");
    IMGSRV_EXPECT(rows.next(&error) == 1);
    link.rollback();
    error = {};
    IMGSRV_EXPECT(rows.next(&error) == -IMGSRV_ABORTED);
    rows.close();
    IMGSRV_EXPECT(link.number("SELECT CAST(sum(n) AS BIGINT) FROM conformance_t") == 2);
}

void many_rows(Instance& instance) {
    Link link(instance);
    imgsrv_error error{};
    OpenRows rows(link,
                  "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
                  "SELECT i FROM n");
    std::int64_t sum = 0;
    std::int64_t count = 0;
    while (rows.next(&error) == 1) {
        sum += rows.get(0).i;
        ++count;
    }
    IMGSRV_EXPECT(count == 100000 && sum == 5000050000);
}

void statements_are_reused(Instance& instance) {
    Link link(instance);
    fresh_statements_tables(link);
    const std::string insert = "INSERT INTO conformance_t (id, n, s) VALUES ($1, $2, $3)";
    for (std::int64_t i = 0; i < 300; ++i) {
        link.change(insert, {integer(i), integer(i), i % 2 == 0 ? null() : text(std::to_string(i))});
        // More texts than any cache of statements holds.
        IMGSRV_EXPECT(link.number("SELECT n FROM conformance_t WHERE id = $1 AND n <> -" + std::to_string(i + 1),
                                  {integer(i)}) == i);
    }
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_t WHERE s IS NULL") == 150);
    link.must_fail(IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE, insert, {integer(1), integer(1), null()});
    link.change(insert, {integer(1000), integer(1), null()});  // a failed run does not spoil the statement

    // Nor does a table that changes under it, changed by this connection or by another.
    const std::string all = "SELECT * FROM conformance_t WHERE id = $1";
    IMGSRV_EXPECT(link.read(all, {integer(1)})[0].size() == 3);
    link.script("ALTER TABLE conformance_t ADD COLUMN extra TEXT");
    IMGSRV_EXPECT(link.read(all, {integer(1)})[0].size() == 4);
    Link other(instance);
    other.script("ALTER TABLE conformance_t ADD COLUMN more TEXT");
    IMGSRV_EXPECT(link.read(all, {integer(1)})[0].size() == 5);
    other.script("DROP TABLE conformance_t");
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, all, {integer(1)});
}

void scripts_run_whole(Instance& instance) {
    Link link(instance);
    link.script("DROP TABLE IF EXISTS conformance_frozen;" + std::string(link.dialect().drop_refusal));
    link.begin(IMGSRV_TX_WRITE);
    link.script(std::string("-- a comment; with a semicolon\n"
                            "CREATE TABLE conformance_frozen (id BIGINT PRIMARY KEY, s TEXT DEFAULT 'a;b');\n"
                            "INSERT INTO conformance_frozen (id) VALUES (1); ;\n") +
                link.dialect().refuse_updates + "\nINSERT INTO conformance_frozen (id, s) VALUES (2, '$1; --');\n");
    link.commit();
    IMGSRV_EXPECT((link.read("SELECT s FROM conformance_frozen ORDER BY id") ==
                   std::vector<Values>{{text("a;b")}, {text("$1; --")}}));
    link.script("");
    link.script("  -- nothing\n");

    // In a transaction a script is all or nothing, its tables included.
    imgsrv_error error{};
    const std::string broken =
        "CREATE TABLE conformance_never (id BIGINT); INSERT INTO conformance_frozen (id) VALUES (3);"
        " INSERT INTO conformance_frozen (id) VALUES (1); DELETE FROM conformance_frozen;";
    link.begin(IMGSRV_TX_WRITE);
    IMGSRV_EXPECT_CODE(IMGSRV_ALREADY_EXISTS, error,
                       link.table().script(link.raw(), link.call(), {broken.data(), broken.size()}, &error));
    IMGSRV_EXPECT(error.db_class == IMGSRV_DB_UNIQUE);
    link.rollback();
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_frozen") == 2);
    link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, "SELECT id FROM conformance_never");
}

}  // namespace

void add_statement_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"D9", "parameters are found by number, repeated ones too", parameters_by_number},
                  {"D9", "$1 in a literal, a name or a comment is none", parameters_in_text_are_text},
                  {"D9", "the number of parameters must fit", parameters_are_counted},
                  {"D10", "a query is exactly one statement", one_statement_a_query},
                  {"D11", "changed rows are counted", changed_rows_are_counted},
                  {"D11", "RETURNING gives rows, and changes whether they are read or not", returning_gives_rows},
                  {"D12", "rows are read one by one", rows_come_one_by_one},
                  {"D12", "a connection has one open result at a time", one_result_at_a_time},
                  {"D12", "a result of 100,000 rows", many_rows},
                  {"D13", "a text may be run again and again", statements_are_reused},
                  {"D14", "a script runs whole, triggers included", scripts_run_whole}});
}

}  // namespace imgsrv::conformance
