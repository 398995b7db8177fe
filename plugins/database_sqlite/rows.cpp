#include "rows.h"

#include <new>

#include "connection.h"
#include "error.h"

namespace imgsrv::sqlite {
namespace {

// The value as it is stored; text and blobs are borrowed until the next step.
imgsrv_value read_column(sqlite3_stmt* statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER:
            return sdk::integer_value(sqlite3_column_int64(statement, column));
        case SQLITE_FLOAT:
            return sdk::double_value(sqlite3_column_double(statement, column));
        case SQLITE_TEXT: {
            const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
            if (!text) throw std::bad_alloc();
            return sdk::text_value({text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))});
        }
        case SQLITE_BLOB: {
            const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
            if (!bytes && size > 0) throw std::bad_alloc();
            return sdk::blob_value({bytes ? bytes : "", size});
        }
        default:
            return sdk::null_value();
    }
}

sdk::Failure no_row() {
    return sdk::out_of_turn("there is no current row");
}
sdk::Failure no_column() {
    return {IMGSRV_OUT_OF_RANGE, "the result has no such column"};
}

}  // namespace

Rows::~Rows() {
    if (connection_) connection_->rows_closed();
}

Connection& Rows::connection() const {
    if (!connection_) throw sdk::Failure(IMGSRV_ABORTED, "the rows ended with their transaction");
    return *connection_;
}

Cursor::Cursor(Connection& connection, Statement& statement, bool has_row)
    : Rows(connection, static_cast<std::size_t>(sqlite3_column_count(statement.handle()))),
      statement_(&statement),
      at_(has_row ? At::before_first : At::end) {}

Cursor::~Cursor() {
    if (statement_) statement_->reset();
}

bool Cursor::next(const sdk::Call& call) {
    Connection& owner = connection();
    if (at_ == At::end) return false;
    if (at_ == At::before_first) {
        at_ = At::row;
        return true;
    }
    at_ = At::end;  // also when the step fails
    if (owner.step_cursor(call, *statement_)) at_ = At::row;
    return at_ == At::row;
}

imgsrv_value Cursor::get(std::size_t column) {
    connection();
    if (at_ != At::row) throw no_row();
    if (column >= width()) throw no_column();
    return read_column(statement_->handle(), static_cast<int>(column));
}

void Cursor::detach() noexcept {
    if (statement_) statement_->reset();
    statement_ = nullptr;
    Rows::detach();
}

void StoredRows::add(sqlite3_stmt* statement) {
    for (std::size_t i = 0; i < width(); ++i) {
        Value value{read_column(statement, static_cast<int>(i)), {}};
        if (value.plain.type == IMGSRV_VAL_TEXT || value.plain.type == IMGSRV_VAL_BLOB)
            value.bytes = sdk::view(value.plain.u.s);
        values_.push_back(std::move(value));
    }
}

bool StoredRows::next(const sdk::Call&) {
    connection();
    if (position_ * width() >= values_.size()) {
        values_.clear();
        return false;
    }
    ++position_;
    return true;
}

imgsrv_value StoredRows::get(std::size_t column) {
    connection();
    if (position_ == 0 || values_.empty()) throw no_row();
    if (column >= width()) throw no_column();
    const Value& value = values_[(position_ - 1) * width() + column];
    imgsrv_value plain = value.plain;
    if (plain.type == IMGSRV_VAL_TEXT || plain.type == IMGSRV_VAL_BLOB) plain.u.s = sdk::str(value.bytes);
    return plain;
}

}  // namespace imgsrv::sqlite
