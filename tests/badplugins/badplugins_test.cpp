// Every way in which a plugin can be wrong has a sentence of its own, and none brings the host down.
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "plugin/create.h"
#include "plugin/file_check.h"

using namespace imgsrv;
using namespace imgsrv::plugin;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = fs::canonical(PLUGIN_FOLDER);

// What the host says about a file, after its name.
std::string refusal(const fs::path& file) {
    PluginRegistry registry;
    const Status status = registry.load_file(file);
    REQUIRE_FALSE(status.ok());
    CHECK(registry.plugins().empty());
    REQUIRE(registry.refused().size() == 1);
    const std::string message(status.message());
    REQUIRE_THAT(message, Catch::StartsWith(file.string() + " "));
    return message.substr(file.string().size() + 1);
}

std::string refusal(const char* name) {
    return refusal(kFolder / (std::string(name) + ".so"));
}

// A folder of the test's own, gone afterwards.
class Folder {
  public:
    Folder() {
        std::string name = fs::temp_directory_path() / "imgsrv-badplugins-XXXXXX";
        REQUIRE(::mkdtemp(name.data()));
        path_ = fs::canonical(name);
    }
    ~Folder() { fs::remove_all(path_); }
    // A copy of a plugin, with the permissions of the file as installed.
    fs::path copy(const char* name, const char* as) const {
        fs::copy_file(kFolder / name, path_ / as);
        REQUIRE(::chmod((path_ / as).c_str(), 0755) == 0);
        return path_ / as;
    }
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

void overwrite(const fs::path& file, std::streamoff at, char byte) {
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(at);
    f.put(byte);
    REQUIRE(f.flush().good());
}

Status create(const char* file, const char* driver) {
    PluginRegistry registry;
    REQUIRE(registry.load_file(kFolder / (std::string(file) + ".so")).ok());
    return create_authenticator(registry, driver, "auth", {}, {}).status();
}

}  // namespace

TEST_CASE("the sound plugin that the bad ones are made from loads") {
    PluginRegistry registry;
    REQUIRE(registry.load_file(kFolder / "good.so").ok());
    CHECK(registry.load_file(kFolder / "good.so").ok());
    CHECK(registry.plugins().size() == 1);
    CHECK(create_authenticator(registry, "nobody", "auth", {}, {}).ok());
}

TEST_CASE("files that are no plugins") {
    CHECK(refusal("absent") == "does not exist");
    CHECK(refusal(kFolder) == "is not a regular file");
    CHECK(refusal("no_symbol") == "is not an imgsrv plugin: it exports no symbol 'imgsrv_plugin_v1'");
    CHECK_THAT(refusal("missing_library"),
               Catch::StartsWith("cannot be loaded: libbad_gone.so: cannot open shared object file"));
    CHECK_THAT(refusal(fs::canonical("/bin/true")), Catch::StartsWith("cannot be loaded: "));

    const Folder folder;
    std::ofstream(folder.path() / "text.so")
        << "#!/bin/sh\necho this is longer than the head of an ELF file, which has 64 bytes\n";
    CHECK(refusal(folder.path() / "text.so") == "is not an ELF shared object");
    std::ofstream(folder.path() / "empty.so").flush();
    CHECK(refusal(folder.path() / "empty.so") == "is not an ELF shared object");

    const fs::path machine = folder.copy("good.so", "machine.so");
    overwrite(machine, offsetof(Elf64_Ehdr, e_machine), EM_RISCV & 0xff);
    CHECK(refusal(machine) == "is built for another kind of machine");
    const fs::path narrow = folder.copy("good.so", "narrow.so");
    overwrite(narrow, EI_CLASS, ELFCLASS32);
    CHECK(refusal(narrow) == "is built for another kind of machine");
    const fs::path cut = folder.copy("good.so", "cut.so");
    fs::resize_file(cut, 200);
    CHECK_THAT(refusal(cut), Catch::StartsWith("cannot be loaded: "));
}

TEST_CASE("files that others could change") {
    const Folder folder;
    const fs::path file = folder.copy("good.so", "good.so");
    CHECK(check_plugin_file(file).ok());

    REQUIRE(::chmod(file.c_str(), 0757) == 0);
    CHECK(refusal(file) == "is writable by everybody; a plugin and its directory must be writable by their owner only");
    REQUIRE(::chmod(file.c_str(), 0775) == 0);
    CHECK(refusal(file) == "is writable by its group; a plugin and its directory must be writable by their owner only");
    REQUIRE(::chmod(file.c_str(), 0755) == 0);

    REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
    CHECK(check_plugin_file(file).message() ==
          folder.path().string() +
              " is writable by everybody; a plugin and its directory must be writable by their owner only");
    REQUIRE(::chmod(folder.path().c_str(), 0700) == 0);

    // Somebody else's file: root gives it away, everybody else is taken for another user.
    uid_t user = 0;
    uid_t owner = 12345;
    if (::geteuid() == 0)
        REQUIRE(::chown(file.c_str(), owner, static_cast<gid_t>(-1)) == 0);
    else
        owner = ::geteuid(), user = owner + 1;
    CHECK(check_plugin_file(file, user).message() ==
          file.string() + " belongs to user " + std::to_string(owner) +
              "; a plugin and its directory must belong to root or to the user the server runs as");
}

TEST_CASE("versions that do not fit name both sides") {
    CHECK(refusal("wrong_magic") == "has a plugin table with the wrong magic number");
    CHECK(refusal("newer_major") == "is built for plugin ABI 2.3; this host speaks 1.1");
    CHECK(refusal("newer_minor") == "needs a host with plugin ABI 1.7 or later; this host speaks 1.1");
}

TEST_CASE("tables that lack something") {
    CHECK(refusal("short_plugin") == "has a plugin table of 48 bytes where ABI 1.0 has 56");
    CHECK(refusal("short_component") == "has a component of 40 bytes where ABI 1.0 has 72");
    CHECK(refusal("short_table") == "has a function table of auth component 'nobody' of 8 bytes where ABI 1.0 has 24");
    CHECK(refusal("no_id") == "gives no plugin id");
    CHECK(refusal("no_version") == "gives no plugin version");
    CHECK(refusal("no_components") == "has no components");
    CHECK(refusal("no_name") == "has a component without a name");
    CHECK(refusal("no_table") == "gives no function table for auth component 'nobody'");
    CHECK(refusal("null_function") == "leaves out the mandatory function authenticate() of auth component 'nobody'");
    CHECK(refusal("null_create") == "leaves out the mandatory function create() of auth component 'nobody'");
    CHECK(refusal("duplicate_names") == "has two auth components named 'nobody'");
    CHECK(refusal("bad_key") == "declares option 'Colour-Of' of auth component 'nobody', whose key is not snake_case");
}

TEST_CASE("things of a later host") {
    CHECK(refusal("unknown_kind") == "has only components of kinds this host does not know");
    CHECK(refusal("unknown_option") ==
          "declares option 'colour' of auth component 'nobody' with type 42, which this host does not know");

    PluginRegistry registry;
    REQUIRE(registry.load_file(kFolder / "newer_kinds.so").ok());
    const PluginInfo& info = registry.plugins().front();
    CHECK(info.abi == "1.9");
    REQUIRE(info.components.size() == 1);
    CHECK(info.components.front().name == "forward");
    CHECK(info.skipped == std::vector<std::string>{"component 'oracle' is of kind 77, which this host does not know"});
    CHECK(create_authenticator(registry, "forward", "auth", {}, {}).ok());
}

TEST_CASE("a create() that misbehaves") {
    CHECK(create("throwing_create", "throwing").message() ==
          "auth 'throwing': create() threw an exception, which no function of a plugin may do");
    CHECK(create("null_self", "null_self").message() == "auth 'null_self': create() returned OK but no instance");
}

TEST_CASE("names that are taken") {
    const Folder folder;
    PluginRegistry registry;
    REQUIRE(registry.load_file(kFolder / "good.so").ok());
    const fs::path copy = folder.copy("good.so", "copy.so");
    CHECK(registry.load_file(copy).message() == copy.string() + " has the plugin id 'org.example.bad', which " +
                                                    (kFolder / "good.so").string() + " has already");
    CHECK(registry.load_file(kFolder / "same_component.so").message() ==
          (kFolder / "same_component.so").string() +
              " has the auth component 'nobody', which plugin org.example.bad has already");
    CHECK(registry.plugins().size() == 1);
}

TEST_CASE("a bad file in a directory does not hinder the good ones") {
    const Folder folder;
    folder.copy("wrong_magic.so", "a.so");
    folder.copy("good.so", "b.so");
    folder.copy("no_symbol.so", "c.so");
    std::ofstream(folder.path() / "README") << "not a plugin";
    PluginRegistry registry;
    REQUIRE(registry.load_directory(folder.path()).ok());
    CHECK(registry.plugins().size() == 1);
    CHECK(registry.refused().size() == 2);
    const auto missing = registry.find(Kind::object_store, "s3");
    CHECK(missing.status().message() ==
          "there is no object_store driver 's3'; no plugin of that kind is loaded; refused: " +
              (folder.path() / "a.so").string() + " has a plugin table with the wrong magic number; refused: " +
              (folder.path() / "c.so").string() + " is not an imgsrv plugin: it exports no symbol 'imgsrv_plugin_v1'");

    REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
    CHECK(PluginRegistry().load_directory(folder.path()).message() ==
          folder.path().string() +
              " is writable by everybody; a plugin and its directory must be writable by their owner only");
    CHECK(registry.load_directory(folder.path() / "nowhere").message() ==
          "plugin directory " + (folder.path() / "nowhere").string() + " cannot be read: No such file or directory");
}
