#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "conformance/object_store_client.h"

// Work that is killed in the middle, and the check that nothing acknowledged was lost afterwards.
namespace imgsrv::test {

enum class Operation : std::uint32_t { put, copy, remove, create_upload, put_part, complete };

// One operation as the worker reported it. In memory that outlives the worker.
struct Entry {
    Operation operation{};
    std::uint32_t worker = 0;
    std::uint32_t upload = 0;      // of this worker, counted from 0
    std::uint32_t number = 0;      // part
    std::uint32_t parts_mask = 0;  // complete: bit n - 1 for part n
    std::uint32_t key = 0;         // of this worker
    std::uint32_t other_key = 0;   // copy: the source
    conformance::Pattern bytes;
    char id[40] = {};
    char part_etags[8][40] = {};
    std::uint64_t part_sizes[8] = {};
    std::uint64_t part_seeds[8] = {};
    std::atomic<bool> done{false};
};

// Memory shared with the child.
class Ledger {
  public:
    Ledger();
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // The next free entry; null if the ledger is full.
    Entry* add();
    std::size_t size() const;
    Entry& at(std::size_t i) const;

  private:
    struct Shared;
    Shared* shared_;
};

// In the child: works until it is killed, or until the store fails. Never returns.
[[noreturn]] void work(const std::string& root, std::uint64_t seed, Ledger& ledger);

// Afterwards: opens the store and compares everything with the ledger. Throws conformance::Failure. Leaves the store
// empty.
void verify(const std::string& root, const Ledger& ledger);

}  // namespace imgsrv::test
