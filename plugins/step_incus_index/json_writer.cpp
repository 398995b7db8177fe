#include "json_writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace imgsrv_incus {

void JsonWriter::separate() {
    if (comma_) buffer_ += ',';
    comma_ = true;
    if (buffer_.size() >= kBlock) flush();
}

// Plain ASCII is copied; for the rest nlohmann's escaping is used, which replaces invalid UTF-8.
void JsonWriter::quote(std::string_view text) {
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    if (std::ranges::all_of(text, plain))
        buffer_.append(1, '"').append(text).append(1, '"');
    else
        buffer_ += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    buffer_ += bracket;
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
    buffer_ += bracket;
    comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    quote(name);
    buffer_ += ':';
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    quote(text);
    return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t number) {
    separate();
    buffer_ += std::to_string(number);
    return *this;
}

void JsonWriter::flush() {
    out_(buffer_);
    buffer_.clear();
}

}  // namespace imgsrv_incus
