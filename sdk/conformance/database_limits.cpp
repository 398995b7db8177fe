#include <chrono>
#include <thread>

#include "conformance/database_parts.h"

namespace imgsrv::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Far above what stopping takes and far below what the query takes, so that a loaded machine decides nothing.
constexpr auto kSoon = std::chrono::seconds(5);

// Runs something while another thread does something to it after a moment.
template <class Meanwhile, class Run>
void disturbed(Meanwhile meanwhile, Run run) {
    std::thread other([&] {
        std::this_thread::sleep_for(milliseconds(100));
        meanwhile();
    });
    const auto begun = steady_clock::now();
    try {
        run();
    } catch (...) {
        other.join();
        throw;
    }
    other.join();
    IMGSRV_EXPECT(steady_clock::now() - begun < kSoon);
}

void usable(Link& link) {
    link.begin(IMGSRV_TX_WRITE);
    IMGSRV_EXPECT(link.number("SELECT CAST(1 AS BIGINT)") == 1);
    link.commit();
}

void deadline_ends_a_query(Instance& instance) {
    Link link(instance);
    imgsrv_error error{};
    {
        Call call;
        call.limit(milliseconds(100));
        const auto begun = steady_clock::now();
        IMGSRV_EXPECT_CODE(IMGSRV_DEADLINE, error, link.query(kEndlessQuery, {}, &error, call.get()));
        IMGSRV_EXPECT(steady_clock::now() - begun < kSoon);
    }
    usable(link);

    make_table(link, "t", "id BIGINT PRIMARY KEY");
    link.begin(IMGSRV_TX_WRITE);
    link.change("INSERT INTO conformance_t (id) VALUES (1)");
    Call call;
    call.limit(milliseconds(100));
    IMGSRV_EXPECT_CODE(
        IMGSRV_DEADLINE, error,
        link.query("INSERT INTO conformance_t (id) " + std::string(kEndlessQuery), {}, &error, call.get()));
    IMGSRV_EXPECT_CODE(IMGSRV_ABORTED, error, link.query("SELECT 1", {}, &error));
    link.rollback();
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_t") == 0);
}

void cancel_ends_a_query(Instance& instance) {
    Link link(instance);
    Call call;
    disturbed([&] { call.cancel(); },
              [&] {
                  imgsrv_error error{};
                  IMGSRV_EXPECT_CODE(IMGSRV_CANCELLED, error, link.query(kEndlessQuery, {}, &error, call.get()));
              });
    usable(link);
}

void interrupt_ends_a_query(Instance& instance) {
    Link link(instance);
    disturbed([&] { link.table().interrupt(link.raw()); },
              [&] {
                  imgsrv_error error{};
                  IMGSRV_EXPECT_CODE(IMGSRV_CANCELLED, error, link.query(kEndlessQuery, {}, &error));
              });
    usable(link);
    link.table().interrupt(link.raw());  // nothing runs, so nothing ends
    usable(link);
}

void script_obeys_too(Instance& instance) {
    Link link(instance);
    Call call;
    call.limit(milliseconds(100));
    imgsrv_error error{};
    const std::string sql = std::string(kEndlessQuery) + ";";
    const auto begun = steady_clock::now();
    IMGSRV_EXPECT_CODE(IMGSRV_DEADLINE, error,
                       link.table().script(link.raw(), call.get(), {sql.data(), sql.size()}, &error));
    IMGSRV_EXPECT(steady_clock::now() - begun < kSoon);
    usable(link);
}

void spent_call_does_nothing(Instance& instance) {
    Link link(instance);
    make_table(link, "t", "id BIGINT PRIMARY KEY");
    const std::string insert = "INSERT INTO conformance_t (id) VALUES (1)";
    imgsrv_error error{};
    const auto& db = link.table();

    Call cancelled;
    cancelled.cancel();
    Call late;
    late.limit(milliseconds(-1));
    IMGSRV_EXPECT_CODE(IMGSRV_CANCELLED, error, link.query(insert, {}, &error, cancelled.get()));
    IMGSRV_EXPECT_CODE(IMGSRV_DEADLINE, error, link.query(insert, {}, &error, late.get()));
    IMGSRV_EXPECT_CODE(IMGSRV_CANCELLED, error, db.begin(link.raw(), cancelled.get(), IMGSRV_TX_WRITE, &error));
    IMGSRV_EXPECT_CODE(IMGSRV_DEADLINE, error, db.begin(link.raw(), late.get(), IMGSRV_TX_READ, &error));
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_t") == 0);

    link.begin(IMGSRV_TX_WRITE);
    link.change(insert);
    IMGSRV_EXPECT_CODE(IMGSRV_CANCELLED, error, db.commit(link.raw(), cancelled.get(), &error));
    IMGSRV_EXPECT((error.flags & IMGSRV_ERR_OUTCOME_UNKNOWN) == 0);
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM conformance_t") == 0);

    // What cleans up is never called off.
    link.begin(IMGSRV_TX_WRITE);
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.rollback(link.raw(), cancelled.get(), &error));
    link.begin(IMGSRV_TX_WRITE);
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.reset(link.raw(), cancelled.get(), &error));
    usable(link);
}

}  // namespace

void add_limit_checks(Suite& suite) {
    suite.insert(suite.end(), {{"D17", "the deadline ends a query", deadline_ends_a_query},
                               {"D17", "the deadline ends a script", script_obeys_too},
                               {"D17", "cancelling the call ends a query", cancel_ends_a_query},
                               {"D18", "interrupt from another thread ends a query", interrupt_ends_a_query},
                               {"D17", "a call already spent changes nothing", spent_call_does_nothing}});
}

}  // namespace imgsrv::conformance
