#include "cel/literals.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "cel/utf8.h"

namespace imgsrv::cel {
namespace {

Error syntax(std::string message, Position at) {
    return {Error::Kind::syntax, std::move(message), at};
}

std::optional<std::uint64_t> parse_digits(std::string_view text, int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Result<Value> whole_number(const Token& token, bool negative) {
    std::string_view digits = token.text;
    const bool is_unsigned = token.kind == Token::Kind::uinteger;
    if (is_unsigned) digits.remove_suffix(1);
    const bool hex = digits.starts_with("0x");
    if (hex) digits.remove_prefix(2);
    const auto magnitude = parse_digits(digits, hex ? 16 : 10);
    if (is_unsigned) {
        if (!magnitude) return syntax("the number does not fit into a uint of 64 bits", token.at);
        return Value::uinteger(*magnitude);
    }
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    if (!magnitude || *magnitude > kMost + (negative ? 1 : 0))
        return syntax("the number does not fit into an int of 64 bits", token.at);
    return Value::integer(static_cast<std::int64_t>(negative ? 0 - *magnitude : *magnitude));
}

Result<Value> real_number(const Token& token, bool negative) {
    double value = 0;
    const auto [end, error] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
    if (error != std::errc() || end != token.text.data() + token.text.size() || !std::isfinite(value))
        return syntax("the number does not fit into a double", token.at);
    return Value::real(negative ? -value : value);
}

// The inside of a string literal that is not raw, read from left to right.
class Unescaper {
  public:
    Unescaper(std::string_view text, Position at, bool bytes) : text_(text), at_(at), bytes_(bytes) {}

    Result<std::string> run() {
        std::string out;
        out.reserve(text_.size());
        while (!text_.empty()) {
            if (text_.front() != '\\') {
                out += take();
                continue;
            }
            const Position start = at_;
            take();
            if (const char* message = escape(out)) return syntax(message, start);
        }
        return out;
    }

  private:
    char take() {
        const char c = text_.front();
        text_.remove_prefix(1);
        if (c == '\n') {
            ++at_.line;
            at_.column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
            ++at_.column;
        }
        return c;
    }

    // What follows a backslash. Null, or what is wrong with it.
    const char* escape(std::string& out) {
        if (text_.empty()) return "a backslash without a character after it";
        const char c = take();
        constexpr std::string_view kNames = "abfnrtv\\?\"'`";
        constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\?\"'`";
        if (const auto i = kNames.find(c); i != std::string_view::npos) {
            out += kMeanings[i];
            return nullptr;
        }
        switch (c) {
            case 'x':
            case 'X':
                return code(out, 2, 16, 0, "\\x needs two hexadecimal digits");
            case 'u':
                if (bytes_) return "\\u stands for a character and cannot be in bytes";
                return code(out, 4, 16, 0, "\\u needs four hexadecimal digits");
            case 'U':
                if (bytes_) return "\\U stands for a character and cannot be in bytes";
                return code(out, 8, 16, 0, "\\U needs eight hexadecimal digits");
            case '0':
            case '1':
            case '2':
            case '3':
                return code(out, 2, 8, static_cast<std::uint32_t>(c - '0') << 6U, "an octal escape needs three digits");
            default:
                return "an escape that does not exist";
        }
    }

    // `digits` digits of a number above `high`: one byte of bytes, one code point of a string.
    const char* code(std::string& out, std::size_t digits, int base, std::uint32_t high, const char* complaint) {
        if (text_.size() < digits) return complaint;
        const auto low = parse_digits(text_.substr(0, digits), base);
        if (!low) return complaint;
        for (std::size_t i = 0; i < digits; ++i) take();
        const auto value = high | static_cast<std::uint32_t>(*low);
        if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return "an escape that is no Unicode character";
        if (bytes_)
            out += static_cast<char>(static_cast<unsigned char>(value));
        else
            append_utf8(out, value);
        return nullptr;
    }

    std::string_view text_;
    Position at_;
    bool bytes_;
};

Result<Value> text_literal(const Token& token) {
    const bool bytes = token.kind == Token::Kind::bytes;
    std::string_view text = token.text;
    const std::size_t prefix = text.find_first_of("'\"");
    const bool raw = prefix > 0 && (text[prefix - 1] == 'r' || text[prefix - 1] == 'R');
    const std::string three(3, text[prefix]);
    const std::size_t quotes = text.substr(prefix).starts_with(three) && text.size() >= prefix + 6 ? 3 : 1;
    Position inside = token.at;
    inside.column += static_cast<std::uint32_t>(prefix + quotes);
    text = text.substr(prefix + quotes, text.size() - prefix - 2 * quotes);
    if (raw) return bytes ? Value::bytes(std::string(text)) : Value::string(std::string(text));
    CEL_ASSIGN(auto content, Unescaper(text, inside, bytes).run());
    return bytes ? Value::bytes(std::move(content)) : Value::string(std::move(content));
}

}  // namespace

Result<Value> literal_value(const Token& token, bool negative) {
    if (token.kind == Token::Kind::real) return real_number(token, negative);
    if (token.kind == Token::Kind::string || token.kind == Token::Kind::bytes) return text_literal(token);
    return whole_number(token, negative);
}

}  // namespace imgsrv::cel
