#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <thread>

#include "server.h"

using namespace imgsrv::conformance;

namespace {

constexpr auto kSoon = std::chrono::seconds(5);

std::int64_t backend_of(Link& link) {
    return link.number("SELECT pg_backend_pid()");
}

// Stops a process of the server as a debugger would, so that requests hang; resumes it at the end. The constructor
// returns once the process is stopped.
class Hang {
  public:
    explicit Hang(pid_t pid) : pid_(pid) {
        ::kill(pid_, SIGSTOP);
        while (state() != 'T') std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ~Hang() { ::kill(pid_, SIGCONT); }
    Hang(const Hang&) = delete;
    Hang& operator=(const Hang&) = delete;

  private:
    char state() const {
        std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
        std::string text;
        if (!std::getline(file, text, ')')) throw std::runtime_error("the process to stop has ended");
        char state = 0;
        file >> state;
        return state;
    }

    pid_t pid_;
};

void expect_dead(Link& link) {
    imgsrv_error error{};
    Call call;
    call.limit(std::chrono::seconds(10));
    CHECK(link.query("SELECT 1", {}, &error, call.get()) == IMGSRV_UNAVAILABLE);
    CHECK(error.db_class == IMGSRV_DB_CONNECTION);
    CHECK(link.table().reset(link.raw(), link.call(), &error) == IMGSRV_UNAVAILABLE);
    CHECK(link.table().begin(link.raw(), link.call(), IMGSRV_TX_WRITE, &error) == IMGSRV_UNAVAILABLE);
}

}  // namespace

TEST_CASE("a connection that the server ends is reported as such, and no other is lost") {
    Instance instance(postgres_component(), settings_for(server_url()));
    Link link(instance);
    Link other(instance);
    make_table(other, "t", "id BIGINT PRIMARY KEY");
    imgsrv_error error{};

    SECTION("while it is idle") {
        other.change("SELECT pg_terminate_backend($1)", {integer(backend_of(link))});
        CHECK(link.table().begin(link.raw(), link.call(), IMGSRV_TX_WRITE, &error) == IMGSRV_UNAVAILABLE);
        CHECK((error.flags & IMGSRV_ERR_RETRYABLE) != 0);
        CHECK((error.flags & IMGSRV_ERR_OUTCOME_UNKNOWN) == 0);
    }
    SECTION("in a transaction, before commit") {
        link.begin(IMGSRV_TX_WRITE);
        link.change("INSERT INTO conformance_t (id) VALUES (1)");
        other.change("SELECT pg_terminate_backend($1)", {integer(backend_of(link))});
        CHECK(link.table().commit(link.raw(), link.call(), &error) == IMGSRV_UNAVAILABLE);
        CHECK((error.flags & IMGSRV_ERR_OUTCOME_UNKNOWN) != 0);  // the driver cannot tell it from a lost answer
    }
    SECTION("in a statement outside of a transaction") {
        const auto backend = backend_of(link);
        std::thread killer([&] {
            while (other.number("SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'",
                                {integer(backend)}) == 0)
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            other.change("SELECT pg_terminate_backend($1)", {integer(backend)});
        });
        CHECK(link.query("INSERT INTO conformance_t (id) SELECT 1 FROM pg_sleep(30)", {}, &error) ==
              IMGSRV_UNAVAILABLE);
        killer.join();
        CHECK((error.flags & IMGSRV_ERR_OUTCOME_UNKNOWN) != 0);
    }
    SECTION("while rows are read") {
        const auto backend = backend_of(link);
        OpenRows rows(link, "SELECT generate_series(1, 10000000)");
        CHECK(rows.next(&error) == 1);
        other.change("SELECT pg_terminate_backend($1)", {integer(backend)});
        std::int32_t got = 1;
        while (got == 1) got = rows.next(&error);
        CHECK(got == -IMGSRV_UNAVAILABLE);
    }
    expect_dead(link);
    CHECK(other.number("SELECT count(*) FROM conformance_t") == 0);
    Link(instance).change("INSERT INTO conformance_t (id) VALUES (2)");
}

TEST_CASE("a restart of the server costs the connections, not the instance") {
    Instance instance(postgres_component(), settings_for(server_url()));
    Link link(instance);
    link.begin(IMGSRV_TX_READ);
    imgsrv_error error{};
    REQUIRE(health(instance, error) == IMGSRV_OK);

    control_server("stop");
    CHECK(health(instance, error) == IMGSRV_UNAVAILABLE);
    CHECK_THAT(error.message, Catch::Contains("PostgreSQL"));
    expect_dead(link);
    control_server("start");
    CHECK(health(instance, error) == IMGSRV_OK);
    CHECK(Link(instance).number("SELECT CAST(1 AS BIGINT)") == 1);

    control_server("restart");
    CHECK(health(instance, error) == IMGSRV_OK);  // its own dead link does not count
}

TEST_CASE("a hanging server makes no deadline late") {
    Instance instance(postgres_component(), settings_for(server_url()));
    const auto timed = [](auto&& run) {
        const auto begun = std::chrono::steady_clock::now();
        run();
        CHECK(std::chrono::steady_clock::now() - begun < kSoon);
    };
    Link link(instance);
    const auto backend = static_cast<pid_t>(backend_of(link));
    imgsrv_error error{};
    Call call;

    SECTION("the process of the connection") {
        const Hang hang(backend);
        call.limit(std::chrono::milliseconds(200));
        timed([&] { CHECK(link.query("SELECT 1", {}, &error, call.get()) == IMGSRV_DEADLINE); });
        expect_dead(link);
    }
    SECTION("all of it, so that even the request to cancel hangs") {
        const Hang hang(backend);
        const Hang all(postmaster());
        call.limit(std::chrono::milliseconds(200));
        timed([&] { CHECK(link.query("SELECT 1", {}, &error, call.get()) == IMGSRV_DEADLINE); });
        Call connecting;
        connecting.limit(std::chrono::milliseconds(200));
        void* conn = nullptr;
        timed(
            [&] { CHECK(link.table().connect(instance.self(), connecting.get(), &conn, &error) == IMGSRV_DEADLINE); });
        Call asking;
        asking.limit(std::chrono::milliseconds(200));
        timed([&] { CHECK(instance.component().health(instance.self(), asking.get(), &error) == IMGSRV_DEADLINE); });
    }
    SECTION("while a large value is sent") {
        const std::string sql = "SELECT CAST(length(CAST($1 AS TEXT)) AS BIGINT)";
        const Values large{text(std::string(30'000'000, 'x'))};
        CHECK(link.number(sql, large) == 30'000'000);  // prepared, so that nothing but the value is sent next
        const Hang hang(backend);
        call.limit(std::chrono::milliseconds(500));
        timed([&] { CHECK(link.query(sql, large, &error, call.get()) == IMGSRV_DEADLINE); });
        expect_dead(link);
    }
    CHECK(Link(instance).number("SELECT CAST(1 AS BIGINT)") == 1);
}

TEST_CASE("a cancelled statement ends on the server too") {
    Instance instance(postgres_component(), settings_for(server_url()));
    Link link(instance);
    Link other(instance);
    const auto backend = backend_of(link);
    for (int round = 0; round < 20; ++round) {
        Call call;
        call.limit(std::chrono::milliseconds(round));
        imgsrv_error error{};
        CHECK(link.query("SELECT pg_sleep(60)", {}, &error, call.get()) == IMGSRV_DEADLINE);
        // The same link still works, and no late cancellation hits the next statement.
        CHECK(backend_of(link) == backend);
    }
    CHECK(
        other.number("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND "
                     "pid <> pg_backend_pid()") == 0);
}

TEST_CASE("a result that nobody reads to its end does not hold up the connection") {
    Instance instance(postgres_component(), settings_for(server_url()));
    Link link(instance);
    imgsrv_error error{};
    const auto backend = backend_of(link);
    {
        OpenRows rows(link, "SELECT generate_series(1, 100000000)");
        CHECK(rows.next(&error) == 1);
    }
    CHECK(backend_of(link) == backend);
    // In a transaction it is read to its end, because cancelling would fail the transaction.
    link.begin(IMGSRV_TX_WRITE);
    {
        OpenRows rows(link, "SELECT generate_series(1, 100000)");
        CHECK(rows.next(&error) == 1);
    }
    CHECK(link.number("SELECT CAST(1 AS BIGINT)") == 1);
    link.commit();
}
