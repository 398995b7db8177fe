#include "client/commands.h"

#include <CLI/CLI.hpp>

namespace imgsrv::client {

void add_connection_options(CLI::App& command, ConnectionOptions& options) {
    const std::string group = "Server";
    command
        .add_option("--server", options.server,
                    "The server's address (default: IMGSRV_SERVER, else http://127.0.0.1:8080)")
        ->type_name("URL")
        ->group(group);
    command
        .add_option("--token-file", options.token_file,
                    "A file whose first line is the API token (default: the token in IMGSRV_TOKEN)")
        ->type_name("FILE")
        ->group(group);
    command
        .add_option("--cacert", options.ca_certificate,
                    "PEM file of the certificate authority to trust (default: SSL_CERT_FILE, else the system's)")
        ->type_name("FILE")
        ->group(group);
    command
        .add_option("--retry-for", options.retry_for,
                    "How long to retry when the server cannot be reached; at most 10s before its first answer")
        ->type_name("DURATION")
        ->capture_default_str()
        ->group(group);
    command
        .add_option("--inactivity-timeout", options.inactivity_timeout,
                    "Drop a connection that transfers nothing for this long")
        ->type_name("DURATION")
        ->capture_default_str()
        ->group(group);
}

void add_client_commands(CLI::App& app, int& exit_code) {
    add_publish_command(app, exit_code);
    add_images_command(app, exit_code);
    add_alias_command(app, exit_code);
    add_job_command(app, exit_code);
    add_token_command(app, exit_code);
}

}  // namespace imgsrv::client
