#include "client/upload_record.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace imgsrv::client;

namespace {

// Points XDG_STATE_HOME at a scratch folder for one test.
class StateHome {
  public:
    StateHome() {
        std::string pattern = std::filesystem::temp_directory_path() / "imgsrv-state-XXXXXX";
        path = ::mkdtemp(pattern.data());
        ::setenv("XDG_STATE_HOME", path.c_str(), 1);
    }
    ~StateHome() {
        ::unsetenv("XDG_STATE_HOME");
        std::filesystem::remove_all(path);
    }
    std::filesystem::path only_record() const { return *std::filesystem::directory_iterator(path / "imgsrv/uploads"); }
    std::filesystem::path path;
};

constexpr const char* kServer = "http://127.0.0.1:8080";
const PendingUpload kPending{.upload_id = "0193e5a2-7c5e-7d2a-9d4b-0a4d2f0c1b11", .part_size = 65536};

}  // namespace

TEST_CASE("a later run finds the record of its server and blob, and no other") {
    const StateHome home;
    UploadRecord(kServer, "sha256:a").save(kPending);
    const auto found = UploadRecord(kServer, "sha256:a").load();
    REQUIRE(found);
    CHECK(found->upload_id == kPending.upload_id);
    CHECK(found->part_size == kPending.part_size);
    CHECK_FALSE(UploadRecord(kServer, "sha256:b").load());
    CHECK_FALSE(UploadRecord("http://other", "sha256:a").load());
}

TEST_CASE("a finished upload leaves nothing behind") {
    const StateHome home;
    UploadRecord record(kServer, "sha256:a");
    record.save(kPending);
    record.forget();
    CHECK(std::filesystem::is_empty(home.path / "imgsrv/uploads"));
}

TEST_CASE("a damaged record is ignored") {
    const StateHome home;
    UploadRecord(kServer, "sha256:a").save(kPending);
    for (const char* text : {"", "{", "[]", "{\"upload_id\":\"../x\",\"part_size\":1}", "{\"upload_id\":\"x\"}",
                             "{\"upload_id\":\"0193e5a2-7c5e-7d2a-9d4b-0a4d2f0c1b11\",\"part_size\":0}"}) {
        std::ofstream(home.only_record(), std::ios::trunc) << text;
        CHECK_FALSE(UploadRecord(kServer, "sha256:a").load());
    }
}

TEST_CASE("while one run has the record locked, another has none") {
    const StateHome home;
    UploadRecord first(kServer, "sha256:a");
    first.save(kPending);
    UploadRecord second(kServer, "sha256:a");
    CHECK_FALSE(second.load());
    second.save({.upload_id = "0193e5a2-7c5e-7d2a-9d4b-000000000000", .part_size = 1});
    CHECK(first.load()->upload_id == kPending.upload_id);
}

TEST_CASE("without a place to write, nothing is remembered and nothing fails") {
    ::setenv("XDG_STATE_HOME", "/proc/nowhere", 1);
    UploadRecord record(kServer, "sha256:a");
    record.save(kPending);
    CHECK_FALSE(record.load());
    record.forget();
    ::unsetenv("XDG_STATE_HOME");
}
