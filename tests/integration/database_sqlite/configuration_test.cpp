#include <catch2/catch.hpp>
#include <fstream>

#include "database_file.h"

using namespace imgsrv::conformance;

namespace {

std::string refusal(Settings settings) {
    try {
        Instance instance(sqlite_component(), std::move(settings));
    } catch (const LoadError& e) {
        return e.what();
    }
    return "";
}

imgsrv_code health(const Instance& instance, imgsrv_error& error) {
    const Call call;
    error = {};
    return instance.component().health(instance.self(), call.get(), &error);
}

}  // namespace

TEST_CASE("a path that cannot work is refused with the name of the option") {
    const Folder folder;
    CHECK_THAT(refusal(settings_for(folder.file("missing/x.db"))),
               Catch::Contains("path") && Catch::Contains("missing") && Catch::Contains("create it first"));
    CHECK_THAT(refusal(settings_for(folder.path())), Catch::Contains("path") && Catch::Contains("regular file"));
    CHECK_THAT(refusal(settings_for(folder.path() + "/")), Catch::Contains("does not name a file"));

    std::ofstream(folder.file("text.db")) << std::string(5000, 'x');
    CHECK_THAT(refusal(settings_for(folder.file("text.db"))), Catch::Contains("not a database"));
}

TEST_CASE("a durability that would lose commits is refused") {
    const Folder folder;
    auto settings = settings_for(folder.file("x.db"));
    settings.add("synchronous", "off");
    CHECK_THAT(refusal(settings), Catch::Contains("synchronous") && Catch::Contains("FULL"));
}

TEST_CASE("every connection is set up for durability and strictness") {
    const Folder folder;
    Instance instance(sqlite_component(), settings_for(folder.file("x.db")));
    Link link(instance);
    CHECK(link.number("PRAGMA synchronous") == 2);
    CHECK(link.number("PRAGMA foreign_keys") == 1);
    CHECK(link.number("PRAGMA recursive_triggers") == 1);
    CHECK(link.number("PRAGMA trusted_schema") == 0);
    CHECK(link.read("PRAGMA journal_mode")[0][0] == text("wal"));

    struct stat file {};
    REQUIRE(::stat(folder.file("x.db").c_str(), &file) == 0);
    CHECK((file.st_mode & 0777) == 0600);
    link.script("CREATE TABLE t (id BIGINT)");
    REQUIRE(::stat(folder.file("x.db-wal").c_str(), &file) == 0);
    CHECK((file.st_mode & 0777) == 0600);
}

TEST_CASE("INSERT OR REPLACE does not bypass a trigger that forbids deletion") {
    const Folder folder;
    Instance instance(sqlite_component(), settings_for(folder.file("x.db")));
    Link link(instance);
    link.script(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, s TEXT); INSERT INTO t VALUES (1, 'kept');"
        "CREATE TRIGGER t_kept BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'kept'); END;");
    link.must_fail(IMGSRV_FAILED_PRECONDITION, IMGSRV_DB_CHECK, "INSERT OR REPLACE INTO t VALUES (1, 'lost')");
    CHECK(link.read("SELECT s FROM t")[0][0] == text("kept"));
}

TEST_CASE("every connection notices that a database file in use was replaced") {
    const Folder folder;
    const std::string path = folder.file("x.db");
    Instance instance(sqlite_component(), settings_for(path));
    Link link(instance);
    link.script("CREATE TABLE t (id BIGINT)");
    imgsrv_error error{};
    REQUIRE(health(instance, error) == IMGSRV_OK);

    SECTION("deleted") {
        std::filesystem::remove(path);
    }
    SECTION("replaced") {
        std::filesystem::copy_file(path, folder.file("copy.db"));
        std::filesystem::rename(folder.file("copy.db"), path);
    }

    CHECK(health(instance, error) == IMGSRV_UNAVAILABLE);
    CHECK_THAT(error.message, Catch::Contains("replaced"));
    CHECK(link.table().begin(link.raw(), link.call(), IMGSRV_TX_WRITE, &error) == IMGSRV_UNAVAILABLE);
    CHECK(link.table().reset(link.raw(), link.call(), &error) == IMGSRV_UNAVAILABLE);
    CHECK(error.db_class == IMGSRV_DB_CONNECTION);
    void* conn = nullptr;
    CHECK(link.table().connect(instance.self(), link.call(), &conn, &error) == IMGSRV_UNAVAILABLE);
}

TEST_CASE("a damaged file is data loss, not a syntax error") {
    const Folder folder;
    const std::string path = folder.file("x.db");
    {
        Instance instance(sqlite_component(), settings_for(path));
        Link link(instance);
        link.script("CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)");
        for (int i = 0; i < 200; ++i) link.change("INSERT INTO t (s) VALUES ($1)", {text(std::string(500, 'x'))});
    }
    {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        file << std::string(40960, '\xA5');
    }
    Instance instance(sqlite_component(), settings_for(path));
    Link link(instance);
    link.must_fail(IMGSRV_DATA_LOSS, 0, "SELECT count(*), max(s) FROM t");
}

TEST_CASE("a relative path stays the same file when the process moves") {
    const Folder folder;
    const std::string before = std::filesystem::current_path().string();
    std::filesystem::current_path(folder.path());
    Instance instance(sqlite_component(), settings_for("x.db"));
    std::filesystem::current_path(before);
    Link link(instance);
    link.script("CREATE TABLE t (id BIGINT)");
    imgsrv_error error{};
    CHECK(link.table().migration_lock(link.raw(), link.call(), &error) == IMGSRV_OK);
    CHECK(std::filesystem::exists(folder.file("x.db")));
    CHECK(std::filesystem::exists(folder.file("x.db.migrate")));
}
