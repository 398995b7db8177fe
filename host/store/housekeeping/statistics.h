#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "store/transaction.h"

namespace imgsrv::store::statistics {

struct StateCount {
    std::string state;
    std::uint64_t count = 0;
};

struct StepCount {
    std::string step, state;
    std::uint64_t count = 0;
};

// How long the longest waiting, and the longest running, of one thing has been so; 0: there is none.
struct Ages {
    std::chrono::microseconds queued{0}, running{0};
};

struct StepAges {
    std::string step;
    Ages oldest;
};

// Projection rows that a step derived, of published versions and of others.
struct StepRows {
    std::string step;
    std::uint64_t count = 0;
};

// What there is in the database, in numbers.
struct Snapshot {
    std::vector<StateCount> uploads;  // states without any are left out, here and below
    Ages promotions;                  // queued: since the last byte came
    std::uint64_t blobs = 0;
    std::uint64_t blob_bytes = 0;
    std::uint64_t damaged_blobs = 0;
    std::uint64_t unreferenced_blobs = 0;  // marked by the collector
    std::uint64_t queued_removals = 0;     // objects that are yet to be removed
    std::int64_t generation = 0;           // of the catalogue
    std::vector<StateCount> jobs;
    std::vector<StepCount> steps;
    std::vector<StepAges> step_ages;
    std::uint64_t versions_publishing = 0;
    std::vector<StepRows> rows;
};

// Reads indexes where there are some; the cost grows with the number of versions, by about a microsecond each.
Result<Snapshot> read(Transaction& tx);

}  // namespace imgsrv::store::statistics
