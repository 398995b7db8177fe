#include <catch2/catch.hpp>
#include <string>

#include "conformance/publish_host.h"

using namespace imgsrv::conformance;
using Catch::Matchers::Contains;

namespace {

Outcome run(PublishHost& host, const std::string& name = {}) {
    Settings settings;
    if (!name.empty()) settings.add("name", name);
    Instance step(Plugin(REQUIRE_SBOM).component("require_sbom"), settings);
    Call call;
    const Outcome outcome = host.run(step, call);
    CHECK(host.misuse().empty());
    CHECK(host.rows().empty());
    return outcome;
}

}  // namespace

TEST_CASE("the example in C passes a version whose artifacts all have the attachment") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "raw", "one");
    host.attach("notes.txt", "text");
    host.attach("sbom.json", "{}");
    host.add_artifact("2", "linux", "aarch64", "default", "raw", "two");
    host.attach("sbom.json", "{}");
    CHECK(run(host).code == IMGSRV_OK);
    CHECK(host.bytes_read() == 0);
}

TEST_CASE("the example in C names the artifact that lacks the attachment") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "raw", "one");
    host.attach("sbom.json", "{}");
    host.add_artifact("2", "linux", "aarch64", "cloud", "qcow2", "two");
    host.attach("sbom.json.sig", "not it");
    Outcome outcome = run(host);
    CHECK(outcome.code == IMGSRV_FAILED_PRECONDITION);
    CHECK(outcome.message() ==
          "artifact linux/aarch64/cloud qcow2 has no attachment named sbom.json (artifacts without it: 1)");

    host.add_artifact("3", "linux", "s390x", "default", "raw", "three");
    CHECK_THAT(std::string(run(host).message()), Contains("aarch64/cloud") && Contains("(artifacts without it: 2)"));
}

TEST_CASE("the example in C reads the attachment's name from its options") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "raw", "one");
    host.attach("bom.xml", "<bom/>");
    CHECK(run(host, "bom.xml").code == IMGSRV_OK);
    CHECK_THAT(std::string(run(host, "bom.spdx").message()), Contains("no attachment named bom.spdx"));
    CHECK_THROWS_WITH(run(host, std::string(65, 'n')), Contains("must have 1 to 64 bytes, it has 65"));
}

TEST_CASE("the example in C survives names of the longest kind") {
    PublishHost host("app", "1");
    const std::string longest(64, 'n');
    for (int i = 0; i < 3; ++i) host.add_artifact(std::to_string(i), longest, longest, longest, longest, "bytes");
    const Outcome outcome = run(host, longest);
    CHECK(outcome.code == IMGSRV_FAILED_PRECONDITION);
    CHECK_THAT(std::string(outcome.message()), Contains("has no attachment named " + longest));
}
