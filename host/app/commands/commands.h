#pragma once

namespace CLI {
class App;
}

namespace imgsrv::app {

// Each adds one subcommand. When the command line names it, its work is done while the line is parsed and exit_code is
// set: 0, or 1 with a sentence on stderr. The App and exit_code must live until parsing is over. [main]
void add_serve_command(CLI::App& app, int& exit_code);
void add_plugins_command(CLI::App& app, int& exit_code);
void add_migrate_command(CLI::App& app, int& exit_code);
void add_config_command(CLI::App& app, int& exit_code);
void add_storage_command(CLI::App& app, int& exit_code);
// Of the command `storage`.
void add_adopt_command(CLI::App& storage, int& exit_code);
void add_database_command(CLI::App& app, int& exit_code);
void add_gc_command(CLI::App& app, int& exit_code);
// Its exit code is 0 when nothing is wrong, 1 when something is, 2 when it could not look.
void add_fsck_command(CLI::App& app, int& exit_code);
void add_backup_command(CLI::App& app, int& exit_code);
void add_restore_command(CLI::App& app, int& exit_code);

}  // namespace imgsrv::app
