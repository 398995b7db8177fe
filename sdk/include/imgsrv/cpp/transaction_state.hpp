// What the state of a database connection forbids, in any dialect: rules D3, D6, D7 and D12 of ABI.md. A driver that
// keeps one of these in each connection refuses the same calls as all others, in the same words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "../database.h"
#include "failure.hpp"

namespace imgsrv::sdk {

// FAILED_PRECONDITION for a call that does not fit the connection's state. It is a bug in the host, never the user's.
// message: names the function and the state, "commit: no transaction is open".
inline Failure out_of_turn(std::string message) {
    return {IMGSRV_FAILED_PRECONDITION, std::move(message)};
}

// Whether a transaction is open on a connection, whether it has failed, and which result is open. It runs no SQL: the
// driver begins and ends the transaction in its engine, and says so here. Rows is the driver's result, which has
// `void detach() noexcept`: from then on row_next() is ABORTED, and only rows_close() is left. One thread at a time.
template <class Rows>
class TransactionState {
  public:
    // native: the engine's own name for a statement that is refused because an earlier one failed, such as "25P02".
    // Lives as long as this object.
    explicit TransactionState(const char* native) noexcept : native_(native) {}
    // The results it knows are the host's and may outlive the connection.
    ~TransactionState() { detach_rows(); }
    TransactionState(const TransactionState&) = delete;
    TransactionState& operator=(const TransactionState&) = delete;

    bool open() const noexcept { return mode_.has_value(); }
    bool reading() const noexcept { return mode_ == IMGSRV_TX_READ; }
    bool writing() const noexcept { return mode_ == IMGSRV_TX_WRITE; }

    // What begin() may not do: FAILED_PRECONDITION when a transaction or a result is open, INVALID_ARGUMENT for an
    // unknown mode. Changes nothing.
    void check_begin(std::int32_t mode) const {
        if (open()) throw out_of_turn("begin: a transaction is open already");
        require_no_rows("begin");
        if (mode != IMGSRV_TX_READ && mode != IMGSRV_TX_WRITE)
            throw Failure(IMGSRV_INVALID_ARGUMENT, "begin: the mode is neither read nor write");
    }
    // When commit() is out of turn: FAILED_PRECONDITION without a transaction and with an open result, which leaves the
    // transaction as it is. A failed one is not out of turn: commit() ends it, with what require_usable() throws.
    void check_commit() const {
        if (!open()) throw out_of_turn("commit: no transaction is open");
        require_no_rows("commit");
    }
    // What every other function but rollback(), reset() and disconnect() begins with: FAILED_PRECONDITION when a result
    // is open, ABORTED when the transaction has failed. function: its name, for the message.
    void check(const char* function) const {
        require_no_rows(function);
        require_usable();
    }
    // ABORTED when a statement of the open transaction has failed.
    void require_usable() const {
        if (failed_)
            throw Failure(IMGSRV_ABORTED, "a statement of this transaction failed; only rollback is left")
                .with_native(native_);
    }

    // The engine has begun a transaction in this mode, which check_begin() has let pass.
    void begun(std::int32_t mode) noexcept { mode_ = mode; }
    // A statement of the open transaction has failed; without a transaction, nothing to remember.
    void fail() noexcept { failed_ = open(); }
    // The transaction is over, either way, also when the engine has ended it by itself.
    void ended() noexcept {
        mode_.reset();
        failed_ = false;
    }

    // Runs the work of query(), script() or row_next(): what it returns, or what it throws after fail().
    template <class Work>
    auto run(Work&& work) {
        try {
            return std::forward<Work>(work)();
        } catch (...) {
            fail();
            throw;
        }
    }

    // The result that query() hands out; null: the statement has none. Borrowed until rows_closed() or detach_rows().
    void rows_opened(Rows* rows) noexcept { rows_ = rows; }
    // From the result's destructor.
    void rows_closed() noexcept { rows_ = nullptr; }
    // For what ends a result from outside: rollback(), reset(), disconnect().
    void detach_rows() noexcept {
        if (rows_) std::exchange(rows_, nullptr)->detach();
    }

  private:
    void require_no_rows(const char* function) const {
        if (rows_) throw out_of_turn(std::string(function) + ": rows of an earlier query are still open");
    }

    const char* native_;
    std::optional<std::int32_t> mode_;
    bool failed_ = false;
    Rows* rows_ = nullptr;
};

}  // namespace imgsrv::sdk
