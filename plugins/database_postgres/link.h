#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <cstdint>
#include <imgsrv/cpp/patience.hpp>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace imgsrv::postgres {

// The options, checked.
struct Settings {
    std::string url;        // holds the password
    std::string password;   // to keep it out of messages; may be empty
    std::string isolation;  // of write transactions, as SQL writes it
    std::chrono::milliseconds connect_timeout;
};

struct ClearResult {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

// One link to a server. It uses none of libpq's blocking calls, so that every wait obeys the running call. Once an
// exchange broke off half way, the link is dead, and every use of it says so. One thread at a time, except interrupt().
class Link {
  public:
    // Connects and sets the session up. Throws CONNECTION. settings outlive the link.
    Link(const Settings& settings, const sdk::Call& call, const sdk::Log& log);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    // One call of the host; lives as long as the call runs.
    class Operation {
      public:
        Operation(Link& link, const sdk::Call& call) noexcept : scope_(link.patience_, call) {}

      private:
        sdk::Patience::Scope scope_;
    };

    // Throws when the call has no time left or was cancelled.
    void check() const { patience_.check("the database call"); }
    void interrupt() noexcept { patience_.interrupt(); }  // [any]

    // Call it with the result of a PQsend…: flushes all of it to the server. Throws CONNECTION, CANCELLED or DEADLINE.
    void send(int accepted);
    // The next result of what was sent; null: there is no other. When the call must end, cancels the statement on the
    // server and throws CANCELLED or DEADLINE. Throws CONNECTION when the link dies.
    Result next_result();
    // Reads the results that are left; throws the first failure among them.
    void expect_no_more(std::string_view doing);
    // True while results of what was sent may still come.
    bool reading() const noexcept { return reading_; }
    // Drops the results that are left, whatever the call's limits. may_cancel: the statement may be cancelled if it
    // keeps running.
    void abandon(bool may_cancel) noexcept;

    // Waits for a notification and returns its channel's name. Throws CONNECTION, CANCELLED or DEADLINE.
    std::string next_notification();
    void drop_notifications() noexcept;

    // Runs one or more statements and returns the last result. Throws the server's refusal.
    Result run(const char* sql);
    // The same for what must not be cancelled: commits and cleaning up. Throws CONNECTION when there is no answer
    // within the limit.
    Result run_anyway(const char* sql, std::chrono::milliseconds limit);

    bool alive() const noexcept { return alive_ && PQstatus(raw_.get()) == CONNECTION_OK; }
    PGTransactionStatusType transaction() const noexcept { return PQtransactionStatus(raw_.get()); }
    PGconn* raw() const noexcept { return raw_.get(); }

  private:
    struct Finish {
        void operator()(PGconn* link) const noexcept { PQfinish(link); }
    };

    void connect(std::int64_t until_ns);
    void set_up_session();
    // Marks the link dead and says why.
    sdk::Failure lost(std::string_view why);
    sdk::Failure lost() { return lost(PQerrorMessage(raw())); }
    // Waits for a whole result, obeying the call. False: there is a reason to stop.
    bool wait_for_result();
    // As the two above, but until a fixed time, whatever the call's limits. False: the time is over, or the link is
    // broken.
    bool send_until(std::int64_t until_ns) noexcept;
    bool read_until(std::int64_t until_ns, Result& last, Result& refused) noexcept;
    bool poll_until(short events, std::int64_t until_ns) const noexcept;

    const Settings& settings_;
    sdk::Log log_;
    sdk::Patience patience_;
    std::unique_ptr<PGconn, Finish> raw_;
    bool alive_ = true;
    bool reading_ = false;
};

// True when the server carried the statement out.
bool succeeded(const PGresult* result) noexcept;

}  // namespace imgsrv::postgres
