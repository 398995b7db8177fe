#pragma once

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "domain/catalogue.h"
#include "store/pool.h"
#include "world/faulty_database.h"
#include "world/memory_store.h"
#include "world/scratch_database.h"

namespace imgsrv::test {

// What a service stands on: a database of this project's schema, an object store, and their clock, each as good as new.
// Two nodes look at the same rows:
//
//   World world;
//   PublishService service(world.pool, ...);                        // the node under test
//   world.database.faults().fail(DatabaseCall::commit, away(), 2);  // its second commit from now fails
//   world.objects.faults().fail(StoreCall::copy);
//   world.clock.advance(31s);                                       // a lease runs out
//   PublishService other(world.other, ...);                         // another node, whose database never fails
//   CHECK(world.number("SELECT COUNT(*) FROM blobs") == 1);         // behind the services' back
//
// A test fails when a fault that it wrote down did not occur. Faults and the clock: fault_script.h, faulty_database.h,
// memory_store.h, test_clock.h. Takes about two milliseconds to make; a test case makes its own.
class World {
  public:
    explicit World(MemoryStoreTraits traits = {}) : database(scratch_.driver(), clock), objects(clock, traits) {}

    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // One number of the first row, 0 without one; its text, "" without one. The test fails when the statement does.
    std::int64_t number(std::string_view sql, store::Params params = {});
    std::string text(std::string_view sql, store::Params params = {});
    // Changes rows behind the services' back. Returns how many.
    std::uint64_t exec(std::string_view sql, store::Params params = {});
    // A transaction of the other node: body(Transaction&) -> Status or Result<T>. Returns the value; the test fails
    // when the status is not OK.
    template <class Body>
    auto write(Body&& body) {
        auto done = other.write(call, std::forward<Body>(body));
        if constexpr (std::is_same_v<decltype(done), Status>) {
            INFO(done.describe());
            REQUIRE(done.ok());
        } else {
            INFO(done.status().describe());
            REQUIRE(done.ok());
            return std::move(done).value();
        }
    }

    // A trusted blob with these bytes: its row, and its object under blobs/.
    domain::Blob add_blob(std::string bytes);
    // A draft of the image, which is made when it is missing, with one artifact for each blob, of the variants "0",
    // "1", … . The blobs need not be there. Returns the version's id.
    std::string add_draft(std::string_view image, std::string_view version, std::initializer_list<domain::Blob> blobs);
    // The same, published.
    std::string add_published(std::string_view image, std::string_view version,
                              std::initializer_list<domain::Blob> blobs);

  private:
    ScratchDatabase scratch_;

  public:
    TestClock clock;
    FaultyDatabase database;

  private:
    static std::unique_ptr<store::Pool> open_pool(ports::Database& database);

    FaultyDatabase quiet_{scratch_.driver(), clock};
    const std::unique_ptr<store::Pool> pool_ = open_pool(database);
    const std::unique_ptr<store::Pool> other_ = open_pool(quiet_);

  public:
    store::Pool& pool = *pool_;    // of the node under test: through `database`
    store::Pool& other = *other_;  // of another node: the same rows, no faults
    MemoryStore objects;
    const ports::Call call{"unit-test", std::nullopt, nullptr};
};

// "sha256:<hex>" of the bytes.
std::string digest_of(std::string_view bytes);
// What a blob of these bytes looks like before it is anywhere.
domain::Blob blob_of(std::string_view bytes);

}  // namespace imgsrv::test
