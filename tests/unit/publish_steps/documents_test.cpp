// The bytes of the documents. Golden files are indented for people; what is served is the same without blanks.
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "conformance/publish_host.h"
#include "incus_index_step.h"
#include "sample_image.h"

using namespace imgsrv::conformance;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

constexpr const char* kIndex = "/streams/v1/index.json";
constexpr const char* kImages = "/streams/v1/images.json";
constexpr std::int64_t kNoon = 1'714'564'800'000'000;  // 2024-05-01 12:00 UTC

void publish(PublishedView& view, PublishHost& host, const PublishedView::Version& version) {
    Call call;
    REQUIRE(host.run(incus_index(), call).code == IMGSRV_OK);
    view.add(version, host.rows());
}

std::string render(const PublishedView& view, const char* path) {
    Call call;
    std::string document;
    const Outcome outcome = view.render(incus_index(), call, path, document);
    INFO(outcome.message());
    REQUIRE(outcome.code == IMGSRV_OK);
    return document;
}

void check_golden(const std::string& document, const std::string& name) {
    const std::string file = std::string(GOLDEN_FOLDER) + "/" + name;
    std::ifstream in(file);
    REQUIRE(in);
    CHECK(document == nlohmann::ordered_json::parse(in).dump());
}

void add_container(PublishHost& host, const std::string& id, const std::string& what) {
    host.add_artifact(id, "Debian", "x86_64", "default", "squashfs", sample::squashfs(what));
    host.attach("incus.tar.xz", "metadata");
}

}  // namespace

TEST_CASE("an empty catalogue has no entry in the index") {
    CHECK(render(PublishedView(), kIndex) == R"({"format":"index:1.0","index":{}})");
    CHECK(render(PublishedView(), kImages) ==
          R"({"content_id":"images","datatype":"image-downloads","format":"products:1.0","products":{}})");
}

TEST_CASE("golden: a virtual machine and a container of one version are one product") {
    PublishHost host("app", "1");
    host.add_artifact("1", "Debian", "x86_64", "default", "qcow2", sample::qcow2("disk"));
    host.attach("incus.tar.xz", "metadata");
    add_container(host, "2", "tree");
    host.add_artifact("3", "Debian", "aarch64", "cloud", "root.tar.xz", sample::tar_xz("tar"));
    host.attach("incus.tar.xz", "metadata");
    host.add_artifact("4", "Debian", "x86_64", "default", "raw", "not listed");
    PublishedView view;
    publish(view, host, {"app", "", "1", "v1", kNoon, {"latest", "stable"}});
    check_golden(render(view, kIndex), "one_version_index.json");
    check_golden(render(view, kImages), "one_version_images.json");
}

TEST_CASE("golden: a disk that two versions share is listed once, apart from the containers that differ") {
    PublishedView view;
    for (const std::string version : {"1", "2"}) {
        PublishHost host("app", version);
        host.add_artifact("1", "Debian", "x86_64", "default", "qcow2", sample::qcow2("disk"));
        host.attach("incus.tar.xz", "metadata");
        add_container(host, "2", "tree " + version);
        const bool second = version == "2";
        publish(view, host,
                {"app", "The App", version, "v" + version, kNoon + (second ? 86'400'000'000 : 0),
                 second ? std::vector<std::string>{"latest"} : std::vector<std::string>{}});
    }
    check_golden(render(view, kImages), "shared_disk_images.json");
}

TEST_CASE("golden: unified images, and metadata of its own for each client") {
    PublishHost host("app", "1");
    host.add_artifact("1", "Debian", "x86_64", "default", "squashfs", sample::squashfs("tree"));
    host.attach("incus.tar.xz", "for incus");
    host.attach("lxd.tar.xz", "for lxd");
    PublishedView view;
    publish(view, host, {"app", "", "1", "v1", kNoon, {}});
    // Rows as run() puts them, without archives: the bytes of those depend on the machine's zlib.
    const auto unified = [](const std::string& variant, const std::string& type) {
        return json{{"arch", "amd64"},    {"os", "Debian"},
                    {"variant", variant}, {"format", "unified.tar.gz"},
                    {"type", type},       {"root", {{"sha256", sample::sha256(variant)}, {"size", 7}}}}
            .dump();
    };
    view.add({"uni", "", "1", "v2", kNoon, {}},
             {{"1", unified("default", "container")}, {"2", unified("machine", "virtual-machine")}});
    check_golden(render(view, kImages), "unified_images.json");
}

TEST_CASE("titles are escaped, and fall back to image and version") {
    PublishHost host("app", "1:2+3");
    add_container(host, "1", "tree");
    PublishedView view;
    publish(view, host, {"app", "", "1:2+3", "v1", kNoon, {}});
    const auto product = json::parse(render(view, kImages)).at("products").at("app:1:2+3:amd64:default");
    CHECK(product.at("release_title") == "app 1:2+3");
    CHECK(product.at("release") == "1:2+3");

    PublishedView named;
    publish(named, host, {"app", "\"Größe\"\n\\ 本", "1:2+3", "v1", kNoon, {}});
    CHECK(json::parse(render(named, kImages)).at("products").front().at("release_title") == "\"Größe\"\n\\ 本");

    PublishedView broken;
    publish(broken, host, {"app", "not UTF-8: \xff", "1:2+3", "v1", kNoon, {}});
    CHECK_THAT(json::parse(render(broken, kImages)).at("products").front().at("release_title").get<std::string>(),
               Contains("not UTF-8: "));
}

TEST_CASE("the serial is the minute of publication in UTC") {
    const auto serial = [](std::int64_t published_us) {
        PublishHost host("app", "1");
        add_container(host, "1", "tree");
        PublishedView view;
        publish(view, host, {"app", "", "1", "v1", published_us, {}});
        return json::parse(render(view, kImages)).at("products").front().at("versions").items().begin().key();
    };
    CHECK(serial(0) == "19700101_00:00");
    CHECK(serial(1'709'251'199'999'999) == "20240229_23:59");
    CHECK(serial(1'709'251'200'000'000) == "20240301_00:00");
    CHECK(serial(4'102'444'800'000'000) == "21000101_00:00");
}

TEST_CASE("the order in which the host gives rows changes nothing") {
    std::vector<std::pair<PublishedView::Version, std::map<std::string, std::string>>> versions;
    for (int i = 0; i < 5; ++i) {
        const std::string name = std::to_string(i);
        PublishHost host("app", name);
        add_container(host, "1", "tree " + std::to_string(i / 2));
        Call call;
        REQUIRE(host.run(incus_index(), call).code == IMGSRV_OK);
        versions.push_back({{i % 2 == 0 ? "app" : "bpp", "", name, "v" + name, kNoon + i, {"a" + name}}, host.rows()});
    }
    PublishedView forward, backward;
    for (const auto& [version, rows] : versions) forward.add(version, rows);
    for (auto at = versions.rbegin(); at != versions.rend(); ++at) backward.add(at->first, at->second);
    CHECK(render(forward, kImages) == render(backward, kImages));
    CHECK(render(forward, kIndex) == render(backward, kIndex));
}

TEST_CASE("a row that cannot be read fails the document and is named") {
    for (const char* text : {"", "{}", "[]", R"({"format":"qcow2"})", R"({"arch":"amd64","format":"vhdx"})"}) {
        PublishedView view;
        view.add({"app", "", "1", "v1", kNoon, {}}, {{"artifact-7", text}});
        Call call;
        std::string document;
        const Outcome outcome = view.render(incus_index(), call, kImages, document);
        CHECK(outcome.code == IMGSRV_DATA_LOSS);
        CHECK_THAT(std::string(outcome.message()), Contains("row artifact-7 of app 1 cannot be read"));
        CHECK(document.empty());
    }
}

TEST_CASE("rendering can be cancelled") {
    PublishedView view;
    PublishHost host("app", "1");
    add_container(host, "1", "tree");
    publish(view, host, {"app", "", "1", "v1", kNoon, {}});
    Call call;
    call.cancel();
    std::string document;
    CHECK(view.render(incus_index(), call, kImages, document).code == IMGSRV_CANCELLED);
}
