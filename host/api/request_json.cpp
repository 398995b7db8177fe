#include "api/request_json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/nearest.h"

namespace imgsrv::api {
namespace {

using nlohmann::json;

std::string_view kind_of(const json& value) {
    switch (value.type()) {
        case json::value_t::null:
            return "null";
        case json::value_t::object:
            return "an object";
        case json::value_t::array:
            return "an array";
        case json::value_t::string:
            return "a string";
        case json::value_t::boolean:
            return "a boolean";
        case json::value_t::number_float:
            return "a number with a fraction, an exponent or more than 64 bits";
        default:
            return "a number";
    }
}

Status wrong_type(const std::string& where, std::string_view wanted, const json& value) {
    return {Code::invalid_argument,
            where + " must be " + std::string(wanted) + ", but is " + std::string(kind_of(value))};
}

Status check_size(const std::string& where, std::size_t size, std::size_t max) {
    if (size <= max) return {};
    return {Code::invalid_argument,
            where + " has " + std::to_string(size) + " elements, at most " + std::to_string(max) + " are allowed"};
}

bool is_json(std::string_view content_type) {
    std::string type(content_type.substr(0, content_type.find(';')));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
    return type == "application/json";
}

// nlohmann's message for a syntax error, without its prefix: "line 1, column 2: …".
std::string syntax_error(const json::parse_error& error) {
    const std::string_view text(error.what());
    const auto at = text.find("parse error at ");
    return std::string(at == std::string_view::npos ? text : text.substr(at + 15));
}

}  // namespace

Result<RequestJson> RequestJson::read(http::Request& request, std::size_t max_bytes,
                                      std::initializer_list<std::string_view> allowed) {
    const std::string* type = request.headers.find("Content-Type");
    if (!type || !is_json(*type))
        return Status(Code::unsupported_media_type,
                      "the body must be application/json" + (type ? ", but is '" + type->substr(0, 64) + "'"
                                                                  : std::string(", but there is no Content-Type")));
    IMGSRV_ASSIGN(const std::string body, request.read_body(max_bytes));
    const auto object = std::make_shared<json>();
    try {
        *object = json::parse(body);
    } catch (const json::parse_error& error) {
        return Status(Code::invalid_argument, "the body is not valid JSON: " + syntax_error(error));
    }
    if (!object->is_object()) return wrong_type("the body", "a JSON object", *object);
    IMGSRV_TRY(check_members(*object, "", allowed));
    return RequestJson(object, "");
}

Status RequestJson::read_nothing(http::Request& request, std::size_t max_bytes) {
    if (!request.has_body) return {};
    return read(request, max_bytes, {}).status();
}

Status RequestJson::check_members(const json& object, std::string_view path,
                                  std::initializer_list<std::string_view> allowed) {
    for (const auto& [name, value] : object.items()) {
        if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
        const std::vector<std::string> known(allowed.begin(), allowed.end());
        const std::string near = nearest(name, known);
        std::string list;
        for (const auto& k : known) list += (list.empty() ? "" : ", ") + k;
        const std::string hint = known.empty()  ? "; no members are allowed here"
                                 : near.empty() ? "; the members are " + list
                                                : "; did you mean '" + near + "'?";
        return {Code::invalid_argument, "unknown member '" + std::string(path) + name.substr(0, 64) + "'" + hint};
    }
    return {};
}

Result<const json*> RequestJson::find(std::string_view member) const {
    const auto it = object_->find(std::string(member));
    if (it == object_->end() || it->is_null())
        return Status(Code::invalid_argument, "the member '" + where(member) + "' is missing");
    return &*it;
}

Result<std::string> RequestJson::string(std::string_view member) const {
    IMGSRV_ASSIGN(const json* value, find(member));
    if (!value->is_string()) return wrong_type(where(member), "a string", *value);
    return value->get<std::string>();
}

Result<std::optional<std::string>> RequestJson::optional_string(std::string_view member) const {
    const auto it = object_->find(std::string(member));
    if (it == object_->end() || it->is_null()) return std::optional<std::string>();
    if (!it->is_string()) return wrong_type(where(member), "a string", *it);
    return std::optional<std::string>(it->get<std::string>());
}

Result<std::int64_t> RequestJson::integer(std::string_view member) const {
    IMGSRV_ASSIGN(const json* value, find(member));
    if (!value->is_number_integer()) return wrong_type(where(member), "an integer", *value);
    if (value->is_number_unsigned() &&
        value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return Status(Code::invalid_argument, where(member) + " is larger than 9223372036854775807");
    return value->get<std::int64_t>();
}

Result<bool> RequestJson::boolean(std::string_view member) const {
    IMGSRV_ASSIGN(const json* value, find(member));
    if (!value->is_boolean()) return wrong_type(where(member), "a boolean", *value);
    return value->get<bool>();
}

Result<std::vector<std::string>> RequestJson::optional_strings(std::string_view member, std::size_t max) const {
    std::vector<std::string> list;
    const auto it = object_->find(std::string(member));
    if (it == object_->end() || it->is_null()) return list;
    if (!it->is_array()) return wrong_type(where(member), "an array", *it);
    IMGSRV_TRY(check_size(where(member), it->size(), max));
    list.reserve(it->size());
    for (const json& element : *it) {
        if (!element.is_string())
            return wrong_type(where(member) + "[" + std::to_string(list.size()) + "]", "a string", element);
        list.push_back(element.get<std::string>());
    }
    return list;
}

Result<std::optional<std::string>> RequestJson::optional_object(std::string_view member) const {
    const auto it = object_->find(std::string(member));
    if (it == object_->end() || it->is_null()) return std::optional<std::string>();
    if (!it->is_object()) return wrong_type(where(member), "an object", *it);
    return std::optional<std::string>(it->dump());
}

Result<std::vector<RequestJson>> RequestJson::objects(std::string_view member, std::size_t max,
                                                      std::initializer_list<std::string_view> allowed) const {
    IMGSRV_ASSIGN(const json* value, find(member));
    if (!value->is_array()) return wrong_type(where(member), "an array", *value);
    IMGSRV_TRY(check_size(where(member), value->size(), max));
    std::vector<RequestJson> list;
    list.reserve(value->size());
    for (std::size_t i = 0; i < value->size(); ++i) {
        const std::string path = where(member) + "[" + std::to_string(i) + "]";
        const json& element = (*value)[i];
        if (!element.is_object()) return wrong_type(path, "an object", element);
        IMGSRV_TRY(check_members(element, path + ".", allowed));
        list.push_back(RequestJson({object_, &element}, path + "."));
    }
    return list;
}

}  // namespace imgsrv::api
