#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace imgsrv {

// What went wrong, as a class a caller can act on. The values up to 16 are those of the plugin ABI (canonical RPC
// codes); those from 100 exist only inside the host.
enum class Code : std::int32_t {
    ok = 0,
    cancelled = 1,
    invalid_argument = 3,
    deadline = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    out_of_range = 11,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
    data_loss = 15,
    unauthenticated = 16,
    too_large = 100,
    unsupported_media_type = 101,
    too_many_requests = 102,
};

// The name of a code as it stands in logs ("not_found").
std::string_view to_string(Code code);

// Why a database refused a statement; mirrors IMGSRV_DB_* of the ABI. none: not a database error.
enum class DbClass : std::int32_t {
    none = 0,
    unique,
    foreign_key,
    check,
    not_null,
    serialization,
    deadlock,
    busy,
    connection,
    read_only,
    syntax,
};

// The outcome of a call: OK, or a code with a message for people. Costs one pointer; OK allocates nothing. The message
// names the thing, the limit and the value that broke it. It never holds a secret, SQL text or a path. What only the
// operator may see (native code, cause) is in detail() and goes to the log, not to the client.
class [[nodiscard]] Status {
  public:
    Status() = default;
    Status(Code code, std::string message);
    Status(const Status& other);
    Status& operator=(const Status& other);
    Status(Status&&) noexcept = default;
    Status& operator=(Status&&) noexcept = default;
    ~Status() = default;

    bool ok() const { return !rep_; }
    Code code() const { return rep_ ? rep_->code : Code::ok; }
    std::string_view message() const { return rep_ ? std::string_view(rep_->message) : std::string_view(); }
    // For the log only.
    std::string_view detail() const { return rep_ ? std::string_view(rep_->detail) : std::string_view(); }
    // The same call may succeed later.
    bool retryable() const { return rep_ && rep_->retryable; }
    // The effect may have happened (a lost commit, a completion that timed out).
    bool outcome_unknown() const { return rep_ && rep_->outcome_unknown; }
    // 0: the callee gave no hint.
    std::uint32_t retry_after_ms() const { return rep_ ? rep_->retry_after_ms : 0; }
    DbClass db_class() const { return rep_ ? rep_->db_class : DbClass::none; }

    // Each returns the status itself, changed; no effect on OK.
    Status&& with_detail(std::string text) &&;
    Status&& with_retryable(bool value = true) &&;
    Status&& with_outcome_unknown(bool value = true) &&;
    Status&& with_retry_after_ms(std::uint32_t value) &&;
    Status&& with_db_class(DbClass value) &&;
    // Puts "<what>: " before the message.
    Status&& with_context(std::string_view what) &&;

    // "not_found: blob sha256:… is not here [ENOENT]", for logs.
    std::string describe() const;

  private:
    struct Rep {
        Code code = Code::internal;
        bool retryable = false;
        bool outcome_unknown = false;
        std::uint32_t retry_after_ms = 0;
        DbClass db_class = DbClass::none;
        std::string message;
        std::string detail;
    };
    std::unique_ptr<Rep> rep_;
};

// A value, or the status that says why there is none. The status inside is never OK.
template <class T>
class [[nodiscard]] Result {
  public:
    // Implicit, so that a function returns either as it stands.
    Result(T value) : v_(std::in_place_index<1>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
    // NOLINTNEXTLINE(google-explicit-constructor)
    Result(Status status) : v_(std::in_place_index<0>, std::move(status)) { assert(!std::get<0>(v_).ok()); }

    bool ok() const { return v_.index() == 1; }
    explicit operator bool() const { return ok(); }
    // OK when there is a value.
    const Status& status() const& {
        static const Status kOk;
        return ok() ? kOk : std::get<0>(v_);
    }
    Status status() && { return ok() ? Status() : std::move(std::get<0>(v_)); }
    // Requires ok().
    T& value() & { return *std::get_if<1>(&v_); }
    const T& value() const& { return *std::get_if<1>(&v_); }
    T&& value() && { return std::move(*std::get_if<1>(&v_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

  private:
    std::variant<Status, T> v_;
};

}  // namespace imgsrv

#define IMGSRV_CONCAT_(a, b) a##b
#define IMGSRV_CONCAT(a, b) IMGSRV_CONCAT_(a, b)

// Returns the status of expr from the enclosing function unless it is OK.
#define IMGSRV_TRY(expr)                                                      \
    do {                                                                      \
        if (::imgsrv::Status status_ = (expr); !status_.ok()) return status_; \
    } while (false)

// IMGSRV_ASSIGN(auto x, call()): returns the status of call() from the enclosing function, or binds its value.
#define IMGSRV_ASSIGN(decl, expr) IMGSRV_ASSIGN_(IMGSRV_CONCAT(result_, __COUNTER__), decl, expr)
#define IMGSRV_ASSIGN_(tmp, decl, expr)            \
    auto tmp = (expr);                             \
    if (!tmp.ok()) return std::move(tmp).status(); \
    decl = std::move(tmp).value()
