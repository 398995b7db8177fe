// A plugin built with the headers of release 1.0 still loads and works.
#include <catch2/catch.hpp>

#include "plugin/create.h"
#include "plugin/local_data.h"

using namespace imgsrv;
using namespace imgsrv::plugin;

namespace {

const ports::Call kCall{"req", {}, {}};

PluginRegistry& registry() {
    static PluginRegistry one;
    static const Status loaded = one.load_file(FROZEN_PLUGIN);
    INFO(loaded.message());
    REQUIRE(loaded.ok());
    return one;
}

// A stream of "body".
class Body final : public ports::ByteReader {
  public:
    std::optional<std::uint64_t> size() const override { return 4; }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        if (std::exchange(done_, true)) return std::size_t{0};
        std::copy_n(reinterpret_cast<const std::byte*>("body"), 4, buffer.data());
        return std::size_t{4};
    }

  private:
    bool done_ = false;
};

class Run final : public ports::StepRun {
  public:
    const ports::StepManifest& manifest() const override { return manifest_; }
    std::uint32_t attempt() const override { return 1; }
    Result<std::unique_ptr<ports::ByteReader>> open_blob(const ports::Call&, std::string_view, std::uint64_t,
                                                         std::optional<std::uint64_t>) override {
        return std::unique_ptr<ports::ByteReader>(std::make_unique<Body>());
    }
    Result<std::uint64_t> blob_size(const ports::Call&, std::string_view) override { return std::uint64_t{4}; }
    void progress(std::uint64_t, std::uint64_t) override {}
    Status put_row(std::string_view key, std::string_view json) override {
        rows += std::string(key) + "=" + std::string(json) + ";";
        return {};
    }
    Status request_published() override { return {}; }

    std::string rows;

  private:
    ports::StepManifest manifest_{
        "id",
        "image",
        "1",
        {{"a", "", "", "", "", "", "sha256:x", 4, {}}, {"b", "", "", "", "", "", "sha256:y", 4, {}}}};
};

class View final : public ports::RenderView {
  public:
    Result<bool> next_row(ports::ProjectionRow& row) override {
        if (left_ == 0) return false;
        row.json = left_-- == 2 ? "one" : "two";
        return true;
    }
    Result<std::optional<std::string_view>> alias_at(std::string_view, std::string_view, std::size_t) override {
        return std::optional<std::string_view>();
    }

  private:
    int left_ = 2;
};

}  // namespace

TEST_CASE("release 1.0: object store") {
    auto store = create_object_store(registry(), "v1", "storage", {}, {});
    INFO(store.status().message());
    REQUIRE(store.ok());
    CHECK((*store)->stat(kCall, "k")->size == 8);
    auto opened = (*store)->open(kCall, "k", "", 3, 3);
    REQUIRE(opened.ok());
    std::byte buffer[8];
    REQUIRE(*opened->body->read(buffer) == 3);
    CHECK(std::string(reinterpret_cast<char*>(buffer), 3) == "byt");
    CHECK(opened->body->rewind().code() == Code::unimplemented);
    Body body;
    const auto full = (*store)->put(kCall, "k", body, ports::Overwrite::replace);
    CHECK(full.status().code() == Code::resource_exhausted);
    CHECK(full.status().detail() == "V1");
    CHECK(*(*store)->multipart_create(kCall, "k", 5) == "five");
    const ports::StoredPart part[] = {{1, 4, "e"}};
    CHECK((*store)->multipart_complete(kCall, "k", "five", part)->key == "k");
    CHECK((*store)->multipart_list(kCall, "k")->front().upload_id == "five");
    CHECK((*store)->list(kCall, "", "", 10)->objects.size() == 1);
    CHECK_FALSE((*store)->can_open_fd());
    CHECK_FALSE((*store)->can_open_part());
    CHECK_FALSE((*store)->unique_part_etags());
    CHECK((*store)->health(kCall).ok());
}

TEST_CASE("release 1.0: database") {
    auto db = create_database(registry(), "v1", "database", {}, {});
    REQUIRE(db.ok());
    CHECK((*db)->dialect() == "v1");
    CHECK((*db)->concurrent_writers());
    auto conn = (*db)->connect(kCall);
    REQUIRE(conn.ok());
    CHECK((*conn)->begin(kCall, ports::Access::read).ok());
    CHECK((*conn)->begin(kCall, ports::Access::write).code() == Code::failed_precondition);
    CHECK((*conn)->script(kCall, "x").db_class() == DbClass::read_only);
    std::int64_t seen = 0;
    const ports::Param params[] = {std::int64_t{42}};
    CHECK((*conn)
              ->query(kCall, "x", params,
                      [&](const ports::Row& row) {
                          seen += row.integer(0);
                          return Status();
                      })
              .ok());
    CHECK(seen == 42);
    CHECK((*conn)->commit(kCall).ok());
}

TEST_CASE("release 1.0: its data is taken to be elsewhere, for it knows no extension of 1.1") {
    for (const auto kind : {Kind::object_store, Kind::database}) {
        const auto local = local_data_of(**registry().find(kind, "v1"));
        REQUIRE(local.ok());
        CHECK_FALSE(local->has_value());
    }
}

TEST_CASE("release 1.0: authenticator") {
    auto auth = create_authenticator(registry(), "v1", "auth", {}, {});
    REQUIRE(auth.ok());
    const auto answer = (*auth)->authenticate(kCall, {"Bearer", "v1", ""});
    REQUIRE(answer.ok());
    CHECK(answer->verdict == ports::Authenticator::Verdict::accepted);
    CHECK(answer->identity.issuer == "v1");
    CHECK_FALSE(answer->identity.expires);
    CHECK((*auth)->authenticate(kCall, {"Bearer", "x", ""})->verdict == ports::Authenticator::Verdict::not_mine);
    CHECK((*auth)->issue(kCall, "id")->verifier == "verifier");
}

TEST_CASE("release 1.0: publish step") {
    auto step = create_publish_step(registry(), "v1", "v1", {}, {});
    REQUIRE(step.ok());
    Run run;
    CHECK((*step)->run(kCall, run).ok());
    CHECK(run.rows == "a=\"body\";b=\"body\";");
    View view;
    CHECK(*(*step)->render(kCall, view, "/v1.txt") == "onetwo");
    CHECK((*step)->documents().front().path == "/v1.txt");
}
