#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "client/catalogue.h"
#include "client/connection.h"
#include "client/http_client.h"
#include "client/reporter.h"
#include "core/status.h"

namespace CLI {
class App;
}

namespace imgsrv::client {

// What every small command (list, set, …) has besides its own options.
struct CommandOptions {
    ConnectionOptions connection;
    bool json = false;
};

// Adds --json and the connection's options.
void add_command_options(CLI::App& command, CommandOptions& options);

struct CommandContext {
    Reporter& reporter;
    HttpClient& http;
    Catalogue& catalogue;
    bool json;

    // Prints a document of the server for machines, as one line on stdout.
    static void print(const nlohmann::json& document);
    // Prints text for people on stdout.
    static void print(const std::string& text);
};

// Connects, does the work, reports a failure, and returns the exit code.
int run_command(const CommandOptions& options, const std::function<Status(CommandContext&)>& work);

}  // namespace imgsrv::client
