#include <catch2/catch.hpp>

#include "conformance/publish_host.h"
#include "sample_image.h"

using namespace imgsrv::conformance;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

namespace {

std::string refusal(PublishHost& host) {
    Instance step(Plugin(VALIDATE_CATALOG).component("validate_catalog"), Settings());
    Call call;
    const Outcome outcome = host.run(step, call);
    CHECK(outcome.code == IMGSRV_FAILED_PRECONDITION);
    CHECK(outcome.error.flags == 0);
    CHECK(host.misuse().empty());
    return std::string(outcome.message());
}

void check_accepted(PublishHost& host) {
    Instance step(Plugin(VALIDATE_CATALOG).component("validate_catalog"), Settings());
    Call call;
    const Outcome outcome = host.run(step, call);
    INFO(outcome.message());
    CHECK(outcome.code == IMGSRV_OK);
    CHECK(host.misuse().empty());
}

std::string digest_of_number(int n) {
    return "sha256:" + std::string(60, '0') + std::to_string(1000 + n);
}

}  // namespace

TEST_CASE("a whole version of every format is accepted") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "qcow2", sample::qcow2("disk"));
    host.attach("incus.tar.xz", sample::tar_xz("metadata"));
    host.add_artifact("2", "linux", "x86_64", "default", "squashfs", sample::squashfs("tree"));
    host.add_artifact("3", "linux", "x86_64", "default", "root.tar.xz", sample::tar_xz("tree"));
    host.add_artifact("4", "linux", "x86_64", "default", "unified.tar.gz", sample::unified_container("image"));
    host.add_artifact("5", "linux", "x86_64", "default", "raw", "anything");
    host.add_artifact("6", "linux", "x86_64", "default", "raw.gz", "\x1f\x8b and so on");
    check_accepted(host);
    CHECK(host.progress().back() == std::pair<std::uint64_t, std::uint64_t>(7, 7));
}

TEST_CASE("a version without artifacts is refused") {
    PublishHost host("app", "1.2");
    CHECK(refusal(host) == "version 1.2 of app has no artifacts: add at least one before publishing it");
}

TEST_CASE("a missing blob is named with its digest and the artifact that needs it") {
    PublishHost host("app", "1");
    auto& artifact = host.add_artifact("1", "linux", "x86_64", "cloud", "qcow2", sample::qcow2("disk"));
    host.attach("incus.tar.xz", "metadata");
    const std::string metadata = artifact.attachments.at(0).digest;

    host.forget_blob(metadata);
    CHECK(refusal(host) ==
          "1 blob not uploaded (or not verified yet): " + metadata + " (incus.tar.xz of linux/x86_64/cloud qcow2)");
    host.forget_blob(artifact.digest);
    CHECK_THAT(refusal(host), Contains("2 blobs not uploaded") && Contains(artifact.digest) && Contains(metadata));

    host.add_blob(sample::qcow2("disk"));
    host.add_blob("metadata");
    check_accepted(host);
}

TEST_CASE("of many missing blobs as many are named as fit, and the rest is counted") {
    PublishHost host("app", "1");
    for (int i = 0; i < 30; ++i) {
        host.artifacts().push_back(
            {std::to_string(i), "linux", "x86_64", "v" + std::to_string(i), "raw", digest_of_number(i), 1});
    }
    const std::string message = refusal(host);
    CHECK(message.size() < sizeof(imgsrv_error::message));
    CHECK_THAT(message, Contains(digest_of_number(0) + " (linux/x86_64/v0 raw); ") && EndsWith("; and 26 more"));
}

TEST_CASE("names of the longest kind do not overflow the message") {
    PublishHost host("app", "1");
    const std::string longest(64, 'n');
    for (int i = 0; i < 3; ++i)
        host.artifacts().push_back({std::to_string(i), longest, longest, longest, "raw", digest_of_number(i), 1});
    CHECK_THAT(refusal(host), Contains(digest_of_number(0)) && EndsWith("and 2 more"));
}

TEST_CASE("a size other than declared is refused with both sizes") {
    PublishHost host("app", "1");
    auto& artifact = host.add_artifact("1", "linux", "x86_64", "default", "raw", "12345");
    artifact.size = 6;
    CHECK(refusal(host) == "1 blob of another size than declared: linux/x86_64/default raw: " + artifact.digest +
                               " has 5 bytes, declared are 6");
}

TEST_CASE("two attachments of one name are refused, of two artifacts they are not") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "raw", "one");
    host.attach("sbom.json", "{}");
    host.add_artifact("2", "linux", "aarch64", "default", "raw", "two");
    host.attach("sbom.json", "{}");
    check_accepted(host);
    host.attach("sbom.json", "[]");
    CHECK(
        refusal(host) ==
        "artifact linux/aarch64/default raw has two attachments named sbom.json: names are unique within an artifact");
}

TEST_CASE("an artifact that is not what it claims to be is refused") {
    const auto refused = [](const std::string& format, std::string bytes) {
        PublishHost host("app", "1");
        host.add_artifact("1", "linux", "x86_64", "default", format, std::move(bytes));
        return refusal(host);
    };
    const std::string end = ": its first bytes do not fit the declared format";
    CHECK(refused("qcow2", sample::squashfs("tree")) ==
          "artifact linux/x86_64/default qcow2 is not a qcow2 disk but a squashfs file system" + end);
    CHECK(refused("qcow2", "a raw disk") == "artifact linux/x86_64/default qcow2 is not a qcow2 disk" + end);
    CHECK_THAT(refused("squashfs", sample::tar_xz("tree")), Contains("is not a squashfs file system but an xz-"));
    CHECK_THAT(refused("root.tar.xz", "\x1f\x8b"), Contains("is not an xz-compressed file but a gzip-compressed file"));
    CHECK_THAT(refused("raw.gz", sample::qcow2("disk")), Contains("is not a gzip-compressed file but a qcow2 disk"));
    CHECK_THAT(refused("unified.tar.gz", sample::tar_xz("")), Contains("is not a gzip-compressed file"));
    CHECK_THAT(refused("qcow2", ""), Contains("is not a qcow2 disk"));
    CHECK_THAT(refused("qcow2", "QFI"), Contains("is not a qcow2 disk"));
}

TEST_CASE("a backend that fails is not a refusal") {
    PublishHost host("app", "1");
    auto& artifact = host.add_artifact("1", "linux", "x86_64", "default", "qcow2", sample::qcow2("disk"));
    host.fail_read(artifact.digest, 2, IMGSRV_UNAVAILABLE);
    Instance step(Plugin(VALIDATE_CATALOG).component("validate_catalog"), Settings());
    Call call;
    const Outcome outcome = host.run(step, call);
    CHECK(outcome.code == IMGSRV_UNAVAILABLE);
    CHECK((outcome.error.flags & IMGSRV_ERR_RETRYABLE) != 0);
    CHECK(outcome.message() == "injected: the disk is gone");
    CHECK(host.misuse().empty());
}
