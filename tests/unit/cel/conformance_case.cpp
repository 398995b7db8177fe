#include "conformance_case.h"

#include <cmath>
#include <stdexcept>

using namespace imgsrv::cel;
using textproto::Field;
using textproto::Message;

namespace {

// Thrown by the readers below: the case needs what the library leaves out.
struct LeftOut : std::runtime_error {
    using std::runtime_error::runtime_error;
};

Value read_value(const Message& message);

Value read_list(const Message& message) {
    List list;
    for (const Message* value : message.messages("values")) list.push_back(read_value(*value));
    return Value::list(std::move(list));
}

Value read_map(const Message& message) {
    std::vector<Map::Entry> entries;
    for (const Message* entry : message.messages("entries")) {
        const Field* key = entry->find("key");
        const Field* value = entry->find("value");
        if (!key || !value) throw std::runtime_error("an entry without key or value");
        entries.emplace_back(read_value(*key->message()), read_value(*value->message()));
    }
    auto map = Map::of(std::move(entries));
    if (!map) throw std::runtime_error("a map with a key that stands twice");
    return Value::map(std::move(*map));
}

Value read_value(const Message& message) {
    if (message.fields.empty()) throw std::runtime_error("a value without content");
    const Field& field = message.fields.front();
    const std::string& kind = field.name;
    if (kind == "list_value") return read_list(*field.message());
    if (kind == "map_value") return read_map(*field.message());
    if (kind == "object_value") throw LeftOut("protobuf messages");
    if (kind == "enum_value") throw LeftOut("protobuf enumerations");
    if (kind == "type_value") throw LeftOut("types as values");
    const std::string text = field.scalar() ? field.scalar()->text : std::string();
    if (kind == "null_value") return {};
    if (kind == "bool_value") return Value::boolean(text == "true");
    if (kind == "int64_value") return Value::integer(std::stoll(text));
    if (kind == "uint64_value") return Value::uinteger(std::stoull(text));
    if (kind == "double_value") return Value::real(std::stod(text));
    if (kind == "string_value") return Value::string(text);
    if (kind == "bytes_value") return Value::bytes(text);
    throw std::runtime_error("a value of the unknown kind " + kind);
}

Type read_type(const Message& message) {
    const Field& field = message.fields.front();
    if (field.name == "list_type") return Type::list(read_type(*field.message()->find("elem_type")->message()));
    if (field.name == "map_type") {
        const Message& map = *field.message();
        return Type::map(read_type(*map.find("key_type")->message()), read_type(*map.find("value_type")->message()));
    }
    if (field.name == "message_type") throw LeftOut("protobuf messages");
    if (field.name == "dyn") return {};
    if (field.name != "primitive") throw LeftOut("a variable of the type " + field.name);
    const std::string name = field.scalar()->text;
    if (name == "BOOL") return Type::Kind::boolean;
    if (name == "INT64") return Type::Kind::integer;
    if (name == "UINT64") return Type::Kind::uinteger;
    if (name == "DOUBLE") return Type::Kind::real;
    if (name == "STRING") return Type::Kind::string;
    if (name == "BYTES") return Type::Kind::bytes;
    throw LeftOut("a variable of the type " + name);
}

void read_case(const Message& message, ConformanceCase& out) {
    out.expression = message.text("expr");
    out.checked = message.text("disable_check") != "true";
    if (message.find("container")) throw LeftOut("protobuf messages (the case names a container)");
    for (const Message* declared : message.messages("type_env")) {
        const Field* ident = declared->find("ident");
        if (!ident) throw LeftOut("functions of the case's own");
        out.declarations[declared->text("name")] = read_type(*ident->message()->find("type")->message());
    }
    for (const Message* binding : message.messages("bindings"))
        out.bindings[binding->text("key")] = read_value(*binding->find("value")->message()->find("value")->message());
    if (const Field* value = message.find("value"))
        out.value = read_value(*value->message());
    else if (!message.find("eval_error") && !message.find("any_eval_errors"))
        out.value = Value::boolean(true);  // simple.proto: what is not said is true
}

}  // namespace

std::vector<ConformanceCase> conformance_cases(const std::string& file, const Message& content) {
    std::vector<ConformanceCase> cases;
    for (const Message* section : content.messages("section"))
        for (const Message* test : section->messages("test")) {
            ConformanceCase c;
            c.name = file + "/" + section->text("name") + "/" + test->text("name");
            try {
                read_case(*test, c);
            } catch (const LeftOut& why) {
                c.left_out = why.what();
            }
            cases.push_back(std::move(c));
        }
    return cases;
}

bool identical(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    if (a.is(Kind::real) && std::isnan(a.as_real())) return std::isnan(b.as_real());
    if (a.is(Kind::list)) {
        if (a.as_list().size() != b.as_list().size()) return false;
        for (std::size_t i = 0; i < a.as_list().size(); ++i)
            if (!identical(a.as_list()[i], b.as_list()[i])) return false;
        return true;
    }
    if (a.is(Kind::map)) {
        const auto& left = a.as_map().entries();
        const auto& right = b.as_map().entries();
        if (left.size() != right.size()) return false;
        for (std::size_t i = 0; i < left.size(); ++i)
            if (!identical(left[i].first, right[i].first) || !identical(left[i].second, right[i].second)) return false;
        return true;
    }
    Budget budget(1'000'000);
    return equal(a, b, budget).value_or(false);
}

std::string show(const Value& value) {
    switch (value.kind()) {
        case Kind::boolean:
            return value.as_boolean() ? "true" : "false";
        case Kind::integer:
            return std::to_string(value.as_integer());
        case Kind::uinteger:
            return std::to_string(value.as_uinteger()) + "u";
        case Kind::real:
            return std::to_string(value.as_real()) + " (double)";
        case Kind::string:
        case Kind::bytes:
            return std::string(type_name(value.kind())) + " \"" + std::string(value.text()) + "\"";
        default:
            return std::string(type_name(value.kind()));
    }
}
