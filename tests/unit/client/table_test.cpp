#include "client/table.h"

#include <catch2/catch.hpp>

using imgsrv::client::Table;

TEST_CASE("columns are aligned by characters, empty cells show a dash") {
    Table table({"NAME", "TITLE", "SIZE"});
    CHECK(table.empty());
    table.add({"a", "Größe", "1"});
    table.add({"longer", "", "2"});
    CHECK(table.render() ==
          "NAME    TITLE  SIZE\n"
          "a       Größe  1\n"
          "longer  -      2\n");
    CHECK_FALSE(table.empty());
}
