#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/status.h"

namespace imgsrv::config {

// A value as written, and where it was written.
struct Value {
    std::variant<std::string, std::vector<std::string>> value;
    std::string origin;  // "/etc/imgsrv/imgsrv.toml:12", "environment IMGSRV_LISTEN", "--listen", "default"
};

enum class Kind {
    text,
    boolean,
    integer,
    duration,
    size,
    list,
    hops,  // false, true, or a number of hops
};

// A setting of the host itself. Options of drivers are declared by their plugins.
struct KnownKey {
    std::string_view key;
    Kind kind;
    std::string_view default_text;
    std::string_view help;
};
const std::vector<KnownKey>& known_keys();
// Of a known key: its value when nothing sets it, as text.
std::string_view default_of(std::string_view key);

// A name that selects a driver and sets one of its options: postgres-url, s3-bucket, …
struct ShortName {
    std::string_view name;
    std::string_view driver_key;  // storage.driver or database.driver
    std::string_view driver;      // the value that it gives to that
    std::string_view option;      // the full key
};
std::span<const ShortName> short_names();

struct Sources {
    std::optional<std::filesystem::path> file;  // none: /etc/imgsrv/imgsrv.toml when it is there
    std::map<std::string, std::string> environment;
    // Flags by key; a list's values in order.
    std::vector<std::pair<std::string, std::string>> flags;
};

// The settings of one process, from files, the environment and flags; the later wins. config/imgsrv.toml lists them
// all.
class Settings {
  public:
    // invalid_argument names the key, where it stands and the nearest known key; values are checked against their kind.
    static Result<Settings> load(const Sources& sources);

    // Each requires a known key of that kind.
    const std::string& text(std::string_view key) const;
    bool boolean(std::string_view key) const;
    std::int64_t integer(std::string_view key) const;
    std::chrono::milliseconds duration(std::string_view key) const;
    std::uint64_t size(std::string_view key) const;
    // false is 0; true is more hops than there can be.
    unsigned hops(std::string_view key) const;
    std::vector<std::string> list(std::string_view key) const;
    // Whether anything but the default set it.
    bool is_set(std::string_view key) const;

    // The options of one driver: the content of [storage.s3] for ("storage", "s3"), by the driver's own keys, which
    // have underscores.
    std::map<std::string, Value> driver_options(std::string_view section, std::string_view driver) const;

    // Everything, in order of key; for `config show`. Values of drivers' options may be secrets.
    const std::map<std::string, Value, std::less<>>& all() const { return values_; }

  private:
    std::map<std::string, Value, std::less<>> values_;
};

}  // namespace imgsrv::config
