#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <mutex>
#include <thread>

#include "conformance/database_parts.h"

namespace imgsrv::conformance {
namespace {

using std::chrono::milliseconds;

bool one_writer(const Link& link) {
    return (link.table().features & IMGSRV_DB_FEATURE_CONCURRENT_WRITERS) == 0;
}

void second_writer_waits(Instance& instance) {
    Link first(instance);
    Link second(instance);
    make_table(first, "t", "id BIGINT PRIMARY KEY, n BIGINT NOT NULL");
    first.change("INSERT INTO conformance_t (id, n) VALUES (1, 0)");
    first.begin(IMGSRV_TX_WRITE);
    first.change("UPDATE conformance_t SET n = n + 1");

    // Where writers come one at a time begin waits; elsewhere the row makes the second one wait.
    imgsrv_error error{};
    Call call;
    call.limit(milliseconds(100));
    auto code = second.table().begin(second.raw(), call.get(), IMGSRV_TX_WRITE, &error);
    if (!one_writer(second)) {
        IMGSRV_EXPECT(code == IMGSRV_OK);
        code = second.query("UPDATE conformance_t SET n = n + 1", {}, &error, call.get());
    }
    IMGSRV_EXPECT(code == IMGSRV_DEADLINE);
    second.rollback();
    // Readers wait for nobody.
    second.begin(IMGSRV_TX_READ);
    IMGSRV_EXPECT(second.number("SELECT n FROM conformance_t") == 0);
    second.commit();

    std::thread releaser([&] {
        std::this_thread::sleep_for(milliseconds(50));
        imgsrv_error ignored{};
        first.table().commit(first.raw(), first.call(), &ignored);
    });
    try {
        second.write([&] { second.change("UPDATE conformance_t SET n = n + 1"); });
    } catch (...) {
        releaser.join();
        throw;
    }
    releaser.join();
    IMGSRV_EXPECT(second.number("SELECT n FROM conformance_t") == 2);
}

// Each of two transactions reads what the other one writes. Run one after another, in either order, the second would
// have seen the first one's row and stayed away.
void write_transactions_are_serializable(Instance& instance) {
    Link a(instance);
    make_table(a, "t", "id BIGINT PRIMARY KEY, n BIGINT NOT NULL");
    const auto claim = [&instance](std::int64_t id) {
        Link link(instance);
        link.write([&] {
            const auto taken = link.number("SELECT count(*) FROM conformance_t");
            std::this_thread::sleep_for(milliseconds(20));
            if (taken == 0) link.change("INSERT INTO conformance_t (id, n) VALUES ($1, 0)", {integer(id)});
        });
    };
    for (int round = 0; round < 5; ++round) {
        a.change("DELETE FROM conformance_t");
        std::string failure;
        std::thread other([&] {
            try {
                claim(1);
            } catch (const std::exception& e) {
                failure = e.what();
            }
        });
        try {
            claim(2);
        } catch (...) {
            other.join();
            throw;
        }
        other.join();
        if (!failure.empty()) fail(__FILE__, __LINE__, failure);
        IMGSRV_EXPECT(a.number("SELECT count(*) FROM conformance_t") == 1);
    }
}

void interrupt_ends_a_wait(Instance& instance) {
    Link first(instance);
    Link second(instance);
    make_table(first, "t", "id BIGINT PRIMARY KEY, n BIGINT NOT NULL");
    first.change("INSERT INTO conformance_t (id, n) VALUES (1, 0)");
    first.begin(IMGSRV_TX_WRITE);
    first.change("UPDATE conformance_t SET n = 1");
    imgsrv_error error{};
    std::thread other([&] {
        std::this_thread::sleep_for(milliseconds(100));
        second.table().interrupt(second.raw());
    });
    auto code = second.table().begin(second.raw(), second.call(), IMGSRV_TX_WRITE, &error);
    if (code == IMGSRV_OK) code = second.query("UPDATE conformance_t SET n = 2", {}, &error);
    other.join();
    IMGSRV_EXPECT(code == IMGSRV_CANCELLED);
    second.rollback();
    first.commit();
    IMGSRV_EXPECT(second.number("SELECT n FROM conformance_t") == 1);
}

void eight_threads_count(Instance& instance) {
    constexpr int kThreads = 8;
    constexpr int kRounds = 40;
    Link link(instance);
    make_table(link, "t", "id BIGINT PRIMARY KEY, n BIGINT NOT NULL");
    link.change("INSERT INTO conformance_t (id, n) VALUES (0, 0), (1, 0)");
    std::mutex mutex;
    std::string failure;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&instance, &mutex, &failure, t] {
            try {
                Link own(instance);
                for (int round = 0; round < kRounds; ++round) {
                    if (round % 2 == 0) {
                        own.change("UPDATE conformance_t SET n = n + 1 WHERE id = 0");
                        continue;
                    }
                    if (round % 5 == 0) {
                        own.begin(IMGSRV_TX_READ);
                        own.number("SELECT n FROM conformance_t WHERE id = 1");
                        own.rollback();
                    }
                    // Read, then write what was read: the update that others would lose.
                    own.write([&] {
                        const auto n = own.number("SELECT n FROM conformance_t WHERE id = 1");
                        own.change("UPDATE conformance_t SET n = $1 WHERE id = 1", {integer(n + t + 1)});
                    });
                    own.begin(IMGSRV_TX_READ);
                    own.number("SELECT n FROM conformance_t WHERE id = 1");
                    own.commit();
                }
            } catch (const std::exception& e) {
                std::lock_guard lock(mutex);
                failure = e.what();
            }
        });
    }
    for (auto& thread : threads) thread.join();
    if (!failure.empty()) fail(__FILE__, __LINE__, failure);
    IMGSRV_EXPECT(link.number("SELECT n FROM conformance_t WHERE id = 0") == kThreads * kRounds / 2);
    IMGSRV_EXPECT(link.number("SELECT n FROM conformance_t WHERE id = 1") == (1 + 8) * 8 / 2 * (kRounds / 2));
}

void migration_lock_has_one_holder(Instance& instance) {
    Link a(instance);
    Link b(instance);
    imgsrv_error error{};
    const auto& db = a.table();
    make_table(a, "t", "id BIGINT PRIMARY KEY");
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.migration_lock(a.raw(), a.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, db.migration_lock(a.raw(), a.call(), &error));
    // It spans transactions, and is not the lock that writers take.
    for (int i = 1; i <= 2; ++i) {
        a.begin(IMGSRV_TX_WRITE);
        a.change("INSERT INTO conformance_t (id) VALUES ($1)", {integer(i)});
        a.commit();
        b.change("INSERT INTO conformance_t (id) VALUES ($1)", {integer(-i)});
        Call call;
        call.limit(milliseconds(50));
        IMGSRV_EXPECT_CODE(IMGSRV_DEADLINE, error, db.migration_lock(b.raw(), call.get(), &error));
    }
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, db.migration_unlock(b.raw(), b.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.migration_unlock(a.raw(), a.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.migration_lock(b.raw(), b.call(), &error));
    b.disconnect();
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.migration_lock(a.raw(), a.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, db.migration_unlock(a.raw(), a.call(), &error));
}

// A process that takes the lock with an instance of its own, says so through fd, and holds it until it is killed.
[[noreturn]] void hold_migration_lock(const Instance& parent, int fd) {
    try {
        Instance own(parent.component(), parent.settings());
        Link link(own);
        imgsrv_error error{};
        const auto code = link.table().migration_lock(link.raw(), link.call(), &error);
        if (code == IMGSRV_OK && ::write(fd, "!", 1) == 1) {
            for (;;) ::pause();
        }
    } catch (const std::exception&) {
    }
    ::_exit(1);
}

void migration_lock_dies_with_its_process(Instance& instance) {
    int pipe_ends[2];
    IMGSRV_EXPECT(::pipe(pipe_ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) hold_migration_lock(instance, pipe_ends[1]);
    ::close(pipe_ends[1]);
    char said = 0;
    const bool held = child > 0 && ::read(pipe_ends[0], &said, 1) == 1;
    ::close(pipe_ends[0]);

    imgsrv_error error{};
    imgsrv_code while_it_lives = IMGSRV_INTERNAL;
    {
        Link link(instance);
        Call call;
        call.limit(milliseconds(200));
        if (held) while_it_lives = link.table().migration_lock(link.raw(), call.get(), &error);
    }
    if (child > 0) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
    IMGSRV_EXPECT(held);
    IMGSRV_EXPECT(while_it_lives == IMGSRV_DEADLINE);
    Link link(instance);
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, link.table().migration_lock(link.raw(), link.call(), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, link.table().migration_unlock(link.raw(), link.call(), &error));
}

}  // namespace

void add_concurrency_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"D5", "a second writer waits its turn, readers do not", second_writer_waits},
                  {"D5", "write transactions are serializable", write_transactions_are_serializable},
                  {"D18", "interrupt ends a wait for another writer", interrupt_ends_a_wait},
                  {"D19", "eight threads lose no update", eight_threads_count},
                  {"D20", "the migration lock has one holder at a time", migration_lock_has_one_holder},
                  {"D20", "the migration lock dies with its process", migration_lock_dies_with_its_process}});
}

}  // namespace imgsrv::conformance
