#!/usr/bin/env python3
"""Every metric that operators are promised is there with its labels after a run that uses everything, and no label
has values that grow without bound."""
import re

from exposition import OPENMETRICS, Scrape, fetch, scrape
from harness.build import SOURCE
from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server
from harness.pair import EMBEDDED
from harness.waiting import wait_until

README = SOURCE / "packaging/monitoring/README.md"

# The metrics that dashboards are built on: name, type, labels.
LISTED = [
    ("http_server_request_duration_seconds", "histogram",
     {"http_request_method", "http_route", "http_response_status_code"}),
    ("http_server_active_requests", "gauge", set()),
    ("http_request_duration_seconds", "histogram", {"method", "route", "status_code"}),
    ("process_cpu_user_seconds_total", "counter", set()),
    ("process_cpu_system_seconds_total", "counter", set()),
    ("process_resident_memory_bytes", "gauge", set()),
    ("process_open_fds", "gauge", set()),
    ("process_start_time_seconds", "gauge", set()),
    ("process_heap_in_use_bytes", "gauge", set()),
    ("imgsrv_reactor_lag_seconds", "histogram", set()),
    ("imgsrv_build_info", "gauge", {"version"}),
    ("imgsrv_plugin_info", "gauge", {"kind", "name", "version", "abi"}),
    ("imgsrv_database_pool_connections", "gauge", {"state"}),
    ("imgsrv_database_pool_acquires_total", "counter", set()),
    ("imgsrv_database_pool_empty_acquires_total", "counter", set()),
    ("imgsrv_database_pool_canceled_acquires_total", "counter", set()),
    ("imgsrv_database_pool_acquire_duration_seconds_total", "counter", set()),
    ("imgsrv_objectstore_operations_total", "counter", {"operation", "outcome"}),
    ("imgsrv_objectstore_operation_duration_seconds", "histogram", {"operation"}),
    ("imgsrv_objectstore_bytes_total", "counter", {"operation", "direction"}),
    ("imgsrv_upload_sessions", "gauge", {"state"}),
    ("imgsrv_cas_ingest_jobs", "gauge", {"state"}),
    ("imgsrv_cas_ingest_oldest_queued_age_seconds", "gauge", set()),
    ("imgsrv_cas_ingest_oldest_running_age_seconds", "gauge", set()),
    ("imgsrv_cas_blobs", "gauge", set()),
    ("imgsrv_cas_blob_bytes", "gauge", set()),
    ("imgsrv_publish_jobs", "gauge", {"state"}),
    ("imgsrv_publish_steps", "gauge", {"step", "state"}),
    ("imgsrv_publish_step_oldest_queued_age_seconds", "gauge", {"step"}),
    ("imgsrv_publish_step_oldest_running_age_seconds", "gauge", {"step"}),
    ("imgsrv_publish_versions_publishing", "gauge", set()),
    ("imgsrv_incus_projection_rows", "gauge", set()),
    ("imgsrv_background_job_attempts_total", "counter", {"job", "outcome"}),
    ("imgsrv_background_job_errors_total", "counter", {"job"}),
    ("imgsrv_background_job_circuit_open_total", "counter", {"job"}),
    ("imgsrv_background_job_consecutive_failures", "gauge", {"job"}),
    ("imgsrv_background_job_last_success_timestamp_seconds", "gauge", {"job"}),
    ("imgsrv_background_job_last_error_timestamp_seconds", "gauge", {"job"}),
]
IMAGE, VERSION, KEY = "imagename", "1.2.3-versionname", "cas"
OUTCOMES = {"success", "not_found", "conflict", "already_exists", "invalid", "canceled", "error"}


def use_everything(server):
    """Publishes an image, has a publish job and an upload fail, and asks for things that do not exist."""
    writer, anonymous = server.writer(), server.anonymous()
    data = bytes(range(256)) * 4096
    artifact = writer.published(IMAGE, VERSION, data)
    writer.draft(IMAGE, "broken")
    writer.artifact(IMAGE, "broken", digest_of(b"never uploaded"), 14).expect(201)
    check.equal(writer.publish(IMAGE, "broken")["state"], "failed", "a version without its blob is not published")
    wrong = writer.post("/v1/uploads", json={"expected_digest": digest_of(b"a"), "expected_size_bytes": 1}).expect(201)
    part = writer.put_part(wrong.json["id"], 1, b"b").expect(200).json
    writer.complete(wrong.json["id"], [part]).expect(200)
    check.equal(writer.settled(wrong.json["id"])["state"], "failed", "wrong bytes are refused")
    anonymous.get(f"/v1/blobs/{digest_of(data)}").expect(200)
    anonymous.get(f"/v1/images/{IMAGE}/versions/{VERSION}/artifacts/{artifact['id']}/download").expect(200)
    anonymous.get("/v1/images/there-is-none").expect(404)
    anonymous.get("/no/such/path").expect(404)
    anonymous.get("/streams/v1/images.json").expect(200)
    return data


def test_every_metric_is_there(server, data):
    seen = scrape(server)
    histogram_parts = ("_bucket", "_sum", "_count")
    for name, kind, labels in LISTED:
        check.equal(seen.types.get(name), kind, f"type of {name}")
        for sample in [name + part for part in histogram_parts] if kind == "histogram" else [name]:
            wanted = frozenset(labels | ({"le"} if sample.endswith("_bucket") and kind == "histogram" else set()))
            check.equal(seen.labels(sample), {wanted}, f"labels of {sample}")
    check.equal(seen.value("imgsrv_cas_blobs"), 1, "one blob")
    check.equal(seen.value("imgsrv_cas_blob_bytes"), len(data), "its bytes")
    check.equal(seen.value("imgsrv_publish_jobs", state="succeeded"), 1, "one published")
    check.equal(seen.value("imgsrv_publish_jobs", state="failed"), 1, "one failed")
    check.equal(seen.value("imgsrv_publish_steps", step="validate_catalog", state="failed"), 1, "its step")
    check.equal(seen.value("imgsrv_publish_steps", step="finalize_publish", state="succeeded"), 1, "the other's step")
    check.equal(seen.value("imgsrv_upload_sessions", state="failed"), 1, "one upload failed")
    check.equal(seen.value("imgsrv_cas_ingest_jobs", state="succeeded"), 1, "one upload is verified")
    check.equal(seen.value("imgsrv_publish_versions_publishing"), 1, "the failed job's version")
    check.equal(seen.value("http_request_duration_seconds_count", method="GET", route="/v1/blobs/{digest}",
                           status_code="200"), 1, "the blob was read once")
    check.equal(seen.value("http_server_request_duration_seconds_count", http_request_method="GET", http_route="",
                           http_response_status_code="404"), 1, "a path that there is not")
    check.equal(seen.value("imgsrv_objectstore_bytes_total", operation="put_part", direction="write"),
                len(data) + 1, "bytes that went into the store")
    bounds = [has["le"] for name, has, _ in seen.samples if name == "http_request_duration_seconds_bucket"
              and has["route"] == "/v1/blobs/{digest}" and has["status_code"] == "200"]
    check.equal([float(b) for b in bounds], [.001, .005, .01, .05, .1, .5, 1, 5, 10, float("inf")], "the buckets")
    check.true(seen.value("imgsrv_background_job_last_success_timestamp_seconds", job="publish") > 1.7e9, "last success")
    check.equal(seen.value("imgsrv_ready"), 1, "ready")
    check.true({has["check"] for name, has, _ in seen.samples if name == "imgsrv_health_check_failing"}
               >= {"database", "storage", "auth-bearer", "worker-publish"}, "a check for each backend, workers included")


def test_each_is_documented(server):
    first_cells = re.findall(r"^\|([^|]*)\|", README.read_text(), re.M)
    documented = re.findall(r"`(\w+)`", "".join(first_cells))
    if not EMBEDDED:  # a server without files of its own makes no data-dir
        documented = [name for name in documented if not name.startswith("imgsrv_disk_")]
    there = {name for name in scrape(server).types if not name.startswith("imgsrv_plugin_") or name == "imgsrv_plugin_info"}
    check.equal(sorted(documented), sorted(there), "the metrics in packaging/monitoring/README.md")


def test_labels_are_bounded(server, data):
    seen = scrape(server)
    rows = server.backends.database.query
    secrets = [IMAGE, VERSION, "there-is-none", "no/such/path", digest_of(data).split(":")[1][:16]]
    secrets += [row[0] for table in ("principals", "publish_jobs", "versions", "upload_sessions", "api_tokens")
                for row in rows(f"SELECT id FROM {table}")]
    secrets += [row[0] for row in rows("SELECT storage_key FROM blobs")]
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{20}")
    for name, labels, _ in seen.samples:
        for label, value in labels.items():
            if any(s in value for s in secrets) or uuid.search(value):
                check.true(False, f"{name} carries {label}={value!r}")
    check.true(len(seen.samples) < 3000, f"{len(seen.samples)} samples")
    check.true({has["outcome"] for name, has, _ in seen.samples if name == "imgsrv_objectstore_operations_total"}
               <= OUTCOMES, "outcomes")


def test_both_texts(server):
    headers, text = fetch(f"http://{server.metrics_address}/metrics", OPENMETRICS)
    check.equal(headers["Content-Type"], "application/openmetrics-text; version=1.0.0; charset=utf-8", "OpenMetrics")
    openmetrics = Scrape(text, openmetrics=True)
    headers, text = fetch(f"http://{server.metrics_address}/metrics")
    check.equal(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8", "plain text")
    check.equal({name for name, _, _ in openmetrics.samples}, {name for name, _, _ in Scrape(text).samples},
                "both have the same samples")
    check.true(all(not family.endswith("_total") for family in openmetrics.types), "families of OpenMetrics")


def test_database_away(server):
    """Without the database, its own metrics are missing and say so; the others stay."""
    server.backends.database.execute("ALTER TABLE publish_steps RENAME TO away")
    try:
        wait_until(lambda: scrape(server).value("imgsrv_durable_state_up") == 0, "the scrape tells that it cannot ask")
        check.true(not scrape(server).values("imgsrv_cas_blobs"), "and claims nothing")
        check.true(bool(scrape(server).values("http_server_active_requests")), "the rest stays")
    finally:
        server.backends.database.execute("ALTER TABLE away RENAME TO publish_steps")
    wait_until(lambda: scrape(server).value("imgsrv_durable_state_up") == 1, "it is back")


def test_where_they_are_served():
    with Server("--set", "metrics-on-api=true", "--metrics-path", "/internal/metrics") as server:
        text = server.anonymous().get("/internal/metrics").expect(200)
        check.true(len(Scrape(text.body.decode()).samples) > 100, "metrics on the API's listener")
        check.equal(text.header("Cache-Control"), "no-store", "no cache keeps them")
    for flags, words in (
            (("--metrics-path", "metrics"), "metrics-path 'metrics' is not a path such as /metrics"),
            (("--metrics-path", "/v1/images", "--set", "metrics-on-api=true"), "is a path of the API"),
            (("--metrics-listen", "nowhere"), "metrics-listen")):
        server = Server(start=False)
        try:
            server.spawn(*flags)
            check.equal(server.listening(), False, f"no start with {flags}")
            check.contains(server.log.tail(), [words], "why")
        finally:
            server.close()


if __name__ == "__main__":
    with Server() as main:
        content = use_everything(main)
        check.run(test_every_metric_is_there, main, content)
        check.run(test_each_is_documented, main)
        check.run(test_labels_are_bounded, main, content)
        check.run(test_both_texts, main)
        check.run(test_database_away, main)
    if EMBEDDED:
        check.run(test_where_they_are_served)
    check.finish()
