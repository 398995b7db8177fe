// A rendered document is compressed once for each encoding, and cached; each encoding has an ETag of its own.
#include "services/catalogue/cached_text.h"

#include <catch2/catch.hpp>
#include <set>
#include <thread>
#include <vector>

using namespace imgsrv;
using services::CachedText;

TEST_CASE("a coded form is made when it is first asked for, and then kept") {
    const CachedText text(std::string(10'000, 'x'));
    CHECK(text.find(Coding::identity) == &text.identity());
    std::set<std::string> etags = {text.identity().etag};
    for (const Coding coding : {Coding::br, Coding::gzip, Coding::deflate}) {
        CHECK(text.find(coding) == nullptr);
        const auto& form = text.get(coding);
        CHECK(form.coding == coding);
        CHECK(form.body->size() < 1000);
        CHECK(text.find(coding) == &form);
        CHECK(text.get(coding).body == form.body);
        CHECK(etags.insert(form.etag).second);
    }
    CHECK(CachedText(std::string(10'000, 'x')).get(Coding::gzip).etag == text.get(Coding::gzip).etag);
    CHECK(CachedText(std::string(10'001, 'x')).get(Coding::gzip).etag != text.get(Coding::gzip).etag);
}

TEST_CASE("a coding that saves nothing is answered with the text as it is") {
    const CachedText text("short");
    const auto& form = text.get(Coding::gzip);
    CHECK(form.coding == Coding::identity);
    CHECK(form.etag == text.identity().etag);
    CHECK(form.body == text.identity().body);
    CHECK(text.find(Coding::gzip) == &form);
}

TEST_CASE("many that ask at once get the same form") {
    const CachedText text(std::string(2'000'000, 'y'));
    std::vector<const void*> bodies(8);
    std::vector<std::thread> threads;
    for (auto& body : bodies) threads.emplace_back([&] { body = text.get(Coding::br).body.get(); });
    for (auto& thread : threads) thread.join();
    CHECK(std::set<const void*>(bodies.begin(), bodies.end()).size() == 1);
}
