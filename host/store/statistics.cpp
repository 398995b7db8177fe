#include "store/statistics.h"

#include <algorithm>

#include "store/catalogue.h"

namespace imgsrv::store::statistics {
namespace {

Status count_states(Transaction& tx, std::string_view sql, std::vector<StateCount>& out) {
    return tx.query(sql, {}, [&](const ports::Row& row) {
        Columns c(row);
        std::string state = c.text();
        out.push_back({std::move(state), c.size()});
        return Status();
    });
}

Status count(Transaction& tx, std::string_view sql, std::uint64_t& out) {
    return tx
        .query_one(sql, {},
                   [&](const ports::Row& row) {
                       out = Columns(row).size();
                       return Status();
                   })
        .status();
}

std::chrono::microseconds age(Time now, std::optional<Time> since) {
    return since ? std::max(now - *since, std::chrono::microseconds(0)) : std::chrono::microseconds(0);
}

Status read_uploads(Transaction& tx, Time now, Snapshot& out) {
    IMGSRV_TRY(count_states(tx, "SELECT state, COUNT(*) FROM upload_sessions GROUP BY state", out.uploads));
    IMGSRV_TRY(tx.query_one("SELECT MIN(COALESCE((SELECT MAX(p.received_us) FROM upload_parts p WHERE p.upload_id = "
                            "s.id), s.created_us)) FROM upload_sessions s WHERE s.state = 'completed'",
                            {},
                            [&](const ports::Row& row) {
                                out.promotions.queued = age(now, Columns(row).optional_time());
                                return Status();
                            })
                   .status());
    // A claim is what last touched a session that is being ingested.
    return tx
        .query_one("SELECT MIN(updated_us) FROM upload_sessions WHERE state = 'ingesting'", {},
                   [&](const ports::Row& row) {
                       out.promotions.running = age(now, Columns(row).optional_time());
                       return Status();
                   })
        .status();
}

Status read_publishing(Transaction& tx, Time now, Snapshot& out) {
    IMGSRV_TRY(count_states(tx, "SELECT state, COUNT(*) FROM publish_jobs GROUP BY state", out.jobs));
    IMGSRV_TRY(tx.query("SELECT name, state, COUNT(*) FROM publish_steps GROUP BY name, state", {},
                        [&](const ports::Row& row) {
                            Columns c(row);
                            std::string step = c.text();
                            std::string state = c.text();
                            out.steps.push_back({std::move(step), std::move(state), c.size()});
                            return Status();
                        }));
    IMGSRV_TRY(
        tx.query("SELECT name, MIN(CASE WHEN state = 'queued' THEN queued_us END), MIN(CASE WHEN state = "
                 "'running' THEN started_us END) FROM publish_steps WHERE state IN ('queued', 'running') GROUP "
                 "BY name",
                 {}, [&](const ports::Row& row) {
                     Columns c(row);
                     std::string step = c.text();
                     const auto queued = age(now, c.optional_time());
                     out.step_ages.push_back({std::move(step), {queued, age(now, c.optional_time())}});
                     return Status();
                 }));
    IMGSRV_TRY(count(tx, "SELECT COUNT(*) FROM versions WHERE state = 'publishing'", out.versions_publishing));
    return count(tx, "SELECT COUNT(*) FROM projection_rows WHERE step = 'incus_index'", out.incus_rows);
}

}  // namespace

Result<Snapshot> read(Transaction& tx) {
    Snapshot out;
    IMGSRV_ASSIGN(const Time now, tx.now());
    IMGSRV_TRY(read_uploads(tx, now, out));
    IMGSRV_TRY(tx.query_one("SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blobs", {},
                            [&](const ports::Row& row) {
                                Columns c(row);
                                out.blobs = c.size();
                                out.blob_bytes = c.size();
                                return Status();
                            })
                   .status());
    IMGSRV_TRY(count(tx, "SELECT COUNT(*) FROM blobs WHERE damaged_us IS NOT NULL", out.damaged_blobs));
    IMGSRV_TRY(count(tx, "SELECT COUNT(*) FROM blobs WHERE unreferenced_us IS NOT NULL", out.unreferenced_blobs));
    IMGSRV_TRY(count(tx, "SELECT COUNT(*) FROM object_removals", out.queued_removals));
    IMGSRV_ASSIGN(out.generation, catalogue::generation(tx));
    IMGSRV_TRY(read_publishing(tx, now, out));
    return out;
}

}  // namespace imgsrv::store::statistics
