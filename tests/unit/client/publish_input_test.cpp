#include "client/publish_input.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace imgsrv;
using namespace imgsrv::client;

namespace {

// A scratch folder with files of given content.
class Folder {
  public:
    Folder() {
        std::string pattern = std::filesystem::temp_directory_path() / "imgsrv-input-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string file(const std::string& name, const std::string& contents) const {
        std::ofstream(path_ / name, std::ios::binary) << contents;
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

const std::string kQcow2("QFI\xfb\0\0\0\3", 8);
const std::string kSquashfs("hsqs....");
const std::string kXz(
    "\xfd"
    "7zXZ\0\0\4",
    8);

}  // namespace

TEST_CASE("an attachment may name its type, and a file name may hold a colon") {
    const Folder folder;
    const auto plain = parse_attachment("sbom.json=out/sbom.json");
    REQUIRE(plain.ok());
    CHECK(plain->media_type == "application/json");
    const auto typed = parse_attachment("sbom.json=out/s.json:application/spdx+json");
    REQUIRE(typed.ok());
    CHECK(typed->path == "out/s.json");
    CHECK(typed->media_type == "application/spdx+json");
    const auto colon = parse_attachment("x=a:b");
    REQUIRE(colon.ok());
    CHECK(colon->path == "a:b");
    for (const char* bad : {"", "=f", "name", "name="}) CHECK_FALSE(parse_attachment(bad).ok());
}

TEST_CASE("formats are checked by content, and metadata goes to every root") {
    const Folder folder;
    PublishOptions options;
    options.operating_system = "linux";
    options.architecture = "x86_64";
    options.disks = {folder.file("d", kQcow2)};
    options.rootfs = {folder.file("r", kSquashfs), folder.file("t", kXz)};
    options.metadata = folder.file("m", kXz);
    auto input = open_input(options);
    REQUIRE(input.ok());
    CHECK(input->files.size() == 4);
    for (auto& [file, type] : input->files) REQUIRE(file.hash({}).ok());
    const auto artifacts = input->artifacts(options);
    REQUIRE(artifacts.size() == 3);
    CHECK(artifacts[1].format == "squashfs");
    CHECK(artifacts[2].format == "root.tar.xz");
    for (const auto& artifact : artifacts) {
        REQUIRE(artifact.attachments.size() == 1);
        CHECK(artifact.attachments[0].name == "incus.tar.xz");
        CHECK(artifact.digest.size() == 71);
    }
}

TEST_CASE("invalid input is refused before the server is contacted") {
    const Folder folder;
    const auto refused = [](const PublishOptions& options) {
        return open_input(options).status().code() == Code::invalid_argument;
    };
    PublishOptions options;
    CHECK(refused(options));
    options.disks = {folder.file("text", "text")};
    CHECK(refused(options));
    options.disks = {folder.file("a", kQcow2), folder.file("b", kQcow2)};
    CHECK(refused(options));
    options.disks = {folder.file("empty", "")};
    CHECK(refused(options));
    options.disks = {"/dev/null"};
    CHECK(refused(options));
    options.disks.clear();
    options.files = {"iso=" + folder.file("c", "c")};
    CHECK(refused(options));
    options.files = {"raw=" + folder.file("c", "c")};
    options.attachments = {"n=" + folder.file("n", "n"), "n=" + folder.file("n", "n")};
    CHECK(refused(options));
}

TEST_CASE("a file that changes after it was hashed is noticed") {
    const Folder folder;
    const std::string path = folder.file("f", "before");
    auto file = LocalFile::open(path);
    REQUIRE(file.ok());
    REQUIRE(file->hash({}).ok());
    CHECK(file->digest() == "sha256:6db7d803e74f1ffa7d8f5adc0bf95b3e15bf4c8373fffadf546227cc6c6742cb");
    CHECK(file->unchanged().ok());
    folder.file("f", "and after");
    CHECK(file->unchanged().code() == Code::data_loss);
}
