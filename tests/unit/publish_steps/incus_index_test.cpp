#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "conformance/publish_host.h"
#include "sample_image.h"

using namespace imgsrv::conformance;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

struct Result {
    Outcome outcome;
    std::map<std::string, json> rows;
};

Result index(PublishHost& host) {
    Instance step(Plugin(INCUS_INDEX).component("incus_index"), Settings());
    Call call;
    Result result{host.run(step, call), {}};
    for (const auto& [key, text] : host.rows()) result.rows[key] = json::parse(text);
    CHECK(host.misuse().empty());
    return result;
}

json file(const std::string& bytes) {
    return {{"sha256", sample::sha256(bytes)}, {"size", bytes.size()}};
}

json metadata(const std::string& bytes, const std::string& root) {
    json out = file(bytes);
    out["fingerprint"] = sample::sha256(bytes + root);
    return out;
}

}  // namespace

TEST_CASE("a split image becomes a row with the fingerprint of metadata and root") {
    const std::string disk = sample::qcow2("disk"), tree = sample::squashfs("tree"), tar = sample::tar_xz("tar");
    PublishHost host("app", "1");
    host.add_artifact("id-1", "Debian", "x86_64", "default", "qcow2", disk);
    host.attach("incus.tar.xz", "metadata");
    host.add_artifact("id-2", "Debian", "aarch64", "cloud", "squashfs", tree);
    host.attach("sbom.json", "{}");
    host.attach("lxd.tar.xz", "other");
    host.add_artifact("id-3", "Debian", "riscv64", "default", "root.tar.xz", tar);
    host.attach("incus.tar.xz", "metadata");
    const Result result = index(host);
    REQUIRE(result.outcome.code == IMGSRV_OK);
    CHECK(result.rows.size() == 3);
    CHECK(result.rows.at("id-1") == json{{"arch", "amd64"},
                                         {"format", "qcow2"},
                                         {"incus", metadata("metadata", disk)},
                                         {"lxd", metadata("metadata", disk)},
                                         {"os", "Debian"},
                                         {"root", file(disk)},
                                         {"type", "virtual-machine"},
                                         {"variant", "default"}});
    CHECK(result.rows.at("id-2") == json{{"arch", "arm64"},
                                         {"format", "squashfs"},
                                         {"incus", metadata("other", tree)},
                                         {"lxd", metadata("other", tree)},
                                         {"os", "Debian"},
                                         {"root", file(tree)},
                                         {"type", "container"},
                                         {"variant", "cloud"}});
    CHECK(result.rows.at("id-3").at("arch") == "riscv64");
    CHECK(result.rows.at("id-3").at("incus") == metadata("metadata", tar));
}

TEST_CASE("different metadata for the two clients makes two fingerprints, and the root is read once") {
    const std::string tree = sample::squashfs(std::string(3 * kMiB + 1, 'x'));
    PublishHost host("app", "1");
    host.add_artifact("id", "linux", "x86_64", "default", "squashfs", tree);
    host.attach("lxd.tar.xz", "for lxd");
    host.attach("incus.tar.xz", "for incus");
    const Result result = index(host);
    REQUIRE(result.outcome.code == IMGSRV_OK);
    CHECK(result.rows.at("id").at("incus") == metadata("for incus", tree));
    CHECK(result.rows.at("id").at("lxd") == metadata("for lxd", tree));
    CHECK(host.bytes_read() == tree.size() + 16);
    CHECK(host.progress().back() == std::pair<std::uint64_t, std::uint64_t>(tree.size() + 16, tree.size() + 16));
}

TEST_CASE("the same metadata under both names is read once") {
    const std::string tree = sample::squashfs("tree");
    PublishHost host("app", "1");
    host.add_artifact("id", "linux", "x86_64", "default", "squashfs", tree);
    host.attach("lxd.tar.xz", "metadata");
    host.attach("incus.tar.xz", "metadata");
    REQUIRE(index(host).outcome.code == IMGSRV_OK);
    CHECK(host.bytes_read() == tree.size() + 8);
}

TEST_CASE("empty metadata and blocks that end anywhere hash right") {
    for (const std::size_t size : {kMiB - 4, kMiB - 3, 2 * kMiB, std::size_t{0}}) {
        const std::string tree = sample::squashfs(std::string(size, 'y'));
        PublishHost host("app", "1");
        host.add_artifact("id", "linux", "x86_64", "default", "squashfs", tree);
        host.attach("incus.tar.xz", "");
        const Result result = index(host);
        REQUIRE(result.outcome.code == IMGSRV_OK);
        CHECK(result.rows.at("id").at("incus").at("fingerprint") == sample::sha256(tree));
    }
}

TEST_CASE("an artifact without a variant is the default") {
    PublishHost host("app", "1");
    host.add_artifact("id", "linux", "x86_64", "", "squashfs", sample::squashfs("tree"));
    host.attach("incus.tar.xz", "metadata");
    CHECK(index(host).rows.at("id").at("variant") == "default");
}

TEST_CASE("what is not an Incus image gets no row, and that is no failure") {
    PublishHost host("app", "1");
    host.add_artifact("raw", "linux", "x86_64", "default", "raw", "bytes");
    host.attach("incus.tar.xz", "metadata");
    host.add_artifact("gz", "linux", "x86_64", "default", "raw.gz", "\x1f\x8b");
    host.add_artifact("bare", "linux", "x86_64", "default", "qcow2", sample::qcow2("no metadata"));
    host.attach("sbom.json", "{}");
    host.add_artifact("arch", "linux", "z80", "default", "squashfs", sample::squashfs("unknown architecture"));
    host.attach("incus.tar.xz", "metadata");
    host.add_artifact("future", "linux", "x86_64", "default", "vhdx", "bytes");
    const Result result = index(host);
    CHECK(result.outcome.code == IMGSRV_OK);
    CHECK(result.rows.empty());
    CHECK(host.bytes_read() == 0);
}

TEST_CASE("a unified image is a container or a virtual machine by what it holds") {
    const auto kind_of = [](const std::string& bytes) {
        PublishHost host("app", "1");
        host.add_artifact("id", "linux", "x86_64", "default", "unified.tar.gz", bytes);
        const Result result = index(host);
        if (result.outcome.code != IMGSRV_OK) return std::string(result.outcome.message());
        CHECK(result.rows.at("id").at("root") == file(bytes));
        CHECK_FALSE(result.rows.at("id").contains("incus"));
        return result.rows.at("id").at("type").get<std::string>();
    };
    const auto kind = [&](const std::vector<std::pair<std::string, std::string>>& members) {
        return kind_of(sample::tar_gz(members));
    };
    CHECK(kind({{"metadata.yaml", ""}, {"rootfs/", ""}}) == "container");
    CHECK(kind({{"./metadata.yaml", ""}, {"./rootfs/etc/passwd", "root"}}) == "container");
    CHECK(kind({{"metadata.yaml", ""}, {"templates/", ""}, {"rootfs.img", "QFI"}}) == "virtual-machine");
    CHECK(kind({{"./rootfs.img", "QFI"}, {"metadata.yaml", ""}}) == "virtual-machine");
    CHECK(kind({{"rootfs/", ""}, {"rootfs/rootfs.img", ""}}) == "container");
    CHECK(kind({{"metadata.yaml", ""}, {"rootfs.image", ""}}) ==
          "artifact linux/x86_64/default unified.tar.gz holds neither rootfs/ (container) nor rootfs.img (virtual "
          "machine)");
    CHECK_THAT(kind_of(sample::tar_announcing("big", 300 * kMiB)), Contains("within its first 256 MiB"));
    std::vector<std::pair<std::string, std::string>> many(10'001, {"templates/x", ""});
    many.emplace_back("rootfs/", "");
    CHECK_THAT(kind(many), Contains("and 10,000 members"));
}

TEST_CASE("of a unified image only the head is read") {
    PublishHost host("app", "1");
    std::string noise(2 * kMiB, '\0');
    std::uint32_t state = 1;
    for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    host.add_artifact("id", "linux", "x86_64", "default", "unified.tar.gz",
                      sample::tar_gz({{"metadata.yaml", ""}, {"rootfs.img", noise}}));
    CHECK(index(host).outcome.code == IMGSRV_OK);
    CHECK(host.bytes_read() <= kMiB / 2);
}

TEST_CASE("a unified image that cannot be read is refused with its name") {
    for (const std::string& bytes : {std::string("no archive at all"), std::string("\x1f\x8b broken"),
                                     sample::unified_container("x").substr(0, 40), std::string()}) {
        PublishHost host("app", "1");
        host.add_artifact("id", "linux", "x86_64", "default", "unified.tar.gz", bytes);
        const Outcome outcome = index(host).outcome;
        CHECK(outcome.code == IMGSRV_FAILED_PRECONDITION);
        CHECK_THAT(std::string(outcome.message()), Contains("artifact linux/x86_64/default unified.tar.gz "));
    }
}

TEST_CASE("errors of readers are passed on, also through the archive reader") {
    PublishHost host("app", "1");
    SECTION("root") {
        auto& artifact =
            host.add_artifact("id", "linux", "x86_64", "default", "squashfs", sample::squashfs(std::string(kMiB, 'x')));
        host.attach("incus.tar.xz", "metadata");
        host.fail_read(artifact.digest, kMiB / 2, IMGSRV_UNAVAILABLE);
    }
    SECTION("unified") {
        auto& artifact =
            host.add_artifact("id", "linux", "x86_64", "default", "unified.tar.gz", sample::unified_container("x"));
        host.fail_read(artifact.digest, 20, IMGSRV_UNAVAILABLE);
    }
    const Outcome outcome = index(host).outcome;
    CHECK(outcome.code == IMGSRV_UNAVAILABLE);
    CHECK((outcome.error.flags & IMGSRV_ERR_RETRYABLE) != 0);
    CHECK(outcome.message() == "injected: the disk is gone");
}

TEST_CASE("a blob that is gone is NOT_FOUND, one of another length is DATA_LOSS") {
    PublishHost host("app", "1");
    auto& artifact = host.add_artifact("id", "linux", "x86_64", "default", "squashfs", sample::squashfs("tree"));
    host.attach("incus.tar.xz", "metadata");
    SECTION("gone") {
        host.forget_blob(artifact.digest);
        CHECK(index(host).outcome.code == IMGSRV_NOT_FOUND);
    }
    SECTION("another length") {
        const bool longer = GENERATE(true, false);
        artifact.size = longer ? 4 : 12;
        const Outcome outcome = index(host).outcome;
        CHECK(outcome.code == IMGSRV_DATA_LOSS);
        CHECK(outcome.message() == "blob " + artifact.digest + " has " +
                                       (longer ? "more than the 4" : "fewer than the 12") +
                                       " bytes that the manifest says");
    }
}

TEST_CASE("cancellation ends the hashing and puts no row") {
    PublishHost host("app", "1");
    host.add_artifact("id", "linux", "x86_64", "default", "squashfs", sample::squashfs(std::string(16 * kMiB, 'x')));
    host.attach("incus.tar.xz", "metadata");
    Instance step(Plugin(INCUS_INDEX).component("incus_index"), Settings());
    Call call;
    host.cancel_after(3 * kMiB, call);
    CHECK(host.run(step, call).code == IMGSRV_CANCELLED);
    CHECK(host.bytes_read() <= 4 * kMiB);
    CHECK(host.rows().empty());
    CHECK(host.misuse().empty());
}

TEST_CASE("architectures go by the names that both clients know") {
    const std::map<std::string, std::string> names{
        {"x86_64", "amd64"},       {"amd64", "amd64"},     {"aarch64", "arm64"}, {"arm64", "arm64"},
        {"armv7l", "armhf"},       {"armhf", "armhf"},     {"i686", "i386"},     {"i386", "i386"},
        {"ppc64le", "ppc64el"},    {"ppc64el", "ppc64el"}, {"s390x", "s390x"},   {"riscv64", "riscv64"},
        {"loong64", "loongarch64"}};
    PublishHost host("app", "1");
    for (const auto& [name, stream] : names) {
        host.add_artifact(name, "linux", name, "default", "squashfs", sample::squashfs(name));
        host.attach("incus.tar.xz", "metadata");
    }
    const Result result = index(host);
    REQUIRE(result.outcome.code == IMGSRV_OK);
    for (const auto& [name, stream] : names) CHECK(result.rows.at(name).at("arch") == stream);
}
