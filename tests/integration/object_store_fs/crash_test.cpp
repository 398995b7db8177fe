// kill -9 at random moments: everything acknowledged is there; everything else is there whole or not at all.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

#include "crash_workload.h"
#include "fs_store.h"

using namespace imgsrv;
using namespace imgsrv::test;

namespace {

int number_from(const char* variable, int fallback) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::atoi(text) : fallback;
}

// Longer runs: IMGSRV_CRASH_ROUNDS=1000. Other moments: IMGSRV_TEST_SEED.
int rounds() {
    return number_from("IMGSRV_CRASH_ROUNDS", 20);
}
unsigned seed() {
    return static_cast<unsigned>(number_from("IMGSRV_TEST_SEED", 20261));
}

pid_t start_worker(const std::string& root, std::uint64_t round_seed, Ledger& ledger) {
    const pid_t child = ::fork();
    if (child == 0) work(root, round_seed, ledger);
    if (child < 0) throw std::runtime_error("cannot fork");
    return child;
}

void kill_worker(pid_t child) {
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
}

bool few(std::size_t operations) {
    return operations <= static_cast<std::size_t>(rounds());
}

void sleep_some(std::mt19937& random) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + random() % 300));
}

}  // namespace

TEST_CASE("a killed process loses nothing it acknowledged") {
    const Folder folder;
    std::mt19937 random(seed());
    fs_component();
    std::size_t operations = 0;
    // As often as it takes for the killed processes to have done something.
    for (int round = 0; round < rounds() || (few(operations) && round < 10 * rounds()); ++round) {
        INFO("round " << round << " of seed " << seed());
        Ledger ledger;
        const pid_t child = start_worker(folder.path(), random(), ledger);
        sleep_some(random);
        kill_worker(child);
        REQUIRE_NOTHROW(verify(folder.path(), ledger));
        operations += ledger.size();
    }
    REQUIRE_FALSE(few(operations));
}

TEST_CASE("a machine that loses power loses nothing it acknowledged") {
    SmallDisk disk(192);
    std::mt19937 random(seed() + 1);
    fs_component();
    std::size_t operations = 0;
    // As often as it takes for the killed processes to have done something.
    for (int round = 0; round < rounds() || (few(operations) && round < 10 * rounds()); ++round) {
        INFO("round " << round << " of seed " << seed());
        Ledger ledger;
        const pid_t child = start_worker(disk.root(), random(), ledger);
        sleep_some(random);
        disk.cut_power();
        kill_worker(child);
        disk.restore_power();
        REQUIRE_NOTHROW(verify(disk.root(), ledger));
        operations += ledger.size();
    }
    REQUIRE_FALSE(few(operations));
}
