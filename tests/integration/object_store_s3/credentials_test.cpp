#include <stdlib.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "s3_store.h"

using namespace imgsrv::test;
using namespace imgsrv::conformance;
using Catch::Contains;

namespace {

// A credentials file, replaced as a whole, as key-rotating tools do.
class CredentialsFile {
  public:
    CredentialsFile() : path_(std::filesystem::temp_directory_path() / ("imgsrv-keys-" + std::to_string(::getpid()))) {}
    ~CredentialsFile() { std::filesystem::remove(path_); }

    void write(const std::string& id, const std::string& token = "") const {
        const auto fresh = path_.string() + ".new";
        std::ofstream(fresh) << "[default]\naws_access_key_id = " << id << "\naws_secret_access_key = secret-of-" << id
                             << "\n"
                             << (token.empty() ? "" : "aws_session_token = " + token + "\n");
        std::filesystem::rename(fresh, path_);
    }
    void write_text(const std::string& text) const { std::ofstream(path_) << text; }
    std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("expired, denied and foreign credentials are told apart") {
    CHECK_THAT(refusal({{"access_key_id", "EXPIREDKEY"}, {"secret_access_key", "secret-of-EXPIREDKEY"}}),
               Contains("session token has expired") && Contains("fresh credentials"));
    CHECK_THAT(refusal({{"access_key_id", "DENIEDKEY"}, {"secret_access_key", "secret-of-DENIEDKEY"}}),
               Contains("not allowed"));
    CHECK_THAT(refusal({{"access_key_id", "NOBODY"}}), Contains("does not know the access key"));
    CHECK_THAT(refusal({{"secret_access_key", "wrong"}}), Contains("secret key does not belong to"));
}

TEST_CASE("a wrong region or clock is reported with both values") {
    CHECK_THAT(refusal({{"bucket", "elsewhere"}}), Contains("in region 'eu-west-1'") && Contains("is 'us-east-1'"));
    CHECK_THAT(refusal({{"region", "eu-north-1"}}), Contains("in region 'us-east-1'") && Contains("is 'eu-north-1'"));
    CHECK_THAT(refusal({{"bucket", "skewed"}}), Contains("3600 s ahead of the store's") && Contains("NTP"));
}

TEST_CASE("a session token goes with every request") {
    const Options base = {
        {"access_key_id", "TEMPORARYKEY"}, {"secret_access_key", "secret-of-TEMPORARYKEY"}, {"session_token", "TOKEN"}};
    Instance instance(s3_component(), s3_settings(base));
    Store store(instance);
    store.put(store.key("o"), {1, 2 << 20});
    store.expect_object(store.key("o"), {{1, 2 << 20}});
    CHECK_THAT(refusal({{"access_key_id", "TEMPORARYKEY"},
                        {"secret_access_key", "secret-of-TEMPORARYKEY"},
                        {"session_token", "STALE"}}),
               Contains("session token is not valid") && !Contains("STALE"));
}

TEST_CASE("a credentials file is read again when it changes, and a broken one leaves the last in use") {
    const CredentialsFile file;
    file.write("GOODKEY");
    Instance instance(
        s3_component(),
        s3_settings({{"access_key_id", ""}, {"secret_access_key", ""}, {"credentials_file", file.path()}}));
    imgsrv_error error{};
    CHECK(health(instance, error) == IMGSRV_OK);
    file.write("EXPIREDKEY");
    CHECK(health(instance, error) == IMGSRV_UNAUTHENTICATED);
    CHECK_THAT(error.message, Contains("expired"));
    file.write("TEMPORARYKEY", "TOKEN");
    CHECK(health(instance, error) == IMGSRV_OK);
    file.write_text("[default]\naws_acc");
    CHECK(health(instance, error) == IMGSRV_OK);
    std::filesystem::remove(file.path());
    CHECK(health(instance, error) == IMGSRV_OK);
    file.write("EXPIREDKEY");
    CHECK(health(instance, error) == IMGSRV_UNAUTHENTICATED);
    CHECK_THAT(logged_text(), Contains("credentials") && !Contains("secret-of-"));
}

TEST_CASE("a credentials file that cannot be used keeps the store from starting") {
    const CredentialsFile file;
    const auto with = [&](const char* profile) {
        return refusal({{"access_key_id", ""},
                        {"secret_access_key", ""},
                        {"credentials_file", file.path()},
                        {"credentials_profile", profile}});
    };
    CHECK_THAT(with("default"), Contains("credentials file"));
    file.write("GOODKEY");
    CHECK_THAT(with("images"), Contains("[images]"));
    CHECK(with("default").empty());
}

TEST_CASE("the environment has credentials where the options have none") {
    ::setenv("AWS_ACCESS_KEY_ID", "GOODKEY", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "secret-of-GOODKEY", 1);
    CHECK(refusal({{"access_key_id", ""}, {"secret_access_key", ""}}).empty());
    ::unsetenv("AWS_SECRET_ACCESS_KEY");
    CHECK_THAT(refusal({{"access_key_id", ""}, {"secret_access_key", ""}}), Contains("AWS_SECRET_ACCESS_KEY is not"));
    ::unsetenv("AWS_ACCESS_KEY_ID");
}
