#include "client/draft_plan.h"

#include <catch2/catch.hpp>

using namespace imgsrv::client;
using Catch::Contains;

namespace {

Artifact artifact(const std::string& format, const std::string& digest, std::vector<Attachment> attachments = {}) {
    Artifact a;
    a.id = "id-" + format;
    a.operating_system = "linux";
    a.architecture = "x86_64";
    a.format = format;
    a.digest = digest;
    a.attachments = std::move(attachments);
    return a;
}

Attachment attachment(const std::string& name, const std::string& digest) {
    Attachment a;
    a.name = name;
    a.digest = digest;
    return a;
}

Manifest manifest(const std::string& state, std::vector<Artifact> artifacts) {
    return {.image = "web", .version = "1", .state = state, .artifacts = std::move(artifacts)};
}

}  // namespace

TEST_CASE("an empty draft gets everything, a complete one nothing") {
    const std::vector<Artifact> wanted = {artifact("qcow2", "sha256:a", {attachment("m", "sha256:m")})};
    const auto empty = plan_draft(manifest("draft", {}), wanted, false);
    REQUIRE(empty.ok());
    CHECK(empty->add.size() == 1);
    const auto complete = plan_draft(manifest("draft", wanted), wanted, false);
    REQUIRE(complete.ok());
    CHECK(complete->empty());
}

TEST_CASE("a draft that lacks an attachment gets it; other artifacts stay") {
    const auto plan = plan_draft(manifest("draft", {artifact("qcow2", "sha256:a"), artifact("raw", "sha256:r")}),
                                 {artifact("qcow2", "sha256:a", {attachment("m", "sha256:m")})}, false);
    REQUIRE(plan.ok());
    CHECK(plan->add.empty());
    CHECK(plan->remove.empty());
    REQUIRE(plan->attach.size() == 1);
    CHECK(plan->attach[0].artifact_id == "id-qcow2");
}

TEST_CASE("different bytes in a draft are replaced only with --replace") {
    const auto there = manifest("draft", {artifact("qcow2", "sha256:old")});
    const std::vector<Artifact> wanted = {artifact("qcow2", "sha256:new")};
    const auto refused = plan_draft(there, wanted, false);
    CHECK(refused.status().code() == imgsrv::Code::failed_precondition);
    CHECK_THAT(std::string(refused.status().message()), Contains("sha256:old") && Contains("sha256:new"));
    const auto replaced = plan_draft(there, wanted, true);
    REQUIRE(replaced.ok());
    CHECK(replaced->remove == std::vector<std::string>{"id-qcow2"});
    CHECK(replaced->add.size() == 1);
}

TEST_CASE("a frozen version must hold what is wanted, and may hold more") {
    const auto frozen = manifest("published", {artifact("qcow2", "sha256:a", {attachment("m", "sha256:m")})});
    CHECK(check_frozen(frozen, {artifact("qcow2", "sha256:a")}).ok());
    CHECK(check_frozen(frozen, {artifact("qcow2", "sha256:a", {attachment("m", "sha256:m")})}).ok());
    for (const auto& wanted : {artifact("raw", "sha256:a"), artifact("qcow2", "sha256:b"),
                               artifact("qcow2", "sha256:a", {attachment("m", "sha256:n")}),
                               artifact("qcow2", "sha256:a", {attachment("other", "sha256:m")})})
        CHECK(check_frozen(frozen, {wanted}).code() == imgsrv::Code::failed_precondition);
}

TEST_CASE("artifacts of different variants do not collide") {
    auto cloud = artifact("qcow2", "sha256:b");
    cloud.variant = "cloud";
    const auto plan = plan_draft(manifest("draft", {artifact("qcow2", "sha256:a")}), {cloud}, false);
    REQUIRE(plan.ok());
    CHECK(plan->add.size() == 1);
}
