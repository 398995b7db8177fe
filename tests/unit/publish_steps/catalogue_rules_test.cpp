// What a client finds under which name.
#include <catch2/catch.hpp>
#include <random>

#include "conformance/publish_host.h"
#include "incus_index_step.h"
#include "sample_image.h"
#include "streams_client.h"

using namespace imgsrv::conformance;

namespace {

constexpr std::int64_t kFirst = 1'700'000'000'000'000, kMinute = 60'000'000;

// A catalogue under construction: each version is published a minute after the one before.
class Catalogue {
  public:
    void publish(PublishHost& host, const std::string& image, const std::string& version,
                 std::vector<std::string> aliases = {}) {
        Call call;
        const Outcome outcome = host.run(incus_index(), call);
        INFO(outcome.message());
        REQUIRE(outcome.code == IMGSRV_OK);
        view_.add({image, "", version, image + version, kFirst + kMinute * count_++, std::move(aliases)}, host.rows());
    }
    // A version with one squashfs.
    void publish_container(const std::string& image, const std::string& version, const std::string& content,
                           std::vector<std::string> aliases = {}, const std::string& variant = "default") {
        PublishHost host(image, version);
        host.add_artifact("1", "linux", "x86_64", variant, "squashfs", sample::squashfs(content));
        host.attach("incus.tar.xz", "metadata");
        publish(host, image, version, std::move(aliases));
    }

    StreamsClient client(StreamsClient::Kind kind) const {
        return StreamsClient(kind, render("/streams/v1/index.json"), render("/streams/v1/images.json"));
    }
    StreamsClient incus() const { return client(StreamsClient::Kind::incus); }
    StreamsClient lxd() const { return client(StreamsClient::Kind::lxd); }

  private:
    std::string render(const char* path) const {
        Call call;
        std::string document;
        const Outcome outcome = view_.render(incus_index(), call, path, document);
        INFO(outcome.message());
        REQUIRE(outcome.code == IMGSRV_OK);
        return document;
    }

    PublishedView view_;
    int count_ = 0;
};

std::string fingerprint(const std::string& content, const std::string& metadata = "metadata") {
    return sample::sha256(metadata + sample::squashfs(content));
}

std::string container(const StreamsClient& client, const std::string& alias) {
    return client.find("container", "amd64", alias);
}

}  // namespace

TEST_CASE("an image is found by version, by alias, and bare where latest points") {
    Catalogue catalogue;
    catalogue.publish_container("app", "1", "one", {"stable"});
    catalogue.publish_container("app", "2", "two", {"latest", "testing"});
    catalogue.publish_container("other", "1", "three", {"stable"});
    for (const StreamsClient& client : {catalogue.incus(), catalogue.lxd()}) {
        CHECK(container(client, "app/1") == fingerprint("one"));
        CHECK(container(client, "app/stable") == fingerprint("one"));
        CHECK(container(client, "app/2") == fingerprint("two"));
        CHECK(container(client, "app/testing") == fingerprint("two"));
        CHECK(container(client, "app/latest") == fingerprint("two"));
        CHECK(container(client, "app") == fingerprint("two"));
        CHECK(container(client, "other/1") == fingerprint("three"));
        CHECK(container(client, "other").empty());
    }
}

TEST_CASE("two versions of the same bytes are one image with the names of both") {
    Catalogue catalogue;
    catalogue.publish_container("app", "1", "same", {"stable"});
    catalogue.publish_container("app", "2", "same", {"latest"});
    catalogue.publish_container("copy", "7", "same");
    const StreamsClient client = catalogue.lxd();
    REQUIRE(client.images().size() == 1);
    CHECK(client.images().front().release == "1");
    CHECK(client.images().front().aliases ==
          std::vector<std::string>{"app/1", "app/2", "copy/7", "app/stable", "app/latest", "app"});
}

TEST_CASE("a variant never takes the names of the default") {
    Catalogue catalogue;
    catalogue.publish_container("app", "1", "cloud", {"latest"}, "cloud");
    catalogue.publish_container("app", "2", "plain", {"stable"});
    const StreamsClient client = catalogue.incus();
    CHECK(container(client, "app/1/cloud") == fingerprint("cloud"));
    CHECK(container(client, "app/latest/cloud") == fingerprint("cloud"));
    CHECK(container(client, "app/cloud") == fingerprint("cloud"));
    CHECK(container(client, "app/1").empty());
    CHECK(container(client, "app").empty());
    CHECK(container(client, "app/2") == fingerprint("plain"));
}

TEST_CASE("an exact version comes before an alias, and an alias before a bare name") {
    Catalogue catalogue;
    catalogue.publish_container("app", "1", "one", {"2", "cloud"});
    catalogue.publish_container("app", "2", "two");
    catalogue.publish_container("app", "3", "three", {"latest"}, "cloud");
    const StreamsClient client = catalogue.incus();
    CHECK(container(client, "app/2") == fingerprint("two"));
    CHECK(container(client, "app/cloud") == fingerprint("one"));
    CHECK(container(client, "app/3/cloud") == fingerprint("three"));
}

TEST_CASE("a virtual machine and a container share their names") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "qcow2", sample::qcow2("disk"));
    host.attach("incus.tar.xz", "for the disk");
    host.add_artifact("2", "linux", "x86_64", "default", "squashfs", sample::squashfs("tree"));
    host.attach("incus.tar.xz", "for the tree");
    Catalogue catalogue;
    catalogue.publish(host, "app", "1", {"latest"});
    for (const StreamsClient& client : {catalogue.incus(), catalogue.lxd()}) {
        CHECK(container(client, "app") == fingerprint("tree", "for the tree"));
        CHECK(client.find("virtual-machine", "amd64", "app") == sample::sha256("for the disk" + sample::qcow2("disk")));
    }
}

TEST_CASE("of several containers of one version the squashfs has the names") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "unified.tar.gz", sample::unified_container("all"));
    host.add_artifact("2", "linux", "x86_64", "default", "root.tar.xz", sample::tar_xz("tar"));
    host.attach("incus.tar.xz", "metadata");
    host.add_artifact("3", "linux", "x86_64", "default", "squashfs", sample::squashfs("tree"));
    host.attach("incus.tar.xz", "metadata");
    Catalogue catalogue;
    catalogue.publish(host, "app", "1");
    const StreamsClient client = catalogue.lxd();
    CHECK(client.images().size() == 3);
    CHECK(container(client, "app/1") == fingerprint("tree"));
    CHECK(client.image(sample::sha256("metadata" + sample::tar_xz("tar"))) != nullptr);
    CHECK(client.image(sample::sha256(sample::unified_container("all"))) != nullptr);
}

TEST_CASE("two operating systems of one version are two images, the first has the names") {
    PublishHost host("app", "1");
    for (const std::string os : {"linux", "bsd"}) {
        host.add_artifact(os, os, "x86_64", "default", "squashfs", sample::squashfs(os));
        host.attach("incus.tar.xz", "metadata");
    }
    Catalogue catalogue;
    catalogue.publish(host, "app", "1");
    CHECK(catalogue.lxd().images().size() == 2);
    CHECK(container(catalogue.lxd(), "app/1") == fingerprint("bsd"));
}

TEST_CASE("each client reads its own metadata") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "squashfs", sample::squashfs("tree"));
    host.attach("incus.tar.xz", "for incus");
    host.attach("lxd.tar.xz", "for lxd");
    Catalogue catalogue;
    catalogue.publish(host, "app", "1");
    CHECK(container(catalogue.incus(), "app/1") == fingerprint("tree", "for incus"));
    CHECK(container(catalogue.lxd(), "app/1") == fingerprint("tree", "for lxd"));
    CHECK(catalogue.incus().images().size() == 1);
    CHECK(catalogue.lxd().images().size() == 1);
}

TEST_CASE("what is a duplicate to one client may be two images to the other") {
    Catalogue catalogue;
    catalogue.publish_container("app", "1", "tree");
    PublishHost host("app", "2");
    host.add_artifact("1", "linux", "x86_64", "default", "squashfs", sample::squashfs("tree"));
    host.attach("incus.tar.xz", "metadata");
    host.attach("lxd.tar.xz", "for lxd");
    catalogue.publish(host, "app", "2");
    CHECK(container(catalogue.incus(), "app/2") == fingerprint("tree"));
    CHECK(catalogue.incus().images().size() == 1);
    CHECK(container(catalogue.lxd(), "app/1") == fingerprint("tree"));
    CHECK(container(catalogue.lxd(), "app/2") == fingerprint("tree", "for lxd"));
}

TEST_CASE("a unified virtual machine is shown to Incus alone") {
    PublishHost host("app", "1");
    host.add_artifact("1", "linux", "x86_64", "default", "unified.tar.gz", sample::unified_vm("vm"));
    host.add_artifact("2", "linux", "aarch64", "default", "unified.tar.gz", sample::unified_container("ct"));
    Catalogue catalogue;
    catalogue.publish(host, "app", "1");
    CHECK(catalogue.incus().find("virtual-machine", "amd64", "app/1") == sample::sha256(sample::unified_vm("vm")));
    CHECK(catalogue.lxd().images().size() == 1);
    CHECK(catalogue.lxd().find("container", "arm64", "app/1") == sample::sha256(sample::unified_container("ct")));
}

TEST_CASE("files are where the server serves blobs, with hash and size") {
    Catalogue catalogue;
    catalogue.publish_container("app", "1", "tree");
    const StreamsClient client = catalogue.incus();
    const auto& files = client.images().at(0).files;
    REQUIRE(files.size() == 2);
    CHECK(files[0].path == "v1/blobs/sha256:" + sample::sha256("metadata"));
    CHECK(files[0].sha256 == sample::sha256("metadata"));
    CHECK(files[0].size == 8);
    CHECK(files[1].path == "v1/blobs/sha256:" + sample::sha256(sample::squashfs("tree")));
    CHECK(files[1].size == 8);
}

TEST_CASE("two thousand versions keep their names apart") {
    Catalogue catalogue;
    for (int i = 0; i < 2000; ++i)
        catalogue.publish_container("app" + std::to_string(i % 50), std::to_string(i), std::to_string(i), {"latest"});
    const StreamsClient client = catalogue.incus();
    CHECK(client.images().size() == 2000);
    CHECK(container(client, "app7/1957") == fingerprint("1957"));
}

// Random catalogues against a statement of the rules: the first artifact, by publication, system and format, that is of
// a name's kind and architecture is what the name leads to.
TEST_CASE("random catalogues lead every name to the first artifact that has it") {
    struct Artifact {
        std::string os, arch, stream_arch, variant, format, root, incus, lxd;
    };
    struct Version {
        std::string image, name;
        std::vector<std::string> aliases;
        std::vector<Artifact> artifacts;
    };
    const std::vector<std::string> formats{"qcow2", "squashfs", "root.tar.xz", "unified.tar.gz"};
    const std::vector<std::string> aliases{"latest", "stable", "testing"};
    const std::map<std::string, std::string> archs{{"x86_64", "amd64"}, {"aarch64", "arm64"}};
    const std::map<std::string, std::string> unified{{"vm", sample::unified_vm("")},
                                                     {"ct", sample::unified_container("")}};

    for (std::uint32_t seed = 0; seed < 60; ++seed) {
        INFO("seed " << seed);
        std::mt19937 random(seed);
        const auto chance = [&](std::uint32_t percent) { return random() % 100 < percent; };
        const auto one_of = [&](std::initializer_list<const char*> from) {
            return std::string(from.begin()[random() % from.size()]);
        };

        std::vector<Version> versions;
        for (const std::string image : {"a", "b"}) {
            std::vector<std::vector<std::string>> pointing(4);
            for (const std::string& alias : aliases) pointing[random() % pointing.size()].push_back(alias);
            for (std::size_t v = 0; v < pointing.size(); ++v) {
                Version version{image, std::to_string(v + 1), pointing[v], {}};
                for (const std::string os : {"bsd", "linux"}) {
                    for (const auto& [arch, stream] : archs) {
                        for (const std::string variant : {"cloud", "default"}) {
                            for (const std::string& format : formats) {
                                if (!chance(12)) continue;
                                Artifact a{os, arch, stream, variant, format, "", "", ""};
                                if (format == "qcow2") a.root = sample::qcow2(arch + one_of({"1", "2"}));
                                if (format == "squashfs") a.root = sample::squashfs(arch + one_of({"1", "2"}));
                                if (format == "root.tar.xz") a.root = sample::tar_xz(arch + one_of({"1", "2"}));
                                if (format == "unified.tar.gz") {
                                    if (arch == "aarch64") continue;
                                    a.root = unified.at(one_of({"vm", "ct"}));
                                } else {
                                    a.incus = one_of({"m1", "m2"});
                                    a.lxd = chance(70) ? a.incus : one_of({"m1", "m2"});
                                }
                                version.artifacts.push_back(a);
                            }
                        }
                    }
                }
                versions.push_back(version);
            }
        }

        Catalogue catalogue;
        for (const Version& version : versions) {
            PublishHost host(version.image, version.name);
            int id = 0;
            for (const Artifact& a : version.artifacts) {
                host.add_artifact(std::to_string(id++), a.os, a.arch, a.variant, a.format, a.root);
                if (!a.incus.empty()) host.attach("incus.tar.xz", a.incus);
                if (a.lxd != a.incus) host.attach("lxd.tar.xz", a.lxd);
            }
            catalogue.publish(host, version.image, version.name, version.aliases);
        }

        for (const bool incus : {true, false}) {
            const StreamsClient client =
                catalogue.client(incus ? StreamsClient::Kind::incus : StreamsClient::Kind::lxd);
            std::map<std::string, std::string> names;
            std::map<std::string, bool> fingerprints;
            for (const Version& version : versions) {
                for (const Artifact& a : version.artifacts) {
                    const bool vm = a.format == "qcow2" || a.root == unified.at("vm");
                    if (vm && !incus && a.format == "unified.tar.gz") continue;
                    const std::string fingerprint = sample::sha256((incus ? a.incus : a.lxd) + a.root);
                    fingerprints[fingerprint] = true;
                    const std::string of = (vm ? "virtual-machine " : "container ") + a.stream_arch + " ";
                    const std::string suffix = a.variant == "default" ? "" : "/" + a.variant;
                    names.emplace(of + version.image + "/" + version.name + suffix, fingerprint);
                    for (const std::string& alias : version.aliases) {
                        names.emplace(of + version.image + "/" + alias + suffix, fingerprint);
                        if (alias == "latest") names.emplace(of + version.image + suffix, fingerprint);
                    }
                }
            }
            CHECK(client.images().size() == fingerprints.size());
            std::size_t listed = 0;
            for (const auto& image : client.images()) {
                CHECK(fingerprints.contains(image.fingerprint));
                listed += image.aliases.size();
                for (const std::string& alias : image.aliases)
                    CHECK(names[image.type + " " + image.arch + " " + alias] == image.fingerprint);
            }
            CHECK(listed == names.size());
        }
    }
}
