#include "parameters.h"

#include <charconv>
#include <climits>

#include "types.h"

namespace imgsrv::postgres {
namespace {

constexpr int kTextFormat = 0;

template <class Number>
std::string to_text(Number number) {
    char buffer[64];
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

}  // namespace

Parameters::Parameters(std::span<const imgsrv_value> values, std::span<const Oid> types) {
    values_.reserve(values.size());
    lengths_.reserve(values.size());
    formats_.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) add(values[i], types[i]);
}

void Parameters::add(const imgsrv_value& value, Oid type) {
    switch (value.type) {
        case IMGSRV_VAL_NULL:
            values_.push_back(nullptr);
            lengths_.push_back(0);
            formats_.push_back(kTextFormat);
            return;
        case IMGSRV_VAL_INT:
            return add_text(to_text(value.u.i));
        case IMGSRV_VAL_BOOL:
            // Statements written for a dialect without booleans compare them with 0 and 1.
            if (is_integral(type)) return add_text(value.u.i != 0 ? "1" : "0");
            return add_text(value.u.i != 0 ? "t" : "f");
        case IMGSRV_VAL_DOUBLE:
            return add_text(to_text(value.u.d));
        case IMGSRV_VAL_TEXT: {
            const std::string_view text = sdk::view(value.u.s);
            if (text.find('\0') != std::string_view::npos)
                throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "text with a NUL cannot be stored; bind it as a blob");
            return is_textual(type) ? add_binary(text) : add_text(std::string(text));
        }
        case IMGSRV_VAL_BLOB:
            return add_binary(sdk::view(value.u.s));
        default:
            throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "a parameter has a type this driver does not know");
    }
}

void Parameters::add_text(std::string text) {
    texts_.push_back(std::move(text));
    values_.push_back(texts_.back().c_str());
    lengths_.push_back(0);  // ignored for text
    formats_.push_back(kTextFormat);
}

void Parameters::add_binary(std::string_view bytes) {
    if (bytes.size() > INT_MAX / 2) throw sdk::Failure(IMGSRV_OUT_OF_RANGE, "a parameter is longer than 1 GiB");
    values_.push_back(bytes.empty() ? "" : bytes.data());  // null would be NULL
    lengths_.push_back(static_cast<int>(bytes.size()));
    formats_.push_back(kBinaryFormat);
}

}  // namespace imgsrv::postgres
