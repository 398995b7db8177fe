#include "client/run_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/connect.h"

namespace imgsrv::client {

void add_command_options(CLI::App& command, CommandOptions& options) {
    command.add_flag("--json", options.json, "Print the server's JSON instead of a table");
    add_connection_options(command, options.connection);
}

void CommandContext::print(const nlohmann::json& document) {
    print(document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void CommandContext::print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

int run_command(const CommandOptions& options, const std::function<Status(CommandContext&)>& work) {
    Reporter reporter(options.json ? Reporter::Format::json : Reporter::Format::text);
    auto connection = connect(options.connection, reporter);
    if (!connection.ok()) return reporter.fail(connection.status());
    HttpClient http(*connection);
    Catalogue catalogue(http);
    CommandContext context{.reporter = reporter, .http = http, .catalogue = catalogue, .json = options.json};
    const Status status = work(context);
    return status.ok() ? 0 : reporter.fail(status);
}

}  // namespace imgsrv::client
