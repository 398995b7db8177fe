#include "cel/lexer.h"

#include <algorithm>

namespace imgsrv::cel {
namespace {

// No function of <cctype>: they depend on the locale.
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool starts_identifier(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool continues_identifier(char c) {
    return starts_identifier(c) || is_digit(c);
}

template <class Pred>
std::size_t run(std::string_view text, std::size_t from, Pred pred) {
    while (from < text.size() && pred(text[from])) ++from;
    return from;
}

bool at_is(std::string_view text, std::size_t i, std::string_view any_of) {
    return i < text.size() && any_of.find(text[i]) != std::string_view::npos;
}

// The bytes of a string literal's prefix: none, r, b or br in any case; npos: this is no string.
std::size_t quote_prefix(std::string_view text) {
    std::size_t n = 0;
    if (at_is(text, n, "bB")) ++n;
    if (at_is(text, n, "rR")) ++n;
    return at_is(text, n, "'\"") ? n : std::string_view::npos;
}

}  // namespace

void Lexer::advance(std::size_t bytes) {
    for (const char c : rest_.substr(0, bytes)) {
        if (c == '\n') {
            ++at_.line;
            at_.column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
            ++at_.column;
        }
    }
    rest_.remove_prefix(bytes);
}

Token Lexer::take(Token::Kind kind, std::size_t bytes) {
    const Token token{kind, rest_.substr(0, bytes), at_};
    advance(bytes);
    return token;
}

void Lexer::skip_blanks() {
    while (!rest_.empty())
        if (at_is(rest_, 0, " \t\n\f\r"))
            advance(1);
        else if (rest_.starts_with("//"))
            advance(std::min(rest_.find('\n'), rest_.size()));
        else
            return;
}

Result<Token> Lexer::next() {
    skip_blanks();
    if (rest_.empty()) return take(Token::Kind::end, 0);
    if (const std::size_t prefix = quote_prefix(rest_); prefix != std::string_view::npos) return quoted(prefix);
    const char c = rest_.front();
    if (starts_identifier(c)) return take(Token::Kind::identifier, run(rest_, 0, continues_identifier));
    if (is_digit(c) || (c == '.' && rest_.size() > 1 && is_digit(rest_[1]))) return number();
    if (c == '`') return escaped_identifier();
    for (const std::string_view two : {"==", "!=", "<=", ">=", "&&", "||"})
        if (rest_.starts_with(two)) return take(Token::Kind::punctuation, 2);
    if (at_is(rest_, 0, "<>!+-*/%?:.,()[]{}")) return take(Token::Kind::punctuation, 1);
    if (c == '=') return error("'=' is not an operator; equality is '=='");
    if (c == '&' || c == '|')
        return error(std::string("'") + c + "' is not an operator; the logical one is '" + c + c + "'");
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F) return error("a character that is only allowed inside a string");
    return error(std::string("unexpected character '") + c + "'");
}

Result<Token> Lexer::number() {
    std::size_t end = 0;
    auto kind = Token::Kind::integer;
    if (rest_.starts_with("0x")) {
        end = run(rest_, 2, is_hex_digit);
        if (end == 2) return error("'0x' without a hexadecimal digit");
    } else {
        end = run(rest_, 0, is_digit);
        if (end + 1 < rest_.size() && rest_[end] == '.' && is_digit(rest_[end + 1])) {
            kind = Token::Kind::real;
            end = run(rest_, end + 1, is_digit);
        }
        if (at_is(rest_, end, "eE")) {
            const std::size_t digits = end + (at_is(rest_, end + 1, "+-") ? 2 : 1);
            const std::size_t after = run(rest_, digits, is_digit);
            if (after == digits) return error("a number's exponent has no digit");
            kind = Token::Kind::real;
            end = after;
        }
    }
    if (kind == Token::Kind::integer && at_is(rest_, end, "uU")) {
        kind = Token::Kind::uinteger;
        ++end;
    }
    if (end < rest_.size() && continues_identifier(rest_[end]))
        return error(std::string("'") + rest_[end] + "' directly after a number");
    return take(kind, end);
}

Result<Token> Lexer::quoted(std::size_t prefix) {
    const auto kind = at_is(rest_, 0, "bB") ? Token::Kind::bytes : Token::Kind::string;
    const bool raw = prefix > 0 && at_is(rest_, prefix - 1, "rR");
    const char quote = rest_[prefix];
    const bool triple = rest_.substr(prefix).starts_with(std::string(3, quote));
    const std::string close(triple ? 3 : 1, quote);
    std::size_t i = prefix + close.size();
    while (i < rest_.size() && !rest_.substr(i).starts_with(close)) {
        if (!triple && (rest_[i] == '\n' || rest_[i] == '\r')) break;
        i += !raw && rest_[i] == '\\' ? 2 : 1;
    }
    if (i >= rest_.size() || !rest_.substr(i).starts_with(close)) return error("unterminated string");
    return take(kind, i + close.size());
}

Result<Token> Lexer::escaped_identifier() {
    const std::size_t end = run(rest_, 1, [](char c) { return continues_identifier(c) || at_is({&c, 1}, 0, ".-/ "); });
    if (end >= rest_.size() || rest_[end] != '`')
        return error("this quoted name is unterminated, or has a character that is not allowed in one");
    if (end == 1) return error("a quoted name must not be empty");
    Token token = take(Token::Kind::escaped_identifier, end + 1);
    token.text = token.text.substr(1, end - 1);
    return token;
}

}  // namespace imgsrv::cel
