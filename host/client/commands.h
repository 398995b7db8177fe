#pragma once

#include <string>
#include <vector>

#include "client/connection.h"

namespace CLI {
class App;
}

namespace imgsrv::client {

// Each adds one subcommand to the program. When the command line names it, its work is done while the line is parsed
// and `exit_code` is set (reporter.h). The App and exit_code must live until parsing is over. [main]
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
