#include "services/housekeeping/object_faults.h"

#include <catch2/catch.hpp>

#include "refusing_store.h"

using namespace imgsrv;
using namespace imgsrv::services;

namespace {

class Store final : public test::RefusingStore {
  public:
    Status health(const ports::Call&) override {
        ++asked;
        return well;
    }

    Status well;
    int asked = 0;
};

Status bad_sector() {
    return Status(Code::unavailable, "Input/output error").with_retryable();
}

struct Run {
    ObjectOutcome attempt(const std::function<Status()>& work) {
        return faults.attempt(ports::Call(), "key", [&] {
            ++tries;
            return work();
        });
    }

    Store source, target;
    ObjectFaults faults{{&source, &target}, std::chrono::milliseconds(0)};
    int tries = 0;
};

}  // namespace

TEST_CASE("what passes is no fault") {
    Run run;
    const auto outcome = run.attempt([&] { return run.tries < 3 ? bad_sector() : Status(); });
    CHECK(outcome.fault.ok());
    CHECK(outcome.trouble.ok());
    CHECK(run.source.asked == 0);
}

TEST_CASE("what stays while both stores are well is the object's own") {
    Run run;
    const auto outcome = run.attempt(bad_sector);
    CHECK(outcome.trouble.ok());
    CHECK(outcome.fault.message() == "Input/output error");
    CHECK(run.source.asked == 1);
    CHECK(run.target.asked == 1);
    CHECK(run.tries == 6);
}

TEST_CASE("a failure that no repetition mends is not repeated for long") {
    Run run;
    const auto outcome = run.attempt([] { return Status(Code::internal, "a folder"); });
    CHECK(outcome.fault.code() == Code::internal);
    CHECK(run.tries == 2);
}

TEST_CASE("an answer about the object is the object's own, whatever the store's health") {
    Run run;
    run.source.well = Status(Code::unavailable, "away");
    const Code code = GENERATE(Code::not_found, Code::data_loss);
    const auto outcome = run.attempt([&] { return Status(code, "of this object"); });
    CHECK(outcome.fault.code() == code);
    CHECK(outcome.trouble.ok());
    CHECK(run.tries == 1);
}

TEST_CASE("a store that is away is told as the cause") {
    Run run;
    (GENERATE(true, false) ? run.source : run.target).well = Status(Code::unavailable, "no connection comes about");
    const auto outcome = run.attempt(bad_sector);
    CHECK(outcome.fault.ok());
    CHECK(outcome.trouble.message() == "no connection comes about");
}

TEST_CASE("a store that comes back while it is asked has no bad object") {
    Run run;
    const auto outcome = run.attempt([&] { return run.tries <= 5 ? bad_sector() : Status(); });
    CHECK(outcome.fault.ok());
    CHECK(outcome.trouble.ok());
}

TEST_CASE("a full store and a run that is called off are nobody's fault") {
    Run run;
    const Code code = GENERATE(Code::resource_exhausted, Code::cancelled);
    const auto outcome = run.attempt([&] { return Status(code, "enough"); });
    CHECK(outcome.fault.ok());
    CHECK(outcome.trouble.code() == code);
    CHECK(run.source.asked == 0);
}

TEST_CASE("a store that says that it is well and gives nothing out is not well") {
    Run run;
    for (unsigned n = 1; n < ObjectFaults::kMostInARow; ++n) REQUIRE(run.attempt(bad_sector).trouble.ok());
    SECTION("nothing") {
        const auto outcome = run.attempt(bad_sector);
        CHECK(outcome.trouble.code() == Code::unavailable);
        CHECK(outcome.trouble.message().find("one after another") != std::string_view::npos);
        CHECK(outcome.trouble.message().find("Input/output error") != std::string_view::npos);
    }
    SECTION("an object between them") {
        run.faults.note_read();
        CHECK(run.attempt(bad_sector).trouble.ok());
    }
}
