#include <CLI/CLI.hpp>
#include <memory>

#include "client/commands.h"
#include "client/publish.h"
#include "client/reporter.h"

namespace imgsrv::client {
namespace {

constexpr const char* kExamples = R"(Examples:
  A virtual machine and a container image for Incus and LXD:
    imgsrv publish debian 12.5 --os linux --arch x86_64 --disk disk.qcow2 --metadata incus.tar.xz --alias latest
    imgsrv publish web 3.1 --os linux --arch x86_64 --rootfs rootfs.squashfs --metadata incus.tar.xz
  Two architectures in one version:
    imgsrv publish web 3.2 --os linux --arch aarch64 --rootfs arm.squashfs --metadata arm.tar.xz --draft
    imgsrv publish web 3.2 --os linux --arch x86_64 --rootfs x86.squashfs --metadata x86.tar.xz
  A raw disk with a bill of materials:
    imgsrv publish fw 7 --os linux --arch x86_64 --file raw=fw.img --attach sbom.json=out/sbom.json:application/spdx+json

The command may be interrupted and run again at any time: it resumes where it stopped, and does nothing if the version
is already published with exactly these files.
)";

}  // namespace

void add_publish_command(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<PublishOptions>();
    CLI::App* c = app.add_subcommand("publish", "Upload image files and publish them as one version");
    c->footer(std::string(kExamples) + "\n" + exit_code_help());

    c->add_option("image", options->image, "Name of the image; created if it does not exist")
        ->required()
        ->type_name("IMAGE");
    c->add_option("version", options->version, "Version to publish; it cannot change afterwards")
        ->required()
        ->type_name("VERSION");
    c->add_option("--os", options->operating_system, "Operating system, e.g. linux")->required()->type_name("OS");
    c->add_option("--arch", options->architecture, "Architecture, e.g. x86_64 or aarch64")
        ->required()
        ->type_name("ARCH");
    c->add_option("--variant", options->variant, "Variant of the image, e.g. cloud")
        ->type_name("VARIANT")
        ->capture_default_str();

    const std::string files = "Files (at least one image)";
    c->add_option("--disk", options->disks, "Disk of a virtual machine (qcow2)")
        ->type_name("FILE")
        ->group(files)
        ->allow_extra_args(false);
    c->add_option("--rootfs", options->rootfs, "Root file system of a container (squashfs or .tar.xz)")
        ->type_name("FILE")
        ->group(files)
        ->allow_extra_args(false);
    c->add_option("--unified", options->unified, "Unified image (metadata and root in one .tar.gz)")
        ->type_name("FILE")
        ->group(files)
        ->allow_extra_args(false);
    c->add_option("--file", options->files,
                  "Any format, e.g. raw=disk.img: raw, raw.gz, qcow2, squashfs, root.tar.xz, unified.tar.gz")
        ->type_name("FORMAT=FILE")
        ->group(files)
        ->allow_extra_args(false);
    c->add_option("--metadata", options->metadata, "Incus/LXD metadata (incus.tar.xz), attached to each image")
        ->type_name("FILE")
        ->group(files);
    c->add_option("--attach", options->attachments,
                  "Another file to attach to each image, e.g. sbom.json=out/sbom.json (may be repeated)")
        ->type_name("NAME=FILE[:TYPE]")
        ->group(files)
        ->allow_extra_args(false);

    c->add_option("--alias", options->aliases,
                  "Point this alias, e.g. latest, at the version once it is published (may be repeated)")
        ->type_name("ALIAS")
        ->allow_extra_args(false);
    c->add_option("--display-name", options->display_name, "Title of the image, if it is created")->type_name("TEXT");
    c->add_option("--description", options->description, "Description of the image, if it is created")
        ->type_name("TEXT");
    c->add_flag("--draft,--no-publish", options->draft,
                "Upload the files and add them to the draft, but do not publish yet");
    c->add_flag("--replace", options->replace,
                "Replace different files that the draft has for the same format, platform and variant");
    c->add_option("--parallel", options->parallel, "Parts uploaded at once")
        ->type_name("N")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    c->add_option("--part-size", options->part_size,
                  "Size of a part; raised automatically for a file that would need too many parts")
        ->type_name("SIZE")
        ->capture_default_str();
    c->add_option("--wait", options->wait, "How long to wait for the server to verify and to publish")
        ->type_name("DURATION")
        ->capture_default_str();
    c->add_flag("--json", options->json, "Print each event as one line of JSON on stdout");
    add_connection_options(*c, options->connection);
    c->callback([options, &exit_code] { exit_code = run_publish(*options); });
}

}  // namespace imgsrv::client
