#include "link.h"

#include <array>
#include <cerrno>

#include "cancel.h"
#include "error.h"

namespace imgsrv::postgres {
namespace {

constexpr int kOldestServer = 120000;

// How long a cancelled statement may take to say so before the link is given up.
constexpr std::chrono::milliseconds kCancelGrace(1500);
// How long the rest of an unwanted result is read before it is cancelled; and in all, where it cannot be cancelled.
constexpr std::chrono::milliseconds kReadOn(20);
constexpr std::chrono::milliseconds kReadOut(10'000);

std::int64_t after(std::chrono::nanoseconds time) {
    return sdk::monotonic_ns() + time.count();
}

// COPY from the client would wait for data that never comes.
bool is_copy(const PGresult* result) noexcept {
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

}  // namespace

bool succeeded(const PGresult* result) noexcept {
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE ||
           status == PGRES_EMPTY_QUERY;
}

Link::Link(const Settings& settings, const sdk::Call& call, const sdk::Log& log) : settings_(settings), log_(log) {
    // The URL comes last, so that what it says goes before what stands here.
    const std::array<const char*, 7> keys = {"fallback_application_name",
                                             "client_encoding",
                                             "keepalives_idle",
                                             "keepalives_interval",
                                             "keepalives_count",
                                             "dbname",
                                             nullptr};
    const std::array<const char*, 7> values = {"imgsrv", "UTF8", "20", "5", "3", settings.url.c_str(), nullptr};
    Operation operation(*this, call);
    check();
    const std::int64_t until = after(settings.connect_timeout);
    // Blocks while the name of the host is looked up: libpq offers nothing else.
    raw_.reset(PQconnectStartParams(keys.data(), values.data(), 1));
    if (!raw_) throw std::bad_alloc();
    connect(until);
    PQsetnonblocking(raw(), 1);
    // libpq would write notices to stderr.
    PQsetNoticeProcessor(
        raw(), [](void* log, const char* text) { static_cast<sdk::Log*>(log)->debug(text); }, &log_);
    if (PQserverVersion(raw()) < kOldestServer)
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "this PostgreSQL is too old; 12 is the oldest that will do");
    set_up_session();
}

void Link::connect(std::int64_t until_ns) {
    auto state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED || PQstatus(raw()) == CONNECTION_BAD) throw lost();
        const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (patience_.wait_for(PQsocket(raw()), events, until_ns) != 0) {
            state = PQconnectPoll(raw());
            continue;
        }
        check();
        if (sdk::monotonic_ns() >= until_ns) throw lost("the server did not answer within connect_timeout");
    }
}

void Link::set_up_session() {
    // A node that hangs must not keep its locks, nor one that is gone its statements.
    run("SET client_min_messages = warning; SET timezone = 'UTC'; SET standard_conforming_strings = on; "
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = '60s'");
    // A commit is durable here even where the server's default is that it need not be.
    run("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'");
    if (PQserverVersion(raw()) >= 140000) run("SET client_connection_check_interval = '5s'");
}

sdk::Failure Link::lost(std::string_view why) {
    alive_ = false;
    reading_ = false;
    std::string text(why.empty() ? "the connection was lost" : why);
    const std::string& password = settings_.password;
    for (std::size_t at = 0; !password.empty() && (at = text.find(password, at)) != std::string::npos; at += 3)
        text.replace(at, password.size(), "***");
    return link_failure(text);
}

void Link::send(int accepted) {
    if (!alive() || accepted != 1) throw lost();
    reading_ = true;
    for (;;) {
        const int left = PQflush(raw());
        if (left == 0) return;
        if (left < 0) throw lost();
        // The server may want us to read before it reads on.
        const short ready = patience_.wait_for(PQsocket(raw()), POLLIN | POLLOUT, after(std::chrono::hours(1)));
        if (const sdk::Stop reason = patience_.stop(); reason != sdk::Stop::none) {
            lost("");  // half a message cannot be taken back
            throw sdk::Patience::failure(reason, "the database call");
        }
        if ((ready & POLLIN) != 0 && PQconsumeInput(raw()) != 1) throw lost();
    }
}

bool Link::wait_for_result() {
    while (PQisBusy(raw()) != 0) {
        if (patience_.wait_for(PQsocket(raw()), POLLIN, after(std::chrono::hours(1))) != 0) {
            if (PQconsumeInput(raw()) != 1) throw lost();
        } else if (patience_.stop() != sdk::Stop::none) {
            return false;
        }
    }
    return true;
}

Result Link::next_result() {
    if (!alive()) throw lost();
    if (!wait_for_result()) {
        const sdk::Stop reason = patience_.stop();
        const CancelRequest request(raw());
        const std::int64_t until = after(kCancelGrace);
        Result last, refused;
        // Both: a request that is under way could hit the next statement.
        if (!read_until(until, last, refused) || !request.wait_until(until)) lost("");
        throw sdk::Patience::failure(reason, "the database call");
    }
    Result result(PQgetResult(raw()));
    if (!result) reading_ = false;
    if (PQstatus(raw()) != CONNECTION_OK) {
        // A server that goes down says why before it hangs up.
        const char* sqlstate = result ? PQresultErrorField(result.get(), PG_DIAG_SQLSTATE) : nullptr;
        sdk::Failure failure = lost();
        if (sqlstate) failure.native = sqlstate;
        throw failure;
    }
    if (is_copy(result.get())) {
        lost("");
        throw bad_statement("COPY is not for this interface");
    }
    return result;
}

void Link::expect_no_more(std::string_view doing) {
    Result refused;
    while (Result result = next_result())
        if (!succeeded(result.get()) && !refused) refused = std::move(result);
    if (refused) throw server_failure(refused.get(), doing);
}

void Link::abandon(bool may_cancel) noexcept {
    if (!reading_) return;
    Result last, refused;
    if (read_until(after(may_cancel ? kReadOn : kReadOut), last, refused)) return;
    if (may_cancel && alive()) {
        try {
            const CancelRequest request(raw());
            const std::int64_t until = after(kCancelGrace);
            if (read_until(until, last, refused) && request.wait_until(until)) return;
        } catch (const std::exception&) {
        }
    }
    alive_ = false;
    reading_ = false;
}

std::string Link::next_notification() {
    for (;;) {
        if (!alive()) throw lost();
        const std::unique_ptr<PGnotify, decltype(&PQfreemem)> told(PQnotifies(raw()), PQfreemem);
        if (told) return told->relname;
        check();
        if (patience_.wait_for(PQsocket(raw()), POLLIN, after(std::chrono::hours(1))) != 0 &&
            PQconsumeInput(raw()) != 1)
            throw lost();
    }
}

void Link::drop_notifications() noexcept {
    while (PGnotify* told = PQnotifies(raw())) PQfreemem(told);
}

Result Link::run(const char* sql) {
    send(PQsendQuery(raw(), sql));
    Result last, refused;
    while (Result result = next_result())
        if (!succeeded(result.get()) && !refused)
            refused = std::move(result);
        else
            last = std::move(result);
    if (refused) throw server_failure(refused.get(), "query");
    return last;
}

Result Link::run_anyway(const char* sql, std::chrono::milliseconds limit) {
    const std::int64_t until = after(limit);
    if (!alive() || PQsendQuery(raw(), sql) != 1) throw lost();
    reading_ = true;
    Result last, refused;
    if (!send_until(until) || !read_until(until, last, refused))
        throw PQstatus(raw()) == CONNECTION_OK ? lost("the server does not answer") : lost();
    if (refused) throw server_failure(refused.get(), sql);
    return last;
}

bool Link::poll_until(short events, std::int64_t until_ns) const noexcept {
    pollfd fd{PQsocket(raw()), events, 0};
    const std::int64_t left = until_ns - sdk::monotonic_ns();
    if (left <= 0) return false;
    const std::timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    return ::ppoll(&fd, 1, &timeout, nullptr) > 0 || errno == EINTR;
}

bool Link::send_until(std::int64_t until_ns) noexcept {
    for (;;) {
        const int left = PQflush(raw());
        if (left <= 0) return left == 0;
        if (!poll_until(POLLIN | POLLOUT, until_ns) || PQconsumeInput(raw()) != 1) return false;
    }
}

bool Link::read_until(std::int64_t until_ns, Result& last, Result& refused) noexcept {
    while (reading_) {
        while (PQisBusy(raw()) != 0)
            if (!poll_until(POLLIN, until_ns) || PQconsumeInput(raw()) != 1) return false;
        Result result(PQgetResult(raw()));
        if (PQstatus(raw()) != CONNECTION_OK || is_copy(result.get())) return false;
        if (!result)
            reading_ = false;
        else if (succeeded(result.get()))
            last = std::move(result);
        else if (!refused)
            refused = std::move(result);
    }
    return true;
}

}  // namespace imgsrv::postgres
