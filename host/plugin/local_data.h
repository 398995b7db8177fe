#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "plugin/registry.h"

namespace imgsrv::plugin {

// What a component says of data that it keeps in a folder or file of this machine: imgsrv/local_data.h.
struct LocalData {
    bool folder = false;       // else a file
    bool one_process = false;  // but for those that only read
    bool snapshot = false;     // a database that a backup can be made of while it is in use
    std::string place_option;
    std::string default_name;             // below data-dir
    std::string read_only_option;         // empty: there is none
    std::vector<std::string> companions;  // endings of the file's name
};

// None: the component's data is elsewhere, or its plugin does not say, as those of ABI 1.0 do not.
// failed_precondition: what it says breaks rule F1 of sdk/ABI.md. Asks the plugin each time. [any]
Result<std::optional<LocalData>> local_data_of(const LoadedComponent& component);

}  // namespace imgsrv::plugin
