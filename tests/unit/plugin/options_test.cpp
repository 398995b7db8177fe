// Each driver's options; a secret may come from a file (<key>_file).
#include "plugin/options.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

using namespace imgsrv;
using namespace imgsrv::plugin;

namespace {

const std::vector<OptionInfo> kDeclared = {
    {"endpoint", OptionType::string, true, false, false, "", "Where the store is"},
    {"retries", OptionType::integer, false, false, true, "3", ""},
    {"path_style", OptionType::boolean, false, false, true, "false", ""},
    {"timeout", OptionType::duration, false, false, true, "5s", ""},
    {"part_size", OptionType::size, false, false, false, "", ""},
    {"regions", OptionType::list, false, false, false, "", ""},
    {"secret_key", OptionType::string, false, true, false, "", ""},
};

OptionValue text(std::string value) {
    return {std::move(value), ""};
}

std::string refusal(const OptionValues& given) {
    const auto checked = check_options(kDeclared, given);
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.status().code() == Code::invalid_argument);
    return std::string(checked.status().message());
}

// A file with this content that goes away with the object.
class SecretFile {
  public:
    explicit SecretFile(const std::string& content) {
        const int fd = ::mkstemp(path_.data());
        REQUIRE(fd >= 0);
        REQUIRE(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
        ::close(fd);
    }
    ~SecretFile() { ::unlink(path_.c_str()); }
    const std::string& path() const { return path_; }

  private:
    std::string path_ = "/tmp/imgsrv-secret-XXXXXX";
};

}  // namespace

TEST_CASE("options become values of their types, with defaults") {
    const auto checked = check_options(kDeclared, {{"endpoint", text("http://s")},
                                                   {"path-style", text("true")},
                                                   {"timeout", text("500ms")},
                                                   {"part_size", text("64MiB")},
                                                   {"regions", {std::vector<std::string>{"a", "b"}, ""}}});
    REQUIRE(checked.ok());
    const imgsrv_config config = checked->table();

    imgsrv_str s{};
    CHECK(config.get_str(config.ctx, "endpoint", &s) == IMGSRV_OK);
    CHECK(std::string(s.ptr, s.len) == "http://s");
    std::int64_t i = 0;
    CHECK(config.get_int(config.ctx, "retries", &i) == IMGSRV_OK);
    CHECK(i == 3);
    CHECK(config.get_int(config.ctx, "timeout", &i) == IMGSRV_OK);
    CHECK(i == 500);
    CHECK(config.get_int(config.ctx, "part_size", &i) == IMGSRV_OK);
    CHECK(i == 64 << 20);
    std::int32_t b = 0;
    CHECK(config.get_bool(config.ctx, "path_style", &b) == IMGSRV_OK);
    CHECK(b == 1);
    CHECK(config.get_str_at(config.ctx, "regions", 1, &s) == IMGSRV_OK);
    CHECK(std::string(s.ptr, s.len) == "b");
    CHECK(config.get_str_at(config.ctx, "regions", 2, &s) == IMGSRV_OUT_OF_RANGE);

    CHECK(config.get_str(config.ctx, "secret_key", &s) == IMGSRV_NOT_FOUND);
    CHECK(config.get_str(config.ctx, "nobody", &s) == IMGSRV_INVALID_ARGUMENT);
    CHECK(config.get_str(config.ctx, "retries", &s) == IMGSRV_INVALID_ARGUMENT);
    s = config.as_json(config.ctx);
    CHECK(
        std::string(s.ptr, s.len) ==
        R"({"endpoint":"http://s","part_size":67108864,"path_style":true,"regions":["a","b"],"retries":3,"timeout":500})");
}

TEST_CASE("a single value does for a list, a list does not for a single value") {
    const auto checked = check_options(kDeclared, {{"endpoint", text("e")}, {"regions", text("a")}});
    REQUIRE(checked.ok());
    CHECK(std::get<std::vector<std::string>>(checked->values().at("regions")) == std::vector<std::string>{"a"});
    CHECK(refusal({{"endpoint", {std::vector<std::string>{"a"}, "x.toml:3"}}}) ==
          "option 'endpoint' (x.toml:3): takes one value, not a list");
}

TEST_CASE("options that do not fit are refused by name") {
    CHECK(refusal({}) == "option 'endpoint': is required (Where the store is)");
    CHECK(refusal({{"endpont", {"e", "imgsrv.toml:7"}}}) ==
          "option 'endpont' (imgsrv.toml:7): this driver has no such option; did you mean 'endpoint'?");
    CHECK(refusal({{"colour", text("red")}}) == "option 'colour': this driver has no such option");
    CHECK(refusal({{"endpoint", text("e")}, {"retries", text("3x")}}) ==
          "option 'retries': '3x' is not a whole number");
    CHECK(refusal({{"endpoint", text("e")}, {"retries", text("")}}) == "option 'retries': '' is not a whole number");
    CHECK(refusal({{"endpoint", text("e")}, {"path_style", text("yes")}}) ==
          "option 'path_style': 'yes' is neither true nor false");
    CHECK_THAT(refusal({{"endpoint", text("e")}, {"timeout", text("5 parsecs")}}),
               Catch::StartsWith("option 'timeout': '5 parsecs' is not"));
    CHECK_THAT(refusal({{"endpoint", text("e")}, {"part_size", text("-1")}}),
               Catch::StartsWith("option 'part_size': "));
    CHECK(refusal({{"endpoint", text("e")}, {"path-style", text("true")}, {"path_style", text("true")}}) ==
          "option 'path_style': is set twice");
}

TEST_CASE("a secret may come from a file") {
    const SecretFile file("hush\n");
    const auto checked = check_options(kDeclared, {{"endpoint", text("e")}, {"secret_key_file", text(file.path())}});
    REQUIRE(checked.ok());
    CHECK(std::get<std::string>(checked->values().at("secret_key")) == "hush");

    CHECK(refusal({{"endpoint", text("e")}, {"secret_key", text("x")}, {"secret_key_file", text(file.path())}}) ==
          "option 'secret_key': is set both directly and as 'secret_key_file'; keep one");
    CHECK(refusal({{"endpoint", text("e")}, {"secret_key_file", text("/nowhere/at/all")}}) ==
          "option 'secret_key_file': '/nowhere/at/all' cannot be opened: No such file or directory");
    const SecretFile empty("\n");
    CHECK_THAT(refusal({{"endpoint", text("e")}, {"secret_key_file", text(empty.path())}}),
               Catch::EndsWith("is empty"));
    const SecretFile huge(std::string(65 * 1024, 'x'));
    CHECK_THAT(refusal({{"endpoint", text("e")}, {"secret_key_file", text(huge.path())}}),
               Catch::EndsWith("is larger than 64 KiB"));
    // Only secrets have the second spelling.
    CHECK_THAT(refusal({{"endpoint_file", text("x")}}), Catch::Contains("no such option"));
}
