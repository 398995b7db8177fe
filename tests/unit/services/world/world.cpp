#include "world/world.h"

#include <exception>

#include "core/sha256.h"
#include "core/uuid.h"
#include "services/storage_keys.h"
#include "store/catalogue/blobs.h"
#include "store/catalogue/catalogue.h"

namespace imgsrv::test {

using domain::VersionState;
using store::Transaction;

std::unique_ptr<store::Pool> World::open_pool(ports::Database& database) {
    auto pool = store::Pool::open(database, {4, std::chrono::milliseconds(2000), 3});
    REQUIRE(pool.ok());
    return std::move(*pool);
}

World::~World() {
    if (std::uncaught_exceptions() > 0) return;
    CHECK(database.faults().pending() == 0);
    CHECK(objects.faults().pending() == 0);
}

std::int64_t World::number(std::string_view sql, store::Params params) {
    return write([&](Transaction& tx) -> Result<std::int64_t> {
        std::int64_t number = 0;
        IMGSRV_TRY(tx.query_one(sql, params, [&](const ports::Row& row) {
                         number = row.integer(0);
                         return Status();
                     }).status());
        return number;
    });
}

std::string World::text(std::string_view sql, store::Params params) {
    return write([&](Transaction& tx) -> Result<std::string> {
        std::string text;
        IMGSRV_TRY(tx.query_one(sql, params, [&](const ports::Row& row) {
                         text = row.text(0);
                         return Status();
                     }).status());
        return text;
    });
}

std::uint64_t World::exec(std::string_view sql, store::Params params) {
    return write([&](Transaction& tx) { return tx.exec(sql, params); });
}

domain::Blob World::add_blob(std::string bytes) {
    domain::Blob blob = blob_of(bytes);
    blob.created = clock.now();
    objects.set(blob.storage_key, std::move(bytes));
    CHECK(write([&](Transaction& tx) { return store::blobs::insert(tx, blob); }));
    return blob;
}

std::string World::add_draft(std::string_view image, std::string_view version,
                             std::initializer_list<domain::Blob> blobs) {
    return write([&](Transaction& tx) -> Result<std::string> {
        const Time now = clock.now();
        auto parent = store::catalogue::find_image(tx, image);
        if (!parent.ok()) {
            parent = domain::Image{new_uuid(), std::string(image), std::nullopt, std::nullopt, now, now};
            IMGSRV_TRY(store::catalogue::insert_image(tx, *parent));
        }
        domain::Version draft{new_uuid(), parent->id, std::string(version), VersionState::draft, std::nullopt,
                              now,        now};
        IMGSRV_TRY(store::catalogue::insert_version(tx, image, draft));
        int variant = 0;
        for (const auto& blob : blobs)
            IMGSRV_TRY(store::catalogue::insert_artifact(tx, {new_uuid(),
                                                              draft.id,
                                                              "debian",
                                                              "amd64",
                                                              std::to_string(variant++),
                                                              "qcow2",
                                                              blob.digest,
                                                              blob.size,
                                                              "application/octet-stream",
                                                              now,
                                                              {}}));
        return std::move(draft.id);
    });
}

std::string World::add_published(std::string_view image, std::string_view version,
                                 std::initializer_list<domain::Blob> blobs) {
    std::string id = add_draft(image, version, blobs);
    write([&](Transaction& tx) -> Status {
        for (const auto& [from, to] : {std::pair(VersionState::draft, VersionState::publishing),
                                       std::pair(VersionState::publishing, VersionState::published)})
            IMGSRV_TRY(store::catalogue::set_version_state(tx, id, from, to, clock.now()).status());
        return store::catalogue::bump_generation(tx);
    });
    return id;
}

std::string digest_of(std::string_view bytes) {
    return "sha256:" + sha256_hex(bytes);
}

domain::Blob blob_of(std::string_view bytes) {
    return {digest_of(bytes), bytes.size(), services::blob_key(sha256_hex(bytes), "test"), Time(), std::nullopt};
}

}  // namespace imgsrv::test
