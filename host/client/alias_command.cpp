#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/paging.h"
#include "client/run_command.h"
#include "client/table.h"

namespace imgsrv::client {
namespace {

using nlohmann::json;

struct AliasOptions : CommandOptions {
    std::string image;
    std::string alias;
    std::string version;
};

int run_alias_list(const AliasOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        IMGSRV_ASSIGN(const json aliases, list_all(c.http, image_path(options.image) + "/aliases"));
        if (c.json) return c.print(aliases), Status();
        Table table({"ALIAS", "VERSION", "UPDATED"});
        for (const json& alias : aliases)
            table.add({alias.value("alias", ""), alias.value("version", ""), alias.value("updated_at", "")});
        c.print(table.empty() ? options.image + " has no alias\n" : table.render());
        return {};
    });
}

int run_alias_set(const AliasOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        IMGSRV_TRY(c.catalogue.set_alias(options.image, options.alias, options.version));
        c.reporter.event("alias", {{"image", options.image}, {"alias", options.alias}, {"version", options.version}},
                         "alias " + options.alias + " -> " + options.image + " " + options.version);
        return {};
    });
}

int run_alias_delete(const AliasOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        IMGSRV_TRY(c.http
                       .json({.method = "DELETE",
                              .path = image_path(options.image) + "/aliases/" + encode_segment(options.alias),
                              .json = {},
                              .file = {},
                              .cancel = {}})
                       .status());
        c.reporter.event("alias_deleted", {{"image", options.image}, {"alias", options.alias}},
                         "alias " + options.alias + " of " + options.image + " is deleted");
        return {};
    });
}

}  // namespace

void add_alias_command(CLI::App& app, int& exit_code) {
    CLI::App* group = app.add_subcommand("alias", "List, set or delete the aliases of an image");
    group->require_subcommand(1);
    group->footer(
        "An alias is a name that moves, such as latest or stable; a version never changes.\n\nExamples:\n"
        "  imgsrv alias list debian\n"
        "  imgsrv alias set debian stable 12.5\n"
        "  imgsrv alias delete debian stable\n\n" +
        exit_code_help());

    const auto add = [&](const char* name, const char* what, int (*run)(const AliasOptions&)) {
        auto options = std::make_shared<AliasOptions>();
        CLI::App* c = group->add_subcommand(name, what);
        c->add_option("image", options->image, "Name of the image")->required()->type_name("IMAGE");
        if (run != run_alias_list)
            c->add_option("alias", options->alias, "Name of the alias")->required()->type_name("ALIAS");
        if (run == run_alias_set)
            c->add_option("version", options->version, "A published version")->required()->type_name("VERSION");
        add_command_options(*c, *options);
        c->callback([options, run, &exit_code] { exit_code = run(*options); });
    };
    add("list", "List an image's aliases", run_alias_list);
    add("set", "Create an alias, or move it to another version, in one step", run_alias_set);
    add("delete", "Delete an alias", run_alias_delete);
}

}  // namespace imgsrv::client
