#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// Reads Protocol Buffers' text format without a schema: as much of it as test data uses.
namespace textproto {

struct Message;

struct Scalar {
    std::string text;  // decoded when it was quoted
    bool quoted = false;
};

struct Field {
    std::string name;  // "[type.googleapis.com/x.Y]" for an extension or the content of an Any
    std::variant<Scalar, std::vector<Message>> value;  // a vector of exactly one, since Message is not complete here

    const Message* message() const;
    const Scalar* scalar() const { return std::get_if<Scalar>(&value); }
};

struct Message {
    std::vector<Field> fields;

    const Field* find(std::string_view name) const;
    std::vector<const Message*> messages(std::string_view name) const;
    // Empty when there is no such field.
    std::string text(std::string_view name) const;
};

// The error: "line 12: expected a name".
std::variant<Message, std::string> parse(std::string_view text);

}  // namespace textproto
