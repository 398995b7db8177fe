#include "rows.h"

#include <bit>
#include <charconv>
#include <cstring>

#include "connection.h"
#include "error.h"
#include "types.h"

namespace imgsrv::postgres {
namespace {

template <class Number>
Number parse(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        throw sdk::Failure(IMGSRV_INTERNAL, "PostgreSQL sent a number that cannot be read");
    return number;
}

// Network byte order.
template <class Bits>
Bits big_endian(std::string_view bytes) {
    if (bytes.size() != sizeof(Bits))
        throw sdk::Failure(IMGSRV_INTERNAL, "PostgreSQL sent a value of unexpected length");
    Bits bits = 0;
    for (const unsigned char c : bytes) bits = static_cast<Bits>(static_cast<std::uint64_t>(bits) << 8 | c);
    return bits;
}

int hex_digit(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

// "\x48656c6c6f", the text form of a bytea.
std::string bytes_of_hex(std::string_view text) {
    if (!text.starts_with("\\x") || text.size() % 2 != 0)
        throw sdk::Failure(IMGSRV_INTERNAL, "PostgreSQL sent bytes in a form that cannot be read");
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 2; i < text.size(); i += 2)
        bytes += static_cast<char>(hex_digit(text[i]) << 4 | hex_digit(text[i + 1]));
    return bytes;
}

}  // namespace

Rows::Rows(Connection& connection, Result first, bool goes_on)
    : connection_(&connection),
      result_(std::move(first)),
      width_(static_cast<std::size_t>(PQnfields(result_.get()))),
      goes_on_(goes_on) {}

Rows::~Rows() {
    if (connection_) connection_->rows_closed();
}

void Rows::require_connection() const {
    if (!connection_) throw sdk::Failure(IMGSRV_ABORTED, "the rows ended with their transaction");
}

bool Rows::next(const sdk::Call& call) {
    require_connection();
    if (result_ && ++row_ < PQntuples(result_.get())) return true;
    result_.reset();
    if (goes_on_) {
        goes_on_ = false;  // also when this fails
        result_ = connection_->next_row(call);
        goes_on_ = result_ != nullptr;
        row_ = 0;
    }
    return result_ != nullptr;
}

imgsrv_value Rows::get(std::size_t column) {
    require_connection();
    if (!result_ || row_ < 0) throw sdk::out_of_turn("there is no current row");
    if (column >= width_) throw sdk::Failure(IMGSRV_OUT_OF_RANGE, "the result has no such column");
    const int c = static_cast<int>(column);
    if (PQgetisnull(result_.get(), row_, c) != 0) return sdk::null_value();
    const Oid type = PQftype(result_.get(), c);
    return PQfformat(result_.get(), c) == kBinaryFormat ? decode_binary(c, type) : decode_text(c, type);
}

imgsrv_value Rows::decode_text(int column, Oid type) {
    const std::string_view text(PQgetvalue(result_.get(), row_, column),
                                static_cast<std::size_t>(PQgetlength(result_.get(), row_, column)));
    switch (type) {
        case kInt2:
        case kInt4:
        case kInt8:
        case kOid:
            return sdk::integer_value(parse<std::int64_t>(text));
        case kFloat4:
        case kFloat8:
            return sdk::double_value(parse<double>(text));
        case kBool:
            return sdk::boolean_value(text == "t");
        case kBytea:
            bytes_.resize(width_);
            return sdk::blob_value(bytes_[static_cast<std::size_t>(column)] = bytes_of_hex(text));
        default:
            return sdk::text_value(text);
    }
}

imgsrv_value Rows::decode_binary(int column, Oid type) const {
    const std::string_view bytes(PQgetvalue(result_.get(), row_, column),
                                 static_cast<std::size_t>(PQgetlength(result_.get(), row_, column)));
    switch (type) {
        case kInt2:
            return sdk::integer_value(static_cast<std::int16_t>(big_endian<std::uint16_t>(bytes)));
        case kInt4:
            return sdk::integer_value(static_cast<std::int32_t>(big_endian<std::uint32_t>(bytes)));
        case kInt8:
            return sdk::integer_value(static_cast<std::int64_t>(big_endian<std::uint64_t>(bytes)));
        case kFloat4:
            return sdk::double_value(std::bit_cast<float>(big_endian<std::uint32_t>(bytes)));
        case kFloat8:
            return sdk::double_value(std::bit_cast<double>(big_endian<std::uint64_t>(bytes)));
        case kBool:
            return sdk::boolean_value(big_endian<std::uint8_t>(bytes) != 0);
        case kBytea:
            return sdk::blob_value(bytes);
        default:
            return sdk::text_value(bytes);
    }
}

}  // namespace imgsrv::postgres
