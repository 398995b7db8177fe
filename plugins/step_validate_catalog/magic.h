#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace imgsrv_validate {

// The bytes that a file of a catalogue format starts with, and what people call such a file.
struct Magic {
    std::string_view format;
    std::string_view bytes;
    std::string_view name;  // with its article
};

// Null for a format that may start with any bytes (`raw`).
const Magic* magic_of(std::string_view format);

// What the first bytes show the file to be, with an article, to say it in a message. Empty: nothing known.
std::string_view recognise(std::string_view head);

// The longest magic.
inline constexpr std::size_t kMagicBytes = 6;

}  // namespace imgsrv_validate
