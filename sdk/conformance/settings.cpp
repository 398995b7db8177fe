#include "conformance/settings.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace imgsrv::conformance {
namespace {

std::string_view trimmed(std::string_view s) {
    const auto first = s.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
}

std::string expanded(std::string_view value, const std::string& tmp_folder) {
    std::string out;
    while (!value.empty()) {
        const auto open = value.find('{');
        const auto close = open == std::string_view::npos ? open : value.find('}', open);
        if (close == std::string_view::npos) break;
        const auto name = value.substr(open + 1, close - open - 1);
        out += value.substr(0, open);
        if (name == "tmp") {
            out += tmp_folder;
        } else if (name.starts_with("env:")) {
            const std::string variable(name.substr(4));
            const char* text = std::getenv(variable.c_str());
            if (text == nullptr) throw std::runtime_error("environment variable " + variable + " is not set");
            out += text;
        } else {
            out += value.substr(open, close - open + 1);
        }
        value.remove_prefix(close + 1);
    }
    return out.append(value);
}

}  // namespace

Settings Settings::parse(std::string_view text, const std::string& tmp_folder) {
    Settings settings;
    for (int number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            throw std::runtime_error("line " + std::to_string(number) + " is not \"key = value\"");
        }
        settings.add(std::string(trimmed(line.substr(0, equals))),
                     expanded(trimmed(line.substr(equals + 1)), tmp_folder));
    }
    return settings;
}

Settings Settings::read_file(const std::string& file, const std::string& tmp_folder) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error("cannot read " + file);
    std::stringstream text;
    text << in.rdbuf();
    return parse(text.str(), tmp_folder);
}

const std::vector<std::string>* Settings::find(const std::string& key) const {
    const auto at = values_.find(key);
    return at == values_.end() ? nullptr : &at->second;
}

std::string Settings::get(const std::string& key, const std::string& fallback) const {
    const auto* values = find(key);
    return values == nullptr || values->empty() ? fallback : values->front();
}

}  // namespace imgsrv::conformance
