#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/settings.h"
#include "core/status.h"

namespace CLI {
class App;
}

namespace imgsrv::app {

// The flags of a subcommand that reads the server's settings: --config, one for each setting of the host, and --set
// KEY=VALUE for options of drivers.
class SettingsFlags {
  public:
    explicit SettingsFlags(CLI::App& command);
    // After parsing.
    Result<config::Settings> load() const;

  private:
    std::string file_;
    std::vector<std::pair<std::string, std::vector<std::string>>> values_;  // by key, in the order of known_keys()
    std::vector<std::string> set_;
};

}  // namespace imgsrv::app
