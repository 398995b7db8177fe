#include "config/layers.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/nearest.h"

namespace imgsrv::config {
namespace {

constexpr std::array<std::string_view, 4> kSections = {"storage", "database", "auth", "publish"};

constexpr std::string_view kFileSuffix = "_file";
constexpr std::array<ShortName, 9> kShortNames = {{
    {"postgres-url", "database.driver", "postgres", "database.postgres.url"},
    {"s3-endpoint", "storage.driver", "s3", "storage.s3.endpoint"},
    {"s3-bucket", "storage.driver", "s3", "storage.s3.bucket"},
    {"s3-access-key-id", "storage.driver", "s3", "storage.s3.access_key_id"},
    {"s3-secret-access-key", "storage.driver", "s3", "storage.s3.secret_access_key"},
    {"s3-session-token", "storage.driver", "s3", "storage.s3.session_token"},
    {"s3-region", "storage.driver", "s3", "storage.s3.region"},
    {"s3-use-tls", "storage.driver", "s3", "storage.s3.use_tls"},
    {"s3-path-style", "storage.driver", "s3", "storage.s3.path_style"},
}};

Result<std::string> scalar(const toml::node& node) {
    if (const auto* s = node.as_string()) return s->get();
    if (const auto* i = node.as_integer()) return std::to_string(i->get());
    if (const auto* b = node.as_boolean()) return std::string(b->get() ? "true" : "false");
    return Status(Code::invalid_argument, "must be a string, a whole number, a boolean or a list of strings");
}

// The whole file or an error: half a configuration is another configuration.
Result<std::string> content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    const bool opened = in.is_open();
    std::string text;
    std::array<char, 16 * 1024> buffer{};
    while (opened && (in.read(buffer.data(), buffer.size()) || in.gcount() > 0))
        text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (opened && !in.bad()) return text;
    return Status(Code::invalid_argument,
                  "the configuration file '" + file.string() + "' cannot be read: " + std::strerror(errno));
}

Status flatten(const toml::table& table, const std::string& prefix, const std::string& file, Layer& layer) {
    for (const auto& [name, node] : table) {
        const std::string key = prefix + std::string(name.str());
        const std::string origin = file + ":" + std::to_string(node.source().begin.line);
        if (const auto* inner = node.as_table()) {
            IMGSRV_TRY(flatten(*inner, key + ".", file, layer));
            continue;
        }
        if (const auto* array = node.as_array()) {
            std::vector<std::string> list;
            for (const auto& element : *array) {
                auto text = scalar(element);
                if (!text.ok()) return std::move(text).status().with_context(origin + ": " + key);
                list.push_back(std::move(text).value());
            }
            layer[key] = {std::move(list), origin};
            continue;
        }
        auto text = scalar(node);
        if (!text.ok()) return std::move(text).status().with_context(origin + ": " + key);
        layer[key] = {std::move(text).value(), origin};
    }
    return {};
}

std::string as_variable(std::string_view key) {
    std::string name = "IMGSRV_";
    for (const char c : key)
        name += c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return name;
}

Status unknown_variable(const std::string& name) {
    std::vector<std::string> variables;
    for (const auto& known : known_keys()) variables.push_back(as_variable(known.key));
    for (const auto& shorter : short_names()) variables.push_back(as_variable(shorter.name));
    const std::string meant = nearest(name, variables);
    return {Code::invalid_argument, "the environment variable " + name + " is not the name of a setting" +
                                        (meant.empty() ? std::string() : "; did you mean " + meant + "?")};
}

std::string lower_dashed(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

// The variables that Kubernetes sets in every container for a Service called "imgsrv". No setting starts like this.
bool is_service_link(std::string_view name) {
    return name == "IMGSRV_PORT" || name.starts_with("IMGSRV_PORT_") || name.starts_with("IMGSRV_SERVICE_");
}

}  // namespace

std::span<const ShortName> short_names() {
    return kShortNames;
}

bool is_driver_option(std::string_view key) {
    const auto dot = key.find('.');
    if (dot == std::string_view::npos || key.find('.', dot + 1) == std::string_view::npos) return false;
    return std::find(kSections.begin(), kSections.end(), key.substr(0, dot)) != kSections.end();
}

Status read_toml(const std::filesystem::path& file, Layer& layer) {
    IMGSRV_ASSIGN(const std::string text, content_of(file));
    try {
        return flatten(toml::parse(text, file.string()), "", file.string(), layer);
    } catch (const toml::parse_error& error) {
        std::ostringstream why;
        why << file.string() << ":" << error.source().begin.line << ": " << error.description();
        return {Code::invalid_argument, why.str()};
    }
}

Status read_environment(const std::map<std::string, std::string>& environment, Layer& layer) {
    static constexpr std::array<std::string_view, 4> kClient = {"IMGSRV_SERVER", "IMGSRV_TOKEN", "IMGSRV_TOKEN_FILE",
                                                                "IMGSRV_CACERT"};
    for (const auto& [name, value] : environment) {
        if (name == "LOG_LEVEL") {
            // Platforms set it for all of their programs. IMGSRV_VERBOSITY, which sorts before it, is meant for us and
            // wins.
            layer.try_emplace("verbosity", Value{value, "environment LOG_LEVEL"});
            continue;
        }
        if (!name.starts_with("IMGSRV_") || std::find(kClient.begin(), kClient.end(), name) != kClient.end()) continue;
        if (is_service_link(name)) continue;
        std::string key;
        for (const auto& known : known_keys())
            if (as_variable(known.key) == name) key = known.key;
        for (const auto& shorter : kShortNames) {
            if (as_variable(shorter.name) == name) key = shorter.name;
            if (as_variable(shorter.name) + "_FILE" == name) key = std::string(shorter.name) + "_file";
        }
        // IMGSRV_<SECTION>_<DRIVER>_<OPTION>: the driver is one word.
        for (const auto section : kSections) {
            const std::string prefix = as_variable(section) + "_";
            if (!key.empty() || !name.starts_with(prefix)) continue;
            const std::string rest = name.substr(prefix.size());
            const auto split = rest.find('_');
            if (split != std::string::npos && split > 0 && split + 1 < rest.size())
                key = std::string(section) + "." + lower_dashed(rest.substr(0, split)) + "." +
                      lower_dashed(rest.substr(split + 1));
        }
        if (key.empty()) return unknown_variable(name);
        layer[key] = {value, "environment " + name};
    }
    return {};
}

Status settle_keys(Layer& layer) {
    for (const auto& shorter : kShortNames)
        for (const std::string suffix : {"", "_file"}) {
            const auto it = layer.find(std::string(shorter.name) + suffix);
            if (it == layer.end()) continue;
            layer.try_emplace(std::string(shorter.driver_key), Value{std::string(shorter.driver), it->second.origin});
            layer[std::string(shorter.option) + suffix] = it->second;
            layer.erase(it);
        }
    Layer settled;
    for (auto& [key, value] : layer) {
        std::string name = key;
        if (is_driver_option(key))
            std::replace(name.begin() + static_cast<std::ptrdiff_t>(key.rfind('.')), name.end(), '-', '_');
        const auto [there, added] = settled.emplace(name, value);
        if (!added)
            return {Code::invalid_argument,
                    value.origin + ": " + key + " is set twice, also at " + there->second.origin};
    }
    layer = std::move(settled);
    return {};
}

void overlay(Layer& below, Layer above) {
    for (auto& [key, value] : above) {
        if (is_driver_option(key)) {
            below.erase(key + std::string(kFileSuffix));
            if (key.ends_with(kFileSuffix)) below.erase(key.substr(0, key.size() - kFileSuffix.size()));
        }
        below[key] = std::move(value);
    }
}

}  // namespace imgsrv::config
