#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "plugin/host_table.h"
#include "plugin/registry.h"
#include "ports/authenticator.h"
#include "ports/database.h"
#include "ports/object_store.h"
#include "ports/publish_step.h"

// Configured components of plugins, as the interfaces of ports/.
//
// driver: the component's name. instance: what the configuration calls this one, for the log. call: bounds the start.
// Errors: not_found when no plugin has the driver, invalid_argument when the options do not fit, else what the
// component's create() reported; the message begins with the kind and the driver. The registry, and what `context`
// points to, must outlive the result. What the result hands out (readers, connections) is let go before it. Creation
// and the end of the result are [main]; the rest as ports/ says. Statuses carry what the plugin reported: message,
// native code as detail(), retryable, outcome unknown, retry-after, class. A code this host does not know is internal,
// and so is a plugin that breaks the rules of sdk/ABI.md.
namespace imgsrv::plugin {

Result<std::unique_ptr<ports::ObjectStore>> create_object_store(const PluginRegistry& registry, std::string_view driver,
                                                                std::string_view instance, const OptionValues& options,
                                                                const HostContext& context,
                                                                const ports::Call& call = {});

Result<std::unique_ptr<ports::Database>> create_database(const PluginRegistry& registry, std::string_view driver,
                                                         std::string_view instance, const OptionValues& options,
                                                         const HostContext& context, const ports::Call& call = {});

Result<std::unique_ptr<ports::Authenticator>> create_authenticator(const PluginRegistry& registry,
                                                                   std::string_view driver, std::string_view instance,
                                                                   const OptionValues& options,
                                                                   const HostContext& context,
                                                                   const ports::Call& call = {});

Result<std::unique_ptr<ports::PublishStep>> create_publish_step(const PluginRegistry& registry, std::string_view driver,
                                                                std::string_view instance, const OptionValues& options,
                                                                const HostContext& context,
                                                                const ports::Call& call = {});

}  // namespace imgsrv::plugin
