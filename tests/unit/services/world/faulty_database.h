#pragma once

#include "ports/database.h"
#include "world/fault_script.h"
#include "world/test_clock.h"

namespace imgsrv::test {

// fail(commit) rolls back; fail_after(commit) has committed, and nobody is told: an unknown outcome. Reads end without
// a commit, so the nth commit is that of the nth write transaction that its body wanted.
enum class DatabaseCall { connect, begin_read, begin_write, query, commit };

// A real database whose calls fail when a test says so, and whose clock is the test's. A status without a DbClass is
// the Pool's answer at once; one of DbClass::connection makes it connect again and repeat.
class FaultyDatabase final : public ports::Database {
  public:
    // Both outlive this.
    FaultyDatabase(ports::Database& real, const TestClock& clock) : real_(real), clock_(clock) {}

    FaultScript<DatabaseCall>& faults() { return faults_; }
    const TestClock& clock() const { return clock_; }

    std::string_view dialect() const override { return real_.dialect(); }
    bool concurrent_writers() const override { return real_.concurrent_writers(); }
    bool skip_locked() const override { return real_.skip_locked(); }
    bool can_listen() const override { return real_.can_listen(); }
    Result<std::unique_ptr<ports::Connection>> connect(const ports::Call& call) override;
    Status health(const ports::Call& call) override { return real_.health(call); }

  private:
    ports::Database& real_;
    const TestClock& clock_;
    FaultScript<DatabaseCall> faults_;
};

}  // namespace imgsrv::test
