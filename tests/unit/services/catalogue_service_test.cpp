#include "services/catalogue/catalogue_service.h"

#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;

namespace {

struct CatalogueWorld {
    NewArtifact artifact(const std::string& format = "qcow2") {
        return {"debian", "amd64", std::nullopt, format, digest_of("image"), 5, "application/octet-stream"};
    }
    std::string add_artifact() {
        const auto added = service.add_artifact(world.call, "debian", "1", artifact());
        INFO(added.status().describe());
        REQUIRE(added.ok());
        return added->id;
    }
    std::int64_t generation() { return world.number("SELECT generation FROM catalogue_generation"); }

    World world;
    CatalogueClock clock;
    CatalogueService service{world.pool, clock};
};

}  // namespace

TEST_CASE("a reader sees what is published, a writer drafts too") {
    CatalogueWorld c;
    const auto blob = c.world.add_blob("image");
    c.world.add_draft("hidden", "1", {blob});
    c.world.add_draft("debian", "2", {blob});
    c.world.add_published("debian", "1", {blob});
    const auto sees = [&](View view, std::string_view image, std::string_view version) {
        return c.service.manifest(c.world.call, view, image, version).status().code();
    };
    CHECK(sees(View::published, "debian", "1") == Code::ok);
    CHECK(sees(View::published, "debian", "2") == Code::not_found);
    CHECK(sees(View::published, "hidden", "1") == Code::not_found);
    CHECK(sees(View::all, "debian", "2") == Code::ok);
    CHECK(sees(View::all, "hidden", "1") == Code::ok);
    CHECK(c.service.image(c.world.call, View::published, "hidden").status().code() == Code::not_found);
    CHECK(c.service.image(c.world.call, View::all, "hidden").ok());
    CHECK(c.service.images(c.world.call, {})->items.size() == 1);
    CHECK(c.service.versions(c.world.call, View::all, "debian", {})->items.size() == 1);
    CHECK(c.service.resolve(c.world.call, "debian", "2").status().code() == Code::not_found);
    CHECK(c.service.resolve(c.world.call, "debian", "1")->artifacts.size() == 1);
}

TEST_CASE("names are taken once") {
    CatalogueWorld c;
    CHECK(c.service.create_image(c.world.call, {"debian", "Debian", {}}).ok());
    CHECK(c.service.create_image(c.world.call, {"debian", {}, {}}).status().code() == Code::already_exists);
    CHECK(c.service.create_image(c.world.call, {"no name", {}, {}}).status().code() == Code::invalid_argument);
    CHECK(c.service.create_draft(c.world.call, "debian", "1").ok());
    CHECK(c.service.create_draft(c.world.call, "debian", "1").status().code() == Code::already_exists);
    CHECK(c.service.create_draft(c.world.call, "none", "1").status().code() == Code::not_found);
    c.add_artifact();
    CHECK(c.service.add_artifact(c.world.call, "debian", "1", c.artifact()).status().code() == Code::already_exists);
    CHECK(c.service.add_artifact(c.world.call, "debian", "1", c.artifact("raw")).ok());
}

TEST_CASE("a draft is edited, and what is frozen never") {
    CatalogueWorld c;
    c.world.add_blob("image");
    REQUIRE(c.service.create_image(c.world.call, {"debian", {}, {}}).ok());
    REQUIRE(c.service.create_draft(c.world.call, "debian", "1").ok());
    const auto artifact = c.add_artifact();
    const NewAttachment sbom{"sbom", "text/x", digest_of("sbom"), 4};
    const auto attached = c.service.add_attachment(c.world.call, "debian", "1", artifact, sbom);
    REQUIRE(attached.ok());
    CHECK(c.service.add_attachment(c.world.call, "debian", "1", artifact, sbom).status().code() ==
          Code::already_exists);

    c.world.add_blob("sbom");
    for (const std::string_view state : {"publishing", "published"}) {
        CAPTURE(state);
        c.world.exec("UPDATE versions SET state = $1, published_us = CASE WHEN $1 = 'published' THEN 1 END", {state});
        const auto refused = [](const Status& status) { return status.code() == Code::failed_precondition; };
        auto& s = c.service;
        const auto& call = c.world.call;
        CHECK(refused(s.add_artifact(call, "debian", "1", c.artifact("raw")).status()));
        CHECK(refused(s.delete_artifact(call, "debian", "1", artifact)));
        CHECK(refused(s.add_attachment(call, "debian", "1", artifact, {"b", "text/x", digest_of("b"), 1}).status()));
        CHECK(refused(s.delete_attachment(call, "debian", "1", artifact, attached->id)));
        CHECK(refused(s.delete_draft(call, "debian", "1")));
    }
    CHECK(c.service.manifest(c.world.call, View::published, "debian", "1")->artifacts[0].attachments.size() == 1);
}

TEST_CASE("what is removed from a draft is gone with what hangs on it") {
    CatalogueWorld c;
    REQUIRE(c.service.create_image(c.world.call, {"debian", {}, {}}).ok());
    REQUIRE(c.service.create_draft(c.world.call, "debian", "1").ok());
    const auto artifact = c.add_artifact();
    const auto attached =
        c.service.add_attachment(c.world.call, "debian", "1", artifact, {"sbom", "text/x", digest_of("s"), 1});
    CHECK(c.service.delete_attachment(c.world.call, "debian", "1", artifact, "none").code() == Code::not_found);
    CHECK(c.service.delete_artifact(c.world.call, "debian", "1", "none").code() == Code::not_found);
    SECTION("an attachment") {
        CHECK(c.service.delete_attachment(c.world.call, "debian", "1", artifact, attached->id).ok());
        CHECK(c.world.number("SELECT COUNT(*) FROM artifacts") == 1);
    }
    SECTION("an artifact") {
        CHECK(c.service.delete_artifact(c.world.call, "debian", "1", artifact).ok());
    }
    SECTION("the draft, or nothing of it when that fails") {
        c.world.database.faults().fail(DatabaseCall::commit);
        CHECK_FALSE(c.service.delete_draft(c.world.call, "debian", "1").ok());
        CHECK(c.service.manifest(c.world.call, View::all, "debian", "1")->artifacts[0].attachments.size() == 1);
        CHECK(c.service.delete_draft(c.world.call, "debian", "1").ok());
        CHECK(c.service.manifest(c.world.call, View::all, "debian", "1").status().code() == Code::not_found);
    }
    CHECK(c.world.number("SELECT COUNT(*) FROM attachments") == 0);
}

TEST_CASE("an artifact of another shape than allowed is refused") {
    CatalogueWorld c;
    c.world.add_draft("debian", "1", {});
    const auto refused = [&](const std::function<void(NewArtifact&)>& how) {
        auto request = c.artifact();
        how(request);
        return c.service.add_artifact(c.world.call, "debian", "1", request).status().code();
    };
    CHECK(refused([](auto& a) { a.format = "iso"; }) == Code::invalid_argument);
    CHECK(refused([](auto& a) { a.primary_blob_size = -1; }) == Code::invalid_argument);
    CHECK(refused([](auto& a) { a.primary_blob_digest = "md5:0"; }) == Code::invalid_argument);
    CHECK(refused([](auto& a) { a.primary_media_type = "text"; }) == Code::invalid_argument);
    CHECK(refused([](auto&) {}) == Code::ok);
}

TEST_CASE("an alias points at a published version, and each change of it is a generation") {
    CatalogueWorld c;
    const auto blob = c.world.add_blob("image");
    c.world.add_published("debian", "1", {blob});
    c.world.add_published("debian", "2", {blob});
    c.world.add_draft("debian", "3", {blob});
    auto& s = c.service;
    const auto& call = c.world.call;
    const auto before = c.generation();
    CHECK(s.put_alias(call, "debian", "latest", "3").status().code() == Code::failed_precondition);
    CHECK(s.put_alias(call, "debian", "latest", "none").status().code() == Code::not_found);
    CHECK(c.generation() == before);
    CHECK(s.put_alias(call, "debian", "latest", "1")->created);
    CHECK(c.generation() == before + 1);
    CHECK(c.clock.generation() == before + 1);
    CHECK(s.resolve(call, "debian", "latest")->version.version == "1");
    CHECK_FALSE(s.put_alias(call, "debian", "latest", "2")->created);
    CHECK(s.resolve(call, "debian", "latest")->version.version == "2");
    CHECK(c.clock.generation() == before + 2);
    CHECK(s.aliases(call, View::published, "debian", {})->items.size() == 1);
    CHECK(s.delete_alias(call, "debian", "latest").ok());
    CHECK(c.clock.generation() == before + 3);
    CHECK(s.alias(call, View::published, "debian", "latest").status().code() == Code::not_found);
    CHECK(s.delete_alias(call, "debian", "latest").code() == Code::not_found);
    CHECK(c.generation() == before + 3);
}

TEST_CASE("a version comes before an alias of its name") {
    CatalogueWorld c;
    const auto blob = c.world.add_blob("image");
    c.world.add_published("debian", "1", {blob});
    c.world.add_published("debian", "2", {blob});
    REQUIRE(c.service.put_alias(c.world.call, "debian", "2", "1").ok());
    CHECK(c.service.resolve(c.world.call, "debian", "2")->version.version == "2");
}

TEST_CASE("an alias that was not committed has not moved, and no generation is told of") {
    CatalogueWorld c;
    c.world.add_published("debian", "1", {c.world.add_blob("image")});
    const auto before = c.generation();
    c.world.database.faults().fail(DatabaseCall::commit);
    CHECK_FALSE(c.service.put_alias(c.world.call, "debian", "latest", "1").ok());
    CHECK(c.generation() == before);
    CHECK(c.clock.generation() == 0);
    CHECK(c.service.alias(c.world.call, View::all, "debian", "latest").status().code() == Code::not_found);
    c.world.database.faults().fail_after(DatabaseCall::commit);
    CHECK(c.service.put_alias(c.world.call, "debian", "latest", "1").status().outcome_unknown());
    CHECK(c.generation() == before + 1);
    CHECK(c.service.refresh_generation(c.world.call).ok());
    CHECK(c.clock.generation() == before + 1);
}
