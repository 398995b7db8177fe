#pragma once

#include <string>
#include <vector>

#include "client/connection.h"

namespace CLI {
class App;
}

namespace imgsrv::client {

// Each adds one subcommand to the program. If the command line selects it, it runs during parsing and sets `exit_code`
// (reporter.h). The App and exit_code must outlive the parsing. [main]
void add_publish_command(CLI::App& app, int& exit_code);
void add_images_command(CLI::App& app, int& exit_code);
void add_alias_command(CLI::App& app, int& exit_code);
void add_job_command(CLI::App& app, int& exit_code);
void add_token_command(CLI::App& app, int& exit_code);

// All of the above.
void add_client_commands(CLI::App& app, int& exit_code);

// --server, --token-file, --cacert, --retry-for, --inactivity-timeout.
void add_connection_options(CLI::App& command, ConnectionOptions& options);

}  // namespace imgsrv::client
