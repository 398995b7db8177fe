#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/commands/arguments.h"
#include "app/commands/commands.h"
#include "client/commands.h"

namespace {

// The program may be started with stdin, stdout or stderr closed. The next files to be opened would get their numbers,
// and output meant for people, above all the log, would go into them: into a blob.
void keep_standard_descriptors() {
    for (;;) {
        const int fd = ::open("/dev/null", O_RDWR);
        if (fd >= 0 && fd <= STDERR_FILENO) continue;
        if (fd >= 0) ::close(fd);
        return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    keep_standard_descriptors();
    auto arguments = imgsrv::app::take_arguments(argc, argv);
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    CLI::App app("imgsrv: store, verify, publish and serve VM and container images");
    app.set_version_flag("--version", IMGSRV_VERSION);
    app.require_subcommand(1);
    int exit_code = 0;
    imgsrv::app::add_serve_command(app, exit_code);
    imgsrv::client::add_client_commands(app, exit_code);
    imgsrv::app::add_plugins_command(app, exit_code);
    imgsrv::app::add_migrate_command(app, exit_code);
    imgsrv::app::add_config_command(app, exit_code);
    imgsrv::app::add_storage_command(app, exit_code);
    imgsrv::app::add_database_command(app, exit_code);
    imgsrv::app::add_gc_command(app, exit_code);
    imgsrv::app::add_fsck_command(app, exit_code);
    imgsrv::app::add_backup_command(app, exit_code);
    imgsrv::app::add_restore_command(app, exit_code);
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& e) {
        // 0 for --help; else 2, what the commands return for wrong input, in place of CLI11's own numbers.
        return app.exit(e) == 0 ? 0 : 2;
    }
    return exit_code;
}
