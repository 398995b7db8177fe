#include "services/catalogue/document_service.h"

#include "world/test_step.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;

namespace {

constexpr std::string_view kDocumentPath = "/index.json";

// Every row as "image version key=json [aliases]".
Result<std::string> print_rows(ports::RenderView& view) {
    std::string text;
    for (ports::ProjectionRow row;;) {
        IMGSRV_ASSIGN(const bool more, view.next_row(row));
        if (!more) return text;
        text += std::string(row.image) + " " + std::string(row.version) + " " + std::string(row.key) + "=" +
                std::string(row.json);
        for (std::size_t i = 0;; ++i) {
            IMGSRV_ASSIGN(const auto alias, view.alias_at(row.image, row.version, i));
            if (!alias) break;
            text += " " + std::string(*alias);
        }
        text += "\n";
    }
}

struct Documents {
    Documents() {
        auto one = std::make_unique<TestStep>("index");
        step = one.get();
        step->served = {{std::string(kDocumentPath), "application/json"}};
        step->document = print_rows;
        steps["index"] = std::move(one);
        auto made = DocumentService::create(world.pool, steps, clock);
        REQUIRE(made.ok());
        service = std::move(*made);
    }
    std::string text() {
        const auto document = service->get(world.call, kDocumentPath);
        INFO(document.status().describe());
        REQUIRE(document.ok());
        return *(*document)->text->identity().body;
    }
    void add_row(std::string_view version, std::string_view key) {
        world.exec("INSERT INTO projection_rows VALUES ('index', $1, $2, '1', 1)", {version, key});
    }

    World world;
    CatalogueClock clock;
    StepSet steps;
    TestStep* step = nullptr;
    std::unique_ptr<DocumentService> service;
};

}  // namespace

TEST_CASE("a document is rendered once in a generation") {
    Documents d;
    CHECK_FALSE(d.service->cached(kDocumentPath));
    CHECK(d.text().empty());
    CHECK(d.step->renders == 1);
    CHECK(d.service->cached(kDocumentPath));
    d.text();
    CHECK(d.step->renders == 1);

    d.add_row(d.world.add_published("debian", "1", {d.world.add_blob("image")}), "k");
    // Another node's change is seen once its generation is known.
    CHECK(d.text().empty());
    d.clock.advance_to(d.world.number("SELECT generation FROM catalogue_generation"));
    CHECK_FALSE(d.service->cached(kDocumentPath));
    CHECK(d.text() == "debian 1 k=1\n");
    CHECK(d.step->renders == 2);
}

TEST_CASE("a document shows what is published, with its aliases in order") {
    Documents d;
    const auto blob = d.world.add_blob("image");
    const auto first = d.world.add_published("debian", "1", {blob});
    d.add_row(first, "b");
    d.add_row(first, "a");
    d.add_row(d.world.add_draft("debian", "2", {blob}), "hidden");
    for (const std::string_view alias : {"stable", "latest"})
        d.world.exec("INSERT INTO aliases SELECT $1, image_id, $1, id, 0, 0 FROM versions WHERE id = $2",
                     {alias, first});
    CHECK(d.text() == "debian 1 a=1 latest stable\ndebian 1 b=1 latest stable\n");
}

TEST_CASE("a render that finds a newer generation tells the clock") {
    Documents d;
    d.world.add_published("debian", "1", {d.world.add_blob("image")});
    const auto generation = d.world.number("SELECT generation FROM catalogue_generation");
    const auto document = d.service->get(d.world.call, kDocumentPath);
    CHECK((*document)->generation == generation);
    CHECK(d.clock.generation() == generation);
}

TEST_CASE("a render that failed is not kept") {
    Documents d;
    SECTION("the step fails") {
        d.step->document = [&](ports::RenderView& view) -> Result<std::string> {
            d.step->document = print_rows;
            static_cast<void>(view);
            return Status(Code::internal, "a row is no JSON");
        };
        CHECK(d.service->get(d.world.call, kDocumentPath).status().code() == Code::internal);
    }
    SECTION("the database is away") {
        d.world.database.faults().fail(DatabaseCall::begin_read);
        CHECK(d.service->get(d.world.call, kDocumentPath).status().code() == Code::unavailable);
        CHECK(d.step->renders == 0);
    }
    SECTION("the database fails as rows are read") {
        d.world.database.faults().fail(DatabaseCall::query, away(), 2);
        CHECK(d.service->get(d.world.call, kDocumentPath).status().code() == Code::unavailable);
    }
    CHECK_FALSE(d.service->cached(kDocumentPath));
    CHECK(d.text().empty());
}

TEST_CASE("paths are known, and belong to one step each") {
    Documents d;
    CHECK(d.service->paths() == std::vector<std::string>{std::string(kDocumentPath)});
    CHECK(d.service->get(d.world.call, "/other").status().code() == Code::not_found);
    CHECK_FALSE(d.service->cached("/other"));
    auto rival = std::make_unique<TestStep>("rival");
    rival->served = d.step->served;
    d.steps["rival"] = std::move(rival);
    const auto refused = DocumentService::create(d.world.pool, d.steps, d.clock);
    CHECK(refused.status().code() == Code::already_exists);
    CHECK_THAT(std::string(refused.status().message()),
               Catch::Contains("'index'") && Catch::Contains("'rival'") && Catch::Contains(std::string(kDocumentPath)));
}
