#include <cstring>

#include "conformance/database_parts.h"

namespace imgsrv::conformance {
namespace {

void fresh_errors_tables(Link& link) {
    link.script(
        "DROP TABLE IF EXISTS conformance_child; DROP TABLE IF EXISTS conformance_parent;"
        "CREATE TABLE conformance_parent (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        "  size BIGINT CONSTRAINT conformance_size CHECK (size >= 0));"
        "CREATE TABLE conformance_child (id BIGINT PRIMARY KEY, parent BIGINT NOT NULL REFERENCES conformance_parent "
        "(id));"
        "INSERT INTO conformance_parent (id, name, size) VALUES (1, 'one', 1);"
        "INSERT INTO conformance_child (id, parent) VALUES (1, 1);");
}

void unique(Instance& instance) {
    Link link(instance);
    fresh_errors_tables(link);
    link.must_fail(IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE,
                   "INSERT INTO conformance_parent (id, name) VALUES (1, 'x')");
    const auto error = link.must_fail(IMGSRV_ALREADY_EXISTS, IMGSRV_DB_UNIQUE,
                                      "INSERT INTO conformance_parent (id, name) VALUES (2, 'one')");
    IMGSRV_EXPECT(error.native[0] != '\0');
    IMGSRV_EXPECT((error.flags & (IMGSRV_ERR_RETRYABLE | IMGSRV_ERR_OUTCOME_UNKNOWN)) == 0);
    IMGSRV_EXPECT(std::strstr(error.message, "'one'") == nullptr);  // values are not for the log
}

void foreign_key(Instance& instance) {
    Link link(instance);
    fresh_errors_tables(link);
    link.must_fail(IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_FOREIGN_KEY,
                   "INSERT INTO conformance_child (id, parent) VALUES (2, 99)");
    link.must_fail(IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_FOREIGN_KEY, "DELETE FROM conformance_parent");
}

void check_constraint(Instance& instance) {
    Link link(instance);
    fresh_errors_tables(link);
    const auto error = link.must_fail(IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_CHECK,
                                      "UPDATE conformance_parent SET size = $1", {integer(-1)});
    IMGSRV_EXPECT(std::strcmp(error.native, "conformance_size") == 0);
}

void not_null(Instance& instance) {
    Link link(instance);
    fresh_errors_tables(link);
    link.must_fail(IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_NOT_NULL, "UPDATE conformance_parent SET name = $1", {null()});
}

void trigger(Instance& instance) {
    Link link(instance);
    link.script(
        "DROP TABLE IF EXISTS conformance_frozen;" + std::string(link.dialect().drop_refusal) +
        "CREATE TABLE conformance_frozen (id BIGINT PRIMARY KEY); INSERT INTO conformance_frozen (id) VALUES (1);");
    link.script(link.dialect().refuse_updates);
    const auto error =
        link.must_fail(IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_CHECK, "UPDATE conformance_frozen SET id = 2");
    IMGSRV_EXPECT(std::strstr(error.message, "frozen rows do not change") != nullptr);
    IMGSRV_EXPECT(link.number("SELECT id FROM conformance_frozen") == 1);
}

void syntax(Instance& instance) {
    Link link(instance);
    for (const char* sql :
         {"SELEC 1", "SELECT * FROM conformance_missing", "SELECT missing FROM (SELECT 1 AS x) AS t"}) {
        const auto error = link.must_fail(IMGSRV_INTERNAL, IMGSRV_DB_SYNTAX, sql);
        IMGSRV_EXPECT((error.flags & IMGSRV_ERR_RETRYABLE) == 0);
    }
}

void health(Instance& instance) {
    IMGSRV_EXPECT(instance.component().health != nullptr);
    imgsrv_error error{};
    const Call call;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, instance.component().health(instance.self(), call.get(), &error));
}

}  // namespace

void add_error_checks(Suite& suite) {
    suite.insert(suite.end(), {{"D16", "UNIQUE, by key and by column", unique},
                               {"D16", "FOREIGN_KEY, from either side", foreign_key},
                               {"D16", "CHECK, with the name of the constraint", check_constraint},
                               {"D16", "NOT_NULL", not_null},
                               {"D16", "a trigger that refuses is CHECK, with its words", trigger},
                               {"D16", "SYNTAX", syntax},
                               {"D22", "health answers", health}});
}

}  // namespace imgsrv::conformance
