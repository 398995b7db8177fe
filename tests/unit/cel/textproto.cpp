#include "textproto.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "cel/utf8.h"

namespace textproto {
namespace {

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    // Fields up to `end`, which is taken: '}' or the end of the text (0).
    std::optional<Message> message(char end) {
        Message message;
        for (;;) {
            blanks();
            while (peek() == ',' || peek() == ';') {
                ++at_;
                blanks();
            }
            if (at_ == text_.size()) {
                if (end != 0) return fail("a message has no end");
                return message;
            }
            if (end != 0 && peek() == end) {
                ++at_;
                return message;
            }
            auto field = this->field();
            if (!field) return std::nullopt;
            message.fields.push_back(std::move(*field));
        }
    }

    std::string error;

  private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    std::nullopt_t fail(const std::string& why) {
        const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
        if (error.empty()) error = "line " + std::to_string(line) + ": " + why;
        return std::nullopt;
    }

    void blanks() {
        while (at_ < text_.size())
            if (peek() == '#')
                at_ = std::min(text_.find('\n', at_), text_.size());
            else if (std::isspace(static_cast<unsigned char>(peek())))
                ++at_;
            else
                return;
    }

    std::optional<Field> field() {
        Field field;
        if (peek() == '[') {
            const auto close = text_.find(']', at_);
            if (close == std::string_view::npos) return fail("'[' without ']'");
            field.name = text_.substr(at_, close + 1 - at_);
            at_ = close + 1;
        } else {
            field.name = word();
        }
        if (field.name.empty()) return fail("expected the name of a field");
        blanks();
        if (peek() == ':') {
            ++at_;
            blanks();
        }
        if (peek() == '{') {
            ++at_;
            auto inner = message('}');
            if (!inner) return std::nullopt;
            field.value = std::vector<Message>{std::move(*inner)};
            return field;
        }
        auto value = scalar();
        if (!value) return std::nullopt;
        field.value = std::move(*value);
        return field;
    }

    std::string word() {
        const std::size_t from = at_;
        while (std::isalnum(static_cast<unsigned char>(peek())) || peek() == '_' || peek() == '-' || peek() == '+' ||
               peek() == '.')
            ++at_;
        return std::string(text_.substr(from, at_ - from));
    }

    std::optional<Scalar> scalar() {
        Scalar scalar;
        if (peek() != '"' && peek() != '\'') {
            scalar.text = word();
            if (scalar.text.empty()) return fail("expected a value");
            return scalar;
        }
        scalar.quoted = true;
        // Strings beside each other are one.
        while (peek() == '"' || peek() == '\'') {
            if (!quoted(scalar.text)) return std::nullopt;
            blanks();
        }
        return scalar;
    }

    bool quoted(std::string& out) {
        const char quote = text_[at_++];
        while (at_ < text_.size() && peek() != quote) {
            if (peek() != '\\') {
                out += text_[at_++];
                continue;
            }
            ++at_;
            if (!escape(out)) return fail("an escape that does not exist"), false;
        }
        if (at_ == text_.size()) return fail("a string has no end"), false;
        ++at_;
        return true;
    }

    std::uint32_t digits(std::size_t most, unsigned base) {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < most && std::isxdigit(static_cast<unsigned char>(peek())); ++i, ++at_) {
            const char c = static_cast<char>(std::tolower(static_cast<unsigned char>(peek())));
            const auto digit = static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : c - '0');
            if (digit >= base) break;
            value = value * base + digit;
        }
        return value;
    }

    bool escape(std::string& out) {
        constexpr std::string_view kNames = "abfnrtv\\?'\"`";
        constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\?'\"`";
        const char c = peek();
        if (const auto i = kNames.find(c); c != '\0' && i != std::string_view::npos) {
            out += kMeanings[i];
            ++at_;
        } else if (c >= '0' && c <= '7') {
            out += static_cast<char>(digits(3, 8));
        } else if (c == 'x' || c == 'X') {
            ++at_;
            out += static_cast<char>(digits(2, 16));
        } else if (c == 'u' || c == 'U') {
            ++at_;
            imgsrv::cel::append_utf8(out, digits(c == 'u' ? 4 : 8, 16));
        } else {
            return false;
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

const Message* Field::message() const {
    const auto* inner = std::get_if<std::vector<Message>>(&value);
    return inner ? &inner->front() : nullptr;
}

const Field* Message::find(std::string_view name) const {
    const auto it = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
    return it == fields.end() ? nullptr : &*it;
}

std::vector<const Message*> Message::messages(std::string_view name) const {
    std::vector<const Message*> found;
    for (const Field& field : fields)
        if (field.name == name && field.message()) found.push_back(field.message());
    return found;
}

std::string Message::text(std::string_view name) const {
    const Field* field = find(name);
    return field && field->scalar() ? field->scalar()->text : std::string();
}

std::variant<Message, std::string> parse(std::string_view text) {
    Reader reader(text);
    auto message = reader.message(0);
    if (!message) return reader.error;
    return std::move(*message);
}

}  // namespace textproto
