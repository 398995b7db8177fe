#pragma once

#include <imgsrv/abi.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/status.h"

namespace imgsrv::plugin {

// One value as the configuration has it. Every scalar is text, also numbers and booleans ("16", "true").
struct OptionValue {
    std::variant<std::string, std::vector<std::string>> value;
    std::string origin;  // where it was set, for messages: "imgsrv.toml:12"; may be empty
};

// A driver's table of the configuration: key to value. In keys '-' and '_' are the same.
using OptionValues = std::map<std::string, OptionValue>;

enum class OptionType : std::int32_t { string = 1, integer, boolean, duration, size, list };
std::string_view to_string(OptionType type);

// A declared option, for lists and documentation.
struct OptionInfo {
    std::string key;
    OptionType type = OptionType::string;
    bool required = false;
    bool secret = false;
    bool has_default = false;
    std::string default_text;
    std::string help;
};

// The declarations of a NULL-terminated list that check_plugin_table() found sound. options may be null.
std::vector<OptionInfo> describe_options(const imgsrv_option* const* options);
// Every key under which one of them may be set: its own, and of a secret <key>_file.
std::vector<std::string> option_keys(const std::vector<OptionInfo>& declared);

// Options that fit their declaration, defaults filled in: what a component's create() reads.
class CheckedOptions {
  public:
    using Value = std::variant<std::string, std::int64_t, bool, std::vector<std::string>>;

    // Durations are milliseconds, sizes bytes. Absent keys were neither set nor have a default.
    const std::map<std::string, Value, std::less<>>& values() const { return values_; }
    bool declares(std::string_view key) const;
    // Everything as one JSON object, secrets included.
    const std::string& json() const { return json_; }
    // The table a plugin reads them through; refers to this object.
    imgsrv_config table() const;

  private:
    friend Result<CheckedOptions> check_options(const std::vector<OptionInfo>&, const OptionValues&);

    std::map<std::string, Value, std::less<>> values_;
    std::vector<std::string> declared_;
    std::string json_;
};

// Checks `given` against the declarations: every key known (else the nearest one is suggested), every value of its
// type, every required one there. A secret K may also be given as K_file, the name of a file whose content, without a
// final line break, is the value. invalid_argument names the key, and where it was set. Reads those files and nothing
// else.
Result<CheckedOptions> check_options(const std::vector<OptionInfo>& declared, const OptionValues& given);

}  // namespace imgsrv::plugin
