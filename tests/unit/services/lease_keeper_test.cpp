#include "services/lease_keeper.h"

#include <atomic>
#include <catch2/catch.hpp>

using namespace imgsrv;
using namespace imgsrv::services;
using namespace std::chrono_literals;

namespace {

// A lease of 40 ms: what takes 30 s in a server is seen at once.
constexpr LeasePace kQuickPace{40ms, 2ms, 2ms, 1ms, 20ms};

// The same, but a machine that stalls loses no lease.
constexpr LeasePace kLongLease{1h, 2ms, 2ms, 1ms, 20ms};

// True once it holds, within ten seconds.
template <class Condition>
bool comes_true(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!condition())
        if (std::chrono::steady_clock::now() > until) return false;
    return true;
}

}  // namespace

TEST_CASE("a lease that is renewed is never lost") {
    std::atomic<int> renewals{0};
    LeaseKeeper lease(
        [&](auto) {
            ++renewals;
            return Status();
        },
        nullptr, kQuickPace);
    CHECK(comes_true([&] { return renewals > 2; }));
    CHECK_FALSE(lease.lost());
    CHECK_FALSE(lease.token()->cancelled());
}

TEST_CASE("a lease that another one has is lost at once, and its work cancelled") {
    LeaseKeeper lease([](auto) { return Status(Code::aborted, "another's"); }, nullptr, kQuickPace);
    CHECK(comes_true([&] { return lease.lost(); }));
    CHECK(lease.token()->cancelled());
}

TEST_CASE("a renewal that fails is tried again, and the lease goes on") {
    std::atomic<int> asked{0};
    LeaseKeeper lease([&](auto) { return ++asked % 2 == 1 ? Status(Code::unavailable, "away") : Status(); }, nullptr,
                      kLongLease);
    CHECK(comes_true([&] { return asked > 4; }));
    CHECK_FALSE(lease.lost());
}

TEST_CASE("renewals that fail until the lease ran out lose it") {
    std::atomic<int> asked{0};
    const auto began = std::chrono::steady_clock::now();
    LeaseKeeper lease(
        [&](auto) {
            ++asked;
            return Status(Code::unavailable, "away");
        },
        nullptr, kQuickPace);
    CHECK(comes_true([&] { return lease.lost(); }));
    CHECK(std::chrono::steady_clock::now() - began >= kQuickPace.lease);
    CHECK(asked >= 1);
    CHECK(lease.token()->cancelled());
}

TEST_CASE("a renewal must answer before the lease ends") {
    constexpr LeasePace kPatient{10s, 2ms, 2ms, 1ms, 1h};
    std::atomic<bool> late{false}, asked{false};
    LeaseKeeper lease(
        [&](std::chrono::steady_clock::time_point deadline) {
            if (deadline > std::chrono::steady_clock::now() + kPatient.lease) late = true;
            asked = true;
            return Status();
        },
        nullptr, kPatient);
    CHECK(comes_true([&] { return asked.load(); }));
    CHECK_FALSE(late);
}

TEST_CASE("a shutdown cancels the work and loses no lease") {
    const auto outer = std::make_shared<Cancellation>();
    LeaseKeeper lease([](auto) { return Status(); }, outer, kQuickPace);
    outer->cancel();
    CHECK(comes_true([&] { return lease.token()->cancelled(); }));
    CHECK_FALSE(lease.lost());
}
