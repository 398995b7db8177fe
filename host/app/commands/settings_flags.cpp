#include "app/commands/settings_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

extern char** environ;

namespace imgsrv::app {

SettingsFlags::SettingsFlags(CLI::App& command) {
    command.add_option("--config", file_, "configuration file [/etc/imgsrv/imgsrv.toml, if it exists]");
    const auto& keys = config::known_keys();
    const auto shorter = config::short_names();
    values_.reserve(keys.size() + shorter.size());  // CLI11 keeps references into it
    for (const auto& known : keys) {
        values_.emplace_back(std::string(known.key), std::vector<std::string>());
        std::string flag(known.key);
        std::replace(flag.begin(), flag.end(), '.', '-');
        std::string help(known.help);
        if (!known.default_text.empty()) help += " [" + std::string(known.default_text) + "]";
        command.add_option("--" + flag, values_.back().second, help)->allow_extra_args(false)->take_all();
    }
    for (const auto& one : shorter) {
        values_.emplace_back(std::string(one.name), std::vector<std::string>());
        command
            .add_option(
                "--" + std::string(one.name), values_.back().second,
                std::string(one.option) + "; selects " + std::string(one.driver_key) + " " + std::string(one.driver))
            ->allow_extra_args(false)
            ->take_all();
    }
    command.add_option("--set", set_, "KEY=VALUE: any setting, e.g. storage.fs.root=/srv/images")
        ->allow_extra_args(false)
        ->take_all();
}

Result<config::Settings> SettingsFlags::load() const {
    config::Sources sources;
    if (!file_.empty()) sources.file = file_;
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=');
        if (equals != std::string_view::npos)
            sources.environment[std::string(text.substr(0, equals))] = std::string(text.substr(equals + 1));
    }
    for (const auto& [key, values] : values_)
        for (const auto& value : values) sources.flags.emplace_back(key, value);
    for (const auto& pair : set_) {
        const auto equals = pair.find('=');
        if (equals == std::string::npos || equals == 0)
            return Status(Code::invalid_argument, "--set " + pair + " does not have the form KEY=VALUE");
        sources.flags.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
    return config::Settings::load(sources);
}

}  // namespace imgsrv::app
