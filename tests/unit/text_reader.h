#pragma once

#include <string>

#include "ports/text_reader.h"

namespace imgsrv::test {

// Streams a text a few bytes at a time.
struct TextReader final : ports::TextReader {
    explicit TextReader(std::string text) : ports::TextReader(std::move(text), 3) {}
};

}  // namespace imgsrv::test
