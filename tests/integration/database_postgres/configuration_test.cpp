#include <catch2/catch.hpp>

#include "server.h"

using namespace imgsrv::conformance;

namespace {

std::string refusal(const std::string& url, const char* isolation = nullptr) {
    auto settings = settings_for(url);
    if (isolation != nullptr) settings.add("isolation", isolation);
    try {
        Instance instance(postgres_component(), settings);
    } catch (const LoadError& e) {
        return e.what();
    }
    return "";
}

// What an operator reads when the server cannot be used. It must be an error, and must not contain a secret.
std::string connect_failure(const std::string& url) {
    Instance instance(postgres_component(), settings_for(url));
    const auto& table = *static_cast<const imgsrv_database*>(instance.component().vtable);
    Call call;
    call.limit(std::chrono::seconds(10));
    imgsrv_error error{};
    void* conn = nullptr;
    CHECK(table.connect(instance.self(), call.get(), &conn, &error) == IMGSRV_UNAVAILABLE);
    CHECK(error.db_class == IMGSRV_DB_CONNECTION);
    const std::string message = error.message;
    CHECK(health(instance, error) == IMGSRV_UNAVAILABLE);
    return message;
}

}  // namespace

TEST_CASE("a wrong URL is refused without quoting it") {
    for (const char* url : {"", "nonsense", "host=localhost password=geheim", "mysql://u:geheim@h/d",
                            "postgresql://u:geheim@[::1/d", "postgresql://h/d?geheim"}) {
        CAPTURE(url);
        const auto text = refusal(url);
        CHECK_THAT(text, Catch::Contains("option 'url'"));
        CHECK_THAT(text, !Catch::Contains("geheim"));
    }
    CHECK_THAT(refusal(server_url(), "read-committed"), Catch::Contains("isolation"));
    CHECK(refusal(server_url(), "repeatable-read").empty());
}

TEST_CASE("an unusable server is described so that an operator can act") {
    const std::string locked = server_variable("IMGSRV_TEST_POSTGRES_LOCKED");
    const auto wrong = connect_failure("postgresql://locked:geheim@" + locked + "/test");
    CHECK_THAT(wrong, Catch::Contains("password authentication failed") && Catch::Contains("locked"));
    CHECK_THAT(wrong, !Catch::Contains("geheim"));
    CHECK_THAT(connect_failure("postgresql://postgres@" + locked + "/nowhere"),
               Catch::Contains("\"nowhere\" does not exist"));
    CHECK_THAT(connect_failure("postgresql://postgres@127.0.0.1:1/test"), Catch::Contains("refused"));
    CHECK_THAT(connect_failure("postgresql://postgres@no-such-host.invalid/test"),
               Catch::Contains("no-such-host.invalid"));
    // The message repeats the user's name; if that is also the password, it is redacted.
    CHECK_THAT(connect_failure("postgresql://nobody:nobody@" + locked + "/test"), !Catch::Contains("nobody"));
}

TEST_CASE("the right password opens") {
    Instance instance(postgres_component(), settings_for("postgresql://locked:right@" +
                                                         server_variable("IMGSRV_TEST_POSTGRES_LOCKED") + "/test"));
    imgsrv_error error{};
    CHECK(health(instance, error) == IMGSRV_OK);
    CHECK(Link(instance).read("SELECT CAST(current_user AS TEXT)")[0][0] == text("locked"));
}

TEST_CASE("TLS is chosen by the URL") {
    Instance instance(postgres_component(), settings_for(server_url() + "?sslmode=require"));
    CHECK(Link(instance).read("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0][0] == boolean(true));
    CHECK_THAT(connect_failure(server_url() + "?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"),
               Catch::Contains("certificate"));
}

TEST_CASE("a session commits durably even if that is not the server's default") {
    Instance instance(postgres_component(), settings_for(server_url()));
    Link link(instance);
    CHECK(link.read("SELECT setting FROM pg_settings WHERE name = 'synchronous_commit'")[0][0] == text("on"));
    CHECK(link.read("SELECT setting FROM pg_settings WHERE name = 'application_name'")[0][0] == text("imgsrv"));
}

TEST_CASE("columns of types without a native form arrive as text") {
    Instance instance(postgres_component(), settings_for(server_url()));
    Link link(instance);
    CHECK((
        link.read("SELECT 1.50::numeric, '\\x00ff'::bytea, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid,"
                  " '2024-02-29 12:00:00+00'::timestamptz, 7::smallint, 0.5::real, '{\"a\": 1}'::jsonb") ==
        std::vector<Values>{{text("1.50"), blob(std::string("\0\xff", 2)), text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
                             text("2024-02-29 12:00:00+00"), integer(7), real(0.5), text("{\"a\": 1}")}}));
    CHECK(
        (link.read("SELECT '\\x00ff'::bytea, 7::smallint, 8::int, 9::bigint, -1::bigint, 0.5::real, true, 't'::text") ==
         std::vector<Values>{{blob(std::string("\0\xff", 2)), integer(7), integer(8), integer(9), integer(-1),
                              real(0.5), boolean(true), text("t")}}));
}

TEST_CASE("a table that changes under a transaction asks for the transaction to be repeated") {
    Instance instance(postgres_component(), settings_for(server_url()));
    Link link(instance);
    Link other(instance);
    make_table(link, "t", "id BIGINT PRIMARY KEY");
    const std::string all = "SELECT * FROM conformance_t";
    CHECK(link.read(all).empty());
    other.script("ALTER TABLE conformance_t ADD COLUMN extra TEXT");
    int runs = 0;
    link.write([&] {
        ++runs;
        link.read(all);
    });
    CHECK(runs == 2);
}

TEST_CASE("COPY is refused and costs only the connection") {
    Instance instance(postgres_component(), settings_for(server_url()));
    Link link(instance);
    make_table(link, "t", "id BIGINT PRIMARY KEY");
    imgsrv_error error{};
    CHECK(link.query("COPY conformance_t FROM STDIN", {}, &error) == IMGSRV_INTERNAL);
    CHECK(error.db_class == IMGSRV_DB_SYNTAX);
    CHECK(link.table().reset(link.raw(), link.call(), &error) == IMGSRV_UNAVAILABLE);
    CHECK(Link(instance).number("SELECT count(*) FROM conformance_t") == 0);
}
