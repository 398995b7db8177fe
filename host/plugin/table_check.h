#pragma once

#include <imgsrv/abi.h>

#include <string>
#include <vector>

#include "core/status.h"

namespace imgsrv::plugin {

// Whether this host can use the plugin behind the table: version rules, complete structs, mandatory functions, sound
// names and option declarations (the L-rules of sdk/ABI.md). Runs nothing of the plugin. Otherwise a status whose
// message is one sentence that continues "<file> …". On success `skipped` gets one sentence for each component this
// host must pass over because its kind is unknown here.
Status check_plugin_table(const imgsrv_plugin& table, std::vector<std::string>& skipped);

// True when this host knows the component's kind, that is, when check_plugin_table() did not skip it.
bool known_kind(const imgsrv_component& component);

}  // namespace imgsrv::plugin
