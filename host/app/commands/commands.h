#pragma once

namespace CLI {
class App;
}

namespace imgsrv::app {

// Each adds one subcommand. If the command line names it, parsing does its work and sets exit_code: 0, or 1 with a
// sentence on stderr. The App and exit_code outlive the parsing. [main]
void add_serve_command(CLI::App& app, int& exit_code);
void add_plugins_command(CLI::App& app, int& exit_code);
void add_migrate_command(CLI::App& app, int& exit_code);
void add_config_command(CLI::App& app, int& exit_code);
void add_storage_command(CLI::App& app, int& exit_code);
// A subcommand of `storage`.
void add_adopt_command(CLI::App& storage, int& exit_code);
void add_database_command(CLI::App& app, int& exit_code);
void add_gc_command(CLI::App& app, int& exit_code);
// Exit code 0: nothing is wrong, 1: something is, 2: the check could not be completed.
void add_fsck_command(CLI::App& app, int& exit_code);
void add_backup_command(CLI::App& app, int& exit_code);
void add_restore_command(CLI::App& app, int& exit_code);

}  // namespace imgsrv::app
