#pragma once

#include <cstdint>
#include <string_view>

#include "cel/error.h"

namespace imgsrv::cel {

struct Token {
    enum class Kind : std::uint8_t {
        end,
        identifier,          // also the words true, false, null, in and the reserved ones
        escaped_identifier,  // `content-type`, without its quotes
        integer,             // digits or 0x and hex digits
        uinteger,            // the same and u
        real,
        string,  // with its prefix and quotes
        bytes,
        punctuation,
    };
    Kind kind = Kind::end;
    std::string_view text;  // borrowed from the source
    Position at;

    bool is(std::string_view punctuation) const { return kind == Kind::punctuation && text == punctuation; }
    bool is_word(std::string_view word) const { return kind == Kind::identifier && text == word; }
};

// Cuts a source text, which is valid UTF-8 and outlives the lexer, into tokens.
class Lexer {
  public:
    explicit Lexer(std::string_view source) : rest_(source) {}

    // Kind::end at the end, however often it is called.
    Result<Token> next();

  private:
    void skip_blanks();
    void advance(std::size_t bytes);
    Token take(Token::Kind kind, std::size_t bytes);
    Result<Token> number();
    Result<Token> quoted(std::size_t prefix);
    Result<Token> escaped_identifier();
    Error error(std::string message) const { return {Error::Kind::syntax, std::move(message), at_}; }

    std::string_view rest_;
    Position at_;
};

}  // namespace imgsrv::cel
