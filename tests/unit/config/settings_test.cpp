#include "config/settings.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

using namespace imgsrv;
using namespace imgsrv::config;

namespace {

// A configuration folder of its own for one test.
class Folder {
  public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "imgsrv-config-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::filesystem::path write(const std::string& name, const std::string& text) const {
        const auto file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
        return file;
    }

  private:
    std::filesystem::path path_;
};

std::string error_of(const Sources& sources) {
    auto settings = Settings::load(sources);
    REQUIRE_FALSE(settings.ok());
    return std::string(settings.status().message());
}

}  // namespace

TEST_CASE("files, then conf.d, then environment, then flags; the origin is kept") {
    const Folder folder;
    Sources sources;
    sources.file = folder.write("imgsrv.toml",
                                "listen = \":1\"\nupload-ttl = \"1h\"\n[storage]\ndriver = "
                                "\"s3\"\n[storage.s3]\nbucket = \"b\"\nuse-tls = false\n");
    folder.write("conf.d/10.toml", "upload-ttl = \"2h\"\nnode-name = \"n\"\n");
    sources.environment = {{"IMGSRV_UPLOAD_TTL", "3h"},
                           {"IMGSRV_STORAGE_S3_ACCESS_KEY_ID", "k"},
                           {"IMGSRV_TOKEN", "x"},
                           {"HOME", "/"},
                           {"IMGSRV_PORT", "tcp://10.0.0.1:80"},
                           {"IMGSRV_PORT_80_TCP_ADDR", "10.0.0.1"},
                           {"IMGSRV_SERVICE_HOST", "10.0.0.1"}};
    sources.flags = {{"upload-ttl", "4h"}};
    auto settings = Settings::load(sources);
    REQUIRE(settings.ok());
    CHECK(settings->text("listen") == ":1");
    CHECK(settings->text("node-name") == "n");
    CHECK(settings->duration("upload-ttl") == std::chrono::hours(4));
    CHECK(settings->all().find("upload-ttl")->second.origin == "--upload-ttl");
    const auto s3 = settings->driver_options("storage", "s3");
    CHECK(std::get<std::string>(s3.at("bucket").value) == "b");
    CHECK(std::get<std::string>(s3.at("use_tls").value) == "false");
    CHECK(std::get<std::string>(s3.at("access_key_id").value) == "k");
    CHECK(s3.at("bucket").origin.find("imgsrv.toml:6") != std::string::npos);
}

TEST_CASE("with nothing configured the server is not reachable from the network") {
    auto settings = Settings::load({});
    REQUIRE(settings.ok());
    CHECK(settings->text("listen") == "127.0.0.1:8080");
    CHECK(settings->list("publish.steps") ==
          std::vector<std::string>{"validate_catalog", "incus_index", "finalize_publish"});
    CHECK_FALSE(settings->is_set("listen"));
}

TEST_CASE("short names select the driver they belong to") {
    Sources sources;
    sources.environment = {{"IMGSRV_POSTGRES_URL", "postgres://x"},
                           {"IMGSRV_S3_BUCKET", "b"},
                           {"IMGSRV_S3_SECRET_ACCESS_KEY_FILE", "/run/keys/s3"}};
    auto settings = Settings::load(sources);
    REQUIRE(settings.ok());
    CHECK(settings->text("database.driver") == "postgres");
    CHECK(settings->text("storage.driver") == "s3");
    CHECK(settings->driver_options("database", "postgres").contains("url"));
    CHECK(settings->driver_options("storage", "s3").contains("secret_access_key_file"));
}

TEST_CASE("the later source wins, whatever its spelling of the key") {
    const Folder folder;
    Sources sources;
    sources.file = folder.write("imgsrv.toml",
                                "[storage]\ndriver = \"fs\"\n[storage.s3]\naccess-key-id = \"file\"\n"
                                "secret_access_key = \"file\"\nsession_token_file = \"/file\"\n");
    auto settings = Settings::load(sources);
    REQUIRE(settings.ok());
    CHECK(settings->text("storage.driver") == "fs");

    sources.environment = {{"IMGSRV_STORAGE_S3_ACCESS_KEY_ID", "environment"},
                           {"IMGSRV_S3_SECRET_ACCESS_KEY_FILE", "/environment"},
                           {"IMGSRV_S3_SESSION_TOKEN", "environment"}};
    settings = Settings::load(sources);
    REQUIRE(settings.ok());
    CHECK(settings->text("storage.driver") == "s3");  // a later source sets it, by its short name
    auto s3 = settings->driver_options("storage", "s3");
    CHECK(std::get<std::string>(s3.at("access_key_id").value) == "environment");
    CHECK(std::get<std::string>(s3.at("secret_access_key_file").value) == "/environment");
    CHECK(std::get<std::string>(s3.at("session_token").value) == "environment");
    CHECK(s3.size() == 3);

    sources.flags = {{"storage.s3.access-key-id", "flag"}, {"storage.driver", "fs"}};
    settings = Settings::load(sources);
    REQUIRE(settings.ok());
    CHECK(settings->text("storage.driver") == "fs");
    CHECK(std::get<std::string>(settings->driver_options("storage", "s3").at("access_key_id").value) == "flag");

    sources.flags.emplace_back("storage.s3.access_key_id", "again");
    CHECK(error_of(sources).find("is set twice") != std::string::npos);
}

TEST_CASE("lists come as TOML arrays, repeated flags or text with commas") {
    const Folder folder;
    Sources sources;
    sources.file = folder.write("a.toml", "plugin-dir = [\"/a\", \"/b\"]\n[publish]\nsteps = [\"x\", \"y\"]\n");
    auto settings = Settings::load(sources);
    REQUIRE(settings.ok());
    CHECK(settings->list("plugin-dir") == std::vector<std::string>{"/a", "/b"});
    CHECK(settings->list("publish.steps") == std::vector<std::string>{"x", "y"});
    sources.flags = {{"plugin-dir", "/c"}, {"plugin-dir", "/d"}, {"publish.steps", "p,q"}};
    settings = Settings::load(sources);
    REQUIRE(settings.ok());
    CHECK(settings->list("plugin-dir") == std::vector<std::string>{"/c", "/d"});
    CHECK(settings->list("publish.steps") == std::vector<std::string>{"p", "q"});
}

TEST_CASE("an error names where the mistake is") {
    const Folder folder;
    Sources sources;
    sources.file = folder.write("a.toml", "\nlisten_ = \":1\"\n");
    CHECK(error_of(sources).find("a.toml:2: unknown setting 'listen_'; did you mean 'listen'?") != std::string::npos);
    sources.file = folder.write("b.toml", "upload-ttl = \"soon\"\n");
    CHECK(error_of(sources).find("b.toml:1: upload-ttl: 'soon' is not a duration") != std::string::npos);
    sources.file = folder.write("c.toml", "listen = [\n");
    CHECK(error_of(sources).find("c.toml:") != std::string::npos);
    sources.file = folder.write("d.toml", "cas-promotion-enabled = \"yes\"\n");
    CHECK(error_of(sources).find("'yes' is neither true nor false") != std::string::npos);
    sources.file = folder.write("e.toml", "listen = 1.5\n");
    CHECK(error_of(sources).find("e.toml:1: listen: must be") != std::string::npos);
    sources.file = folder.write("f.toml", "gc-grace = \"1h\"\n");
    CHECK(error_of(sources).find("f.toml:1: gc-grace: '1h' is less than 1h 01m") != std::string::npos);
    sources.file = "/nonexistent/imgsrv.toml";
    CHECK(error_of(sources).find("does not exist") != std::string::npos);
    sources.file.reset();
    sources.environment = {{"IMGSRV_LISTENN", "x"}};
    CHECK(error_of(sources).find("IMGSRV_LISTENN is not the name of a setting; did you mean IMGSRV_LISTEN?") !=
          std::string::npos);
    sources.environment = {{"LOG_LEVEL", "loud"}};
    CHECK(error_of(sources).find("'loud' is not a log level") != std::string::npos);
}

TEST_CASE("an unreadable file is an error, not an empty configuration") {
    const Folder folder;
    Sources sources;
    sources.file = folder.write("imgsrv.toml", "\xEF\xBB\xBFlisten = \":1\"\r\nverbosity = \"warn\"\r\n");
    CHECK(Settings::load(sources)->text("verbosity") == "warn");  // a byte order mark and CR LF are harmless
    const auto in_conf_d = sources.file->parent_path() / "conf.d/10.toml";

    std::filesystem::create_directories(in_conf_d);
    CHECK(error_of(sources).find("conf.d/10.toml' cannot be read: Is a directory") != std::string::npos);
    std::filesystem::remove(in_conf_d);
    std::filesystem::create_symlink("10.toml", in_conf_d);
    CHECK(error_of(sources).find("conf.d/10.toml' cannot be read: Too many levels") != std::string::npos);
    std::filesystem::remove_all(in_conf_d.parent_path());
    std::ofstream(in_conf_d.parent_path()) << "a file";
    CHECK(error_of(sources).find("conf.d' cannot be read: Not a directory") != std::string::npos);
    std::filesystem::remove(in_conf_d.parent_path());

    sources.file = in_conf_d.parent_path().parent_path();
    CHECK(error_of(sources).find("cannot be read: Is a directory") != std::string::npos);
    sources.file = folder.write("file", "") / "imgsrv.toml";
    CHECK(error_of(sources).find("cannot be read: Not a directory") != std::string::npos);
}

TEST_CASE("numbers at their limits") {
    const auto load = [](const std::string& key, const std::string& value) {
        Sources sources;
        sources.flags = {{key, value}};
        return Settings::load(sources).ok();
    };
    CHECK(load("shutdown-timeout", "36500d"));
    for (const char* key : {"shutdown-timeout", "gc-interval", "upload-ttl", "cas-promotion-poll-interval"})
        CHECK_FALSE(load(key, "10000000h"));
    // A pause of zero makes a busy loop.
    for (const char* key :
         {"cas-promotion-poll-interval", "cas-promotion-error-backoff", "cas-promotion-error-backoff-max",
          "cas-promotion-circuit-breaker-cooldown", "scrub-interval", "upload-ttl"})
        CHECK_FALSE(load(key, "0"));
    CHECK(load("gc-interval", "0"));
    CHECK(load("shutdown-timeout", "0"));
    CHECK(load("cas-promotion-circuit-breaker-failures", "0"));
    for (const char* key : {"cas-promotion-circuit-breaker-failures", "database.connections"}) {
        CHECK_FALSE(load(key, "4294967297"));
        CHECK_FALSE(load(key, "9223372036854775808"));
    }
}

TEST_CASE("LOG_LEVEL is for any program, IMGSRV_VERBOSITY for this one") {
    Sources sources;
    sources.environment = {{"LOG_LEVEL", "debug"}};
    CHECK(Settings::load(sources)->text("verbosity") == "debug");
    sources.environment["IMGSRV_VERBOSITY"] = "warn";
    CHECK(Settings::load(sources)->text("verbosity") == "warn");
}

TEST_CASE("rate-limit and trust-proxy") {
    const auto load = [](const std::string& key, const std::string& value) {
        Sources sources;
        if (!key.empty()) sources.flags = {{key, value}};
        return Settings::load(sources);
    };
    CHECK(load("", "")->integer("rate-limit") == 1200);
    CHECK(load("rate-limit", "0")->integer("rate-limit") == 0);
    for (const char* wrong : {"-1", "many", "1000001"}) CHECK_FALSE(load("rate-limit", wrong).ok());

    CHECK(load("", "")->hops("trust-proxy") == 0);
    CHECK(load("trust-proxy", "false")->hops("trust-proxy") == 0);
    CHECK(load("trust-proxy", "2")->hops("trust-proxy") == 2);
    CHECK(load("trust-proxy", "true")->hops("trust-proxy") > 1000);
    for (const char* wrong : {"", "yes", "-1", "33", "1 2", "10.0.0.0/8"}) {
        const auto settings = load("trust-proxy", wrong);
        REQUIRE_FALSE(settings.ok());
        CHECK(settings.status().message().find("trust-proxy") != std::string::npos);
    }

    const Folder folder;
    Sources sources;
    sources.file = folder.write("imgsrv.toml", "trust-proxy = true\nrate-limit = 60\n");
    CHECK(Settings::load(sources)->hops("trust-proxy") > 1000);
    CHECK(Settings::load(sources)->integer("rate-limit") == 60);
}
