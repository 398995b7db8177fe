#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/paging.h"
#include "client/run_command.h"
#include "client/table.h"
#include "core/units.h"

namespace imgsrv::client {
namespace {

using nlohmann::json;

struct ImagesOptions : CommandOptions {
    std::string image;
    std::string ref;
};

Status list_images(CommandContext& c) {
    IMGSRV_ASSIGN(const json images, list_all(c.http, "/v1/images"));
    if (c.json) return c.print(images), Status();
    Table table({"IMAGE", "TITLE", "DESCRIPTION", "UPDATED"});
    for (const json& image : images)
        table.add({image.value("name", ""), image.value("display_name", ""), image.value("description", ""),
                   image.value("updated_at", "")});
    c.print(table.empty() ? "no image has a published version\n" : table.render());
    return {};
}

Status list_versions(CommandContext& c, const std::string& image) {
    IMGSRV_ASSIGN(const json versions, list_all(c.http, image_path(image) + "/versions"));
    IMGSRV_ASSIGN(const json aliases, list_all(c.http, image_path(image) + "/aliases"));
    if (c.json) return c.print(json{{"versions", versions}, {"aliases", aliases}}), Status();
    std::map<std::string, std::string> names;
    for (const json& alias : aliases) {
        std::string& list = names[alias.value("version", "")];
        list += (list.empty() ? "" : ", ") + alias.value("alias", "");
    }
    Table table({"VERSION", "ALIASES", "PUBLISHED"});
    for (const json& version : versions) {
        const std::string name = version.value("version", "");
        table.add({name, names[name], version.value("published_at", "")});
    }
    c.print(table.render());
    return {};
}

Status show_manifest(CommandContext& c, const std::string& image, const std::string& ref) {
    auto found = c.http.get(image_path(image) + "/refs/" + encode_segment(ref));
    // refs cover published versions only; a draft is found by its exact name.
    if (found.status().code() == Code::not_found) {
        auto draft = c.http.get(version_path(image, ref));
        if (draft.ok()) found = std::move(draft);
    }
    IMGSRV_ASSIGN(const json document, std::move(found));
    if (c.json) return c.print(document), Status();
    const Manifest manifest = read_manifest(document);
    c.print(manifest.image + " " + manifest.version + "  " + manifest.state + "\n");
    Table table({"FORMAT", "PLATFORM", "VARIANT", "SIZE", "DIGEST"});
    for (const Artifact& artifact : manifest.artifacts) {
        table.add({artifact.format, artifact.operating_system + "/" + artifact.architecture, artifact.variant,
                   format_size(artifact.size), artifact.digest});
        for (const Attachment& attachment : artifact.attachments)
            table.add(
                {"  + " + attachment.name, attachment.media_type, "", format_size(attachment.size), attachment.digest});
    }
    c.print(table.render());
    return {};
}

int run_images(const ImagesOptions& options) {
    return run_command(options, [&](CommandContext& c) -> Status {
        try {
            if (options.image.empty()) return list_images(c);
            if (options.ref.empty()) return list_versions(c, options.image);
            return show_manifest(c, options.image, options.ref);
        } catch (const json::exception& e) {
            return Status(Code::internal, std::string("unexpected answer from the server:  ") + e.what());
        }
    });
}

}  // namespace

void add_images_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<ImagesOptions>();
    CLI::App* c = app.add_subcommand("images", "List images, an image's versions, or a version's files");
    c->footer(
        "Examples:\n"
        "  imgsrv images                  all images with a published version\n"
        "  imgsrv images debian           its versions and aliases\n"
        "  imgsrv images debian latest    the files of the version that this alias points to\n\n" +
        exit_code_help());
    c->add_option("image", options->image, "Show this image's versions")->type_name("IMAGE");
    c->add_option("ref", options->ref, "Show the manifest of this version or alias")->type_name("REF");
    add_command_options(*c, *options);
    c->callback([options, &exit_code] { exit_code = run_images(*options); });
}

}  // namespace imgsrv::client
