#include "config/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "config/layers.h"
#include "core/log.h"
#include "core/nearest.h"
#include "core/units.h"

namespace imgsrv::config {
namespace {

// Anything less would expire every upload at once, or keep a processor busy polling.
struct Least {
    std::string_view key;
    std::chrono::milliseconds duration;
    std::string_view why;
};
constexpr std::array<Least, 7> kLeasts = {{
    // An hour more than the Cache-Control of documents lets clients cache them.
    {"gc-grace", std::chrono::minutes(61), ", the time for which clients may rely on cached documents"},
    {"upload-ttl", std::chrono::seconds(1), ""},
    {"cas-promotion-poll-interval", std::chrono::milliseconds(10), ""},
    {"cas-promotion-error-backoff", std::chrono::milliseconds(10), ""},
    {"cas-promotion-error-backoff-max", std::chrono::milliseconds(10), ""},
    {"cas-promotion-circuit-breaker-cooldown", std::chrono::milliseconds(10), ""},
    {"scrub-interval", std::chrono::milliseconds(100), ""},
}};

constexpr const char* kDefaultFile = "/etc/imgsrv/imgsrv.toml";

constexpr std::int64_t kMost = 1'000'000;  // for counts
constexpr unsigned kMostHops = 32;

const KnownKey* find_known(std::string_view key) {
    for (const auto& known : known_keys())
        if (known.key == key) return &known;
    return nullptr;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> list;
    while (!text.empty()) {
        const auto one = text.substr(0, text.find(','));
        if (!one.empty()) list.emplace_back(one);
        text.remove_prefix(std::min(text.size(), one.size() + 1));
    }
    return list;
}

Status unknown_key(const std::string& key, const Value& value) {
    std::vector<std::string> names;
    for (const auto& known : known_keys()) names.emplace_back(known.key);
    const std::string near = nearest(key, names);
    return {Code::invalid_argument, value.origin + ": unknown setting '" + key + "'" +
                                        (near.empty() ? std::string() : "; did you mean '" + near + "'?")};
}

std::optional<unsigned> parse_hops(std::string_view text) {
    if (text == "false") return 0;
    if (text == "true") return std::numeric_limits<unsigned>::max();
    unsigned hops = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hops);
    if (error != std::errc() || end != text.data() + text.size() || hops > kMostHops) return std::nullopt;
    return hops;
}

Status check_scalar(const KnownKey& known, const std::string& text) {
    switch (known.kind) {
        case Kind::boolean:
            if (text == "true" || text == "false") return {};
            return {Code::invalid_argument, "'" + text + "' is neither true nor false"};
        case Kind::integer: {
            std::int64_t number = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
            const bool whole = error == std::errc() && end == text.data() + text.size() && number >= 0;
            if (whole && number > kMost)
                return {Code::invalid_argument, "'" + text + "' is more than " + std::to_string(kMost)};
            if (whole) return {};
            return {Code::invalid_argument, "'" + text + "' is not a whole number"};
        }
        case Kind::hops:
            if (parse_hops(text)) return {};
            return {Code::invalid_argument, "'" + text + "' is neither false, nor true, nor a number of hops up to " +
                                                std::to_string(kMostHops)};
        case Kind::duration: {
            IMGSRV_ASSIGN(const auto duration, parse_duration(text));
            const auto* const least =
                std::find_if(kLeasts.begin(), kLeasts.end(), [&](const Least& one) { return one.key == known.key; });
            if (least != kLeasts.end() && duration < least->duration)
                return {Code::invalid_argument,
                        "'" + text + "' is less than " + format_duration(least->duration) + std::string(least->why)};
            return {};
        }
        case Kind::size:
            return parse_size(text).status();
        default:
            break;
    }
    if (known.key == "log-format" && text != "json" && text != "text")
        return {Code::invalid_argument, "'" + text + "' is neither json nor text"};
    if (known.key == "verbosity") return log::parse_level(text).status();
    return {};
}

// Converts a value to its kind: splits a list given as one text, checks a scalar.
Status settle(const std::string& key, Value& value) {
    const KnownKey* known = find_known(key);
    if (!known) return is_driver_option(key) ? Status() : unknown_key(key, value);
    auto* list = std::get_if<std::vector<std::string>>(&value.value);
    if (known->kind == Kind::list) {
        if (!list) value.value = split_list(std::get<std::string>(value.value));
        return {};
    }
    if (list) return {Code::invalid_argument, value.origin + ": " + key + " takes one value, not a list"};
    Status status = check_scalar(*known, std::get<std::string>(value.value));
    if (status.ok()) return status;
    return std::move(status).with_context(value.origin + ": " + key);
}

Status read_file(const std::filesystem::path& file, Layer& layer) {
    Layer own;
    IMGSRV_TRY(read_toml(file, own));
    IMGSRV_TRY(settle_keys(own));
    overlay(layer, std::move(own));
    return {};
}

// The *.toml files of a folder, sorted; none if the folder does not exist.
Result<std::vector<std::filesystem::path>> files_of(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code ec;
    for (std::filesystem::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
        if (it->path().extension() == ".toml") files.push_back(it->path());
    if (ec && ec != std::errc::no_such_file_or_directory)
        return Status(Code::invalid_argument,
                      "the configuration folder '" + folder.string() + "' cannot be read: " + ec.message());
    std::sort(files.begin(), files.end());
    return files;
}

// An unreadable file is an error: without it the server would start on the defaults, with an empty database of its own.
Status read_files(const Sources& sources, Layer& layer, bool& any) {
    const std::filesystem::path file = sources.file.value_or(kDefaultFile);
    IMGSRV_ASSIGN(std::vector<std::filesystem::path> files, files_of(file.parent_path() / "conf.d"));
    std::error_code ec;
    if (std::filesystem::status(file, ec).type() != std::filesystem::file_type::not_found)
        files.insert(files.begin(), file);
    else if (sources.file)
        return {Code::not_found, "the configuration file '" + file.string() + "' does not exist"};
    for (const auto& one : files) IMGSRV_TRY(read_file(one, layer));
    any = !files.empty();
    return {};
}

Result<Layer> read_flags(const std::vector<std::pair<std::string, std::string>>& given) {
    std::map<std::string, std::vector<std::string>> flags;
    for (const auto& [key, value] : given) flags[key].push_back(value);
    Layer layer;
    for (auto& [key, values] : flags) {
        const KnownKey* known = find_known(key);
        if (known && known->kind == Kind::list && values.size() > 1)
            layer[key] = {values, "--" + key};
        else
            layer[key] = {values.back(), "--" + key};
    }
    IMGSRV_TRY(settle_keys(layer));
    return layer;
}

}  // namespace

Result<Settings> Settings::load(const Sources& sources) {
    Layer layer;
    bool any_file = false;
    IMGSRV_TRY(read_files(sources, layer, any_file));
    Layer environment;
    IMGSRV_TRY(read_environment(sources.environment, environment));
    IMGSRV_TRY(settle_keys(environment));
    overlay(layer, std::move(environment));
    IMGSRV_ASSIGN(Layer flags, read_flags(sources.flags));
    overlay(layer, std::move(flags));

    Settings settings;
    for (auto& [key, value] : layer) {
        IMGSRV_TRY(settle(key, value));
        settings.values_[key] = value;
    }
    for (const auto& known : known_keys()) {
        Value value{std::string(known.default_text), "default"};
        // Without a configuration file, the network must not reach the server.
        if (known.key == "listen" && !any_file) value.value = std::string("127.0.0.1:8080");
        IMGSRV_TRY(settle(std::string(known.key), value));
        settings.values_.try_emplace(std::string(known.key), std::move(value));
    }
    return settings;
}

const std::string& Settings::text(std::string_view key) const {
    return std::get<std::string>(values_.find(key)->second.value);
}

bool Settings::boolean(std::string_view key) const {
    return text(key) == "true";
}

std::int64_t Settings::integer(std::string_view key) const {
    std::int64_t number = 0;
    const std::string& t = text(key);
    std::from_chars(t.data(), t.data() + t.size(), number);
    return number;
}

std::chrono::milliseconds Settings::duration(std::string_view key) const {
    return *parse_duration(text(key));
}

std::uint64_t Settings::size(std::string_view key) const {
    return *parse_size(text(key));
}

unsigned Settings::hops(std::string_view key) const {
    return parse_hops(text(key)).value_or(0);
}

std::vector<std::string> Settings::list(std::string_view key) const {
    return std::get<std::vector<std::string>>(values_.find(key)->second.value);
}

bool Settings::is_set(std::string_view key) const {
    const auto it = values_.find(key);
    return it != values_.end() && it->second.origin != "default";
}

std::map<std::string, Value> Settings::driver_options(std::string_view section, std::string_view driver) const {
    const std::string prefix = std::string(section) + "." + std::string(driver) + ".";
    std::map<std::string, Value> options;
    for (auto it = values_.lower_bound(prefix); it != values_.end() && it->first.starts_with(prefix); ++it)
        options[it->first.substr(prefix.size())] = it->second;
    return options;
}

}  // namespace imgsrv::config
