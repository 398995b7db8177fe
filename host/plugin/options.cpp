#include "plugin/options.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/nearest.h"
#include "core/redaction.h"
#include "core/units.h"

namespace imgsrv::plugin {
namespace {

constexpr std::size_t kLargestSecretFile = 64 * 1024;
constexpr std::string_view kFileSuffix = "_file";

std::string canonical(std::string key) {
    std::ranges::replace(key, '-', '_');
    return key;
}

Status wrong(std::string_view key, const std::string& origin, const std::string& why) {
    const std::string where = origin.empty() ? std::string() : " (" + origin + ")";
    return {Code::invalid_argument, "option '" + std::string(key) + "'" + where + ": " + why};
}

Result<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || at != end)
        return Status(Code::invalid_argument, "'" + std::string(text) + "' is not a whole number");
    return value;
}

Result<bool> parse_boolean(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return Status(Code::invalid_argument, "'" + std::string(text) + "' is neither true nor false");
}

Result<CheckedOptions::Value> parse(OptionType type, const std::string& text) {
    switch (type) {
        case OptionType::string:
            return CheckedOptions::Value(text);
        case OptionType::integer: {
            IMGSRV_ASSIGN(const std::int64_t value, parse_integer(text));
            return CheckedOptions::Value(value);
        }
        case OptionType::boolean: {
            IMGSRV_ASSIGN(const bool value, parse_boolean(text));
            return CheckedOptions::Value(value);
        }
        case OptionType::duration: {
            IMGSRV_ASSIGN(const auto value, parse_duration(text));
            return CheckedOptions::Value(static_cast<std::int64_t>(value.count()));
        }
        case OptionType::size: {
            IMGSRV_ASSIGN(const std::uint64_t value, parse_size(text));
            return CheckedOptions::Value(static_cast<std::int64_t>(value));
        }
        case OptionType::list:
            return CheckedOptions::Value(std::vector<std::string>{text});
    }
    return Status(Code::internal, "an option of an unknown type");
}

Result<CheckedOptions::Value> parse(const OptionInfo& option, const OptionValue& given) {
    if (const auto* list = std::get_if<std::vector<std::string>>(&given.value)) {
        if (option.type != OptionType::list) return Status(Code::invalid_argument, "takes one value, not a list");
        return CheckedOptions::Value(*list);
    }
    return parse(option.type, std::get<std::string>(given.value));
}

Result<std::string> read_secret(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return Status(Code::invalid_argument, "'" + path + "' cannot be opened: " + std::strerror(errno));
    std::string text(kLargestSecretFile + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return Status(Code::invalid_argument, "'" + path + "' cannot be read");
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kLargestSecretFile) return Status(Code::invalid_argument, "'" + path + "' is larger than 64 KiB");
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    if (text.empty()) return Status(Code::invalid_argument, "'" + path + "' is empty");
    return text;
}

std::string as_json(const std::map<std::string, CheckedOptions::Value, std::less<>>& values) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [key, value] : values) std::visit([&, &k = key](const auto& v) { object[k] = v; }, value);
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What one option's value is; none when it is neither set nor has a default.
Result<std::optional<CheckedOptions::Value>> resolve(const OptionInfo& option, const OptionValues& given) {
    const auto plain = given.find(option.key);
    const auto file = option.secret ? given.find(option.key + std::string(kFileSuffix)) : given.end();
    if (plain != given.end() && file != given.end())
        return wrong(option.key, plain->second.origin, "is set both directly and as '" + file->first + "'; keep one");

    std::optional<CheckedOptions::Value> value;
    if (file != given.end()) {
        const auto* path = std::get_if<std::string>(&file->second.value);
        if (!path) return wrong(file->first, file->second.origin, "takes one file name, not a list");
        auto secret = read_secret(*path);
        if (!secret.ok()) return wrong(file->first, file->second.origin, std::string(secret.status().message()));
        value = std::move(*secret);
    } else if (plain != given.end()) {
        auto parsed = parse(option, plain->second);
        if (!parsed.ok()) return wrong(option.key, plain->second.origin, std::string(parsed.status().message()));
        value = std::move(*parsed);
    } else if (option.has_default) {
        auto parsed = parse(option.type, option.default_text);
        if (!parsed.ok())
            return wrong(option.key, "",
                         "the plugin's own default is wrong: " + std::string(parsed.status().message()));
        value = std::move(*parsed);
    }
    if (option.secret && value)
        if (const auto* text = std::get_if<std::string>(&*value)) keep_secret(*text);
    return value;
}

}  // namespace

std::string_view to_string(OptionType type) {
    switch (type) {
        case OptionType::string:
            return "string";
        case OptionType::integer:
            return "integer";
        case OptionType::boolean:
            return "boolean";
        case OptionType::duration:
            return "duration";
        case OptionType::size:
            return "size";
        case OptionType::list:
            return "list of strings";
    }
    return "unknown";
}

std::vector<OptionInfo> describe_options(const imgsrv_option* const* options) {
    std::vector<OptionInfo> infos;
    for (auto at = options; at && *at; ++at) {
        const imgsrv_option& o = **at;
        infos.push_back({o.key, static_cast<OptionType>(o.type), (o.flags & IMGSRV_OPT_REQUIRED) != 0,
                         (o.flags & IMGSRV_OPT_SECRET) != 0, o.default_text != nullptr,
                         o.default_text ? o.default_text : "", o.help ? o.help : ""});
    }
    return infos;
}

std::vector<std::string> option_keys(const std::vector<OptionInfo>& declared) {
    std::vector<std::string> keys;
    for (const OptionInfo& o : declared) {
        keys.push_back(o.key);
        if (o.secret) keys.push_back(o.key + std::string(kFileSuffix));
    }
    return keys;
}

Result<CheckedOptions> check_options(const std::vector<OptionInfo>& declared, const OptionValues& spelled) {
    const std::vector<std::string> known = option_keys(declared);
    OptionValues given;
    for (const auto& [key, value] : spelled) {
        const std::string name = canonical(key);
        if (std::ranges::find(known, name) == known.end()) {
            const std::string meant = nearest(name, known);
            return wrong(key, value.origin,
                         meant.empty() ? "this driver has no such option"
                                       : "this driver has no such option; did you mean '" + meant + "'?");
        }
        if (!given.emplace(name, value).second) return wrong(key, value.origin, "is set twice");
    }

    CheckedOptions checked;
    for (const OptionInfo& option : declared) {
        checked.declared_.push_back(option.key);
        IMGSRV_ASSIGN(auto value, resolve(option, given));
        if (value)
            checked.values_.emplace(option.key, std::move(*value));
        else if (option.required)
            return wrong(option.key, "", "is required (" + option.help + ")");
    }
    checked.json_ = as_json(checked.values_);
    return checked;
}

}  // namespace imgsrv::plugin
