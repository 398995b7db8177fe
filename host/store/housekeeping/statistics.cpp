#include "store/housekeeping/statistics.h"

#include <algorithm>

#include "store/catalogue/catalogue.h"
#include "store/housekeeping/collection.h"
#include "store/rows.h"

namespace imgsrv::store::statistics {
namespace {

Result<std::vector<StateCount>> count_states(Transaction& tx, std::string_view sql) {
    return list_rows<StateCount>(tx, sql, {}, [](const ports::Row& row) {
        Columns c(row);
        return StateCount{c.text(), c.size()};
    });
}

std::chrono::microseconds age(Time now, std::optional<Time> since) {
    return since ? std::max(now - *since, std::chrono::microseconds(0)) : std::chrono::microseconds(0);
}

// sql: the minimum of some times, NULL if there is none.
Status read_age(Transaction& tx, std::string_view sql, Time now, std::chrono::microseconds& out) {
    return tx
        .query_one(sql, {},
                   [&](const ports::Row& row) {
                       out = age(now, Columns(row).optional_time());
                       return Status();
                   })
        .status();
}

Status read_uploads(Transaction& tx, Time now, Snapshot& out) {
    IMGSRV_ASSIGN(out.uploads, count_states(tx, "SELECT state, COUNT(*) FROM upload_sessions GROUP BY state"));
    IMGSRV_TRY(read_age(tx,
                        "SELECT MIN(COALESCE((SELECT MAX(p.received_us) FROM upload_parts p WHERE p.upload_id = s.id), "
                        "s.created_us)) FROM upload_sessions s WHERE s.state = 'completed'",
                        now, out.promotions.queued));
    // The claim was the last update of a session that is being ingested.
    return read_age(tx, "SELECT MIN(updated_us) FROM upload_sessions WHERE state = 'ingesting'", now,
                    out.promotions.running);
}

Status read_publishing(Transaction& tx, Time now, Snapshot& out) {
    IMGSRV_ASSIGN(out.jobs, count_states(tx, "SELECT state, COUNT(*) FROM publish_jobs GROUP BY state"));
    IMGSRV_ASSIGN(out.steps,
                  list_rows<StepCount>(tx, "SELECT name, state, COUNT(*) FROM publish_steps GROUP BY name, state", {},
                                       [](const ports::Row& row) {
                                           Columns c(row);
                                           return StepCount{c.text(), c.text(), c.size()};
                                       }));
    IMGSRV_ASSIGN(
        out.step_ages,
        list_rows<StepAges>(tx,
                            "SELECT name, MIN(CASE WHEN state = 'queued' THEN queued_us END), MIN(CASE WHEN "
                            "state = 'running' THEN started_us END) FROM publish_steps WHERE state IN "
                            "('queued', 'running') GROUP BY name",
                            {}, [&](const ports::Row& row) {
                                Columns c(row);
                                return StepAges{c.text(), {age(now, c.optional_time()), age(now, c.optional_time())}};
                            }));
    IMGSRV_ASSIGN(out.versions_publishing,
                  read_number(tx, "SELECT COUNT(*) FROM versions WHERE state = 'publishing'", {}));
    IMGSRV_ASSIGN(out.rows,
                  list_rows<StepRows>(tx, "SELECT step, COUNT(*) FROM projection_rows GROUP BY step ORDER BY step", {},
                                      [](const ports::Row& row) {
                                          Columns c(row);
                                          return StepRows{c.text(), c.size()};
                                      }));
    return {};
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
    IMGSRV_ASSIGN(out.damaged_blobs, read_number(tx, "SELECT COUNT(*) FROM blobs WHERE damaged_us IS NOT NULL", {}));
    IMGSRV_ASSIGN(out.unreferenced_blobs,
                  read_number(tx, "SELECT COUNT(*) FROM blobs WHERE unreferenced_us IS NOT NULL", {}));
    IMGSRV_ASSIGN(const auto removals, collection::removal_totals(tx));
    out.queued_removals = removals.blobs;
    IMGSRV_ASSIGN(out.generation, catalogue::generation(tx));
    IMGSRV_TRY(read_publishing(tx, now, out));
    return out;
}

}  // namespace imgsrv::store::statistics
