#!/usr/bin/env python3
"""How long one scrape of /metrics takes, with an empty catalogue and with many published versions: milliseconds, each scrape
reading the database anew. 10,000 versions by default, each with three steps, two blobs and two projection rows."""
import argparse
import pathlib
import statistics
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.checks import check  # noqa: E402
from harness.imgsrv import Server  # noqa: E402
from harness.pair import EMBEDDED, NAME  # noqa: E402

FRESH = 1.1  # seconds; longer than the server uses what it has read


def fill(database, versions):
    def each(count):
        return (f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})" if EMBEDDED
                else f"WITH n(i) AS (SELECT generate_series(1, {count}))")

    def insert(table, columns, values, count=versions, more=""):
        database.execute(f"INSERT INTO {table} ({columns}) {each(count)} SELECT {values} FROM n{more}")

    digest = "'sha256:' || substr('0000000000000000000000000000000000000000000000000000000000000000' || i, -64)" if EMBEDDED \
        else "'sha256:' || lpad(CAST(i AS TEXT), 64, '0')"
    insert("images", "id, name, created_us, updated_us", "'i' || i, 'image' || i, 1, 1", 100)
    insert("blobs", "digest, size, storage_key, created_us", f"{digest}, 1000000, 'blobs/' || i, 1", 2 * versions)
    insert("versions", "id, image_id, version, state, created_us, updated_us",
           "'v' || i, 'i' || (i % 100 + 1), 'v' || i, 'draft', 1, 1")
    insert("publish_jobs", "id, version_id, state, created_us, updated_us", "'j' || i, 'v' || i, 'succeeded', 1, 1")
    for sequence, step in enumerate(("validate_catalog", "incus_index", "finalize_publish"), 1):
        insert("publish_steps", "id, job_id, name, sequence, blocking, state, queued_us",
               f"'s{sequence}-' || i, 'j' || i, '{step}', {sequence}, 1, 'succeeded', 1")
    insert("artifacts", "id, version_id, operating_system, architecture, variant, format, blob_digest, blob_size, "
           "media_type, created_us", f"'a' || i, 'v' || i, 'linux', 'x86_64', 'default', 'raw', {digest}, 1000000, 'a/b', 1")
    database.execute("UPDATE versions SET state = 'publishing'")
    for row in (1, 2):
        insert("projection_rows", "step, version_id, key, json, row_schema", f"'incus_index', 'v' || i, 'k{row}', '{{}}', 1")
    database.execute("UPDATE versions SET state = 'published', published_us = 1")
    if not EMBEDDED:
        database.execute("VACUUM ANALYZE")


def scrapes(server, count):
    times = []
    for _ in range(count):
        time.sleep(FRESH)
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://{server.metrics_address}/metrics") as answer:
            text = answer.read()
        times.append((time.perf_counter() - began) * 1000)
    check.true(b"imgsrv_durable_state_up 1" in text, "the database was read")
    (published,), = server.backends.database.query("SELECT COUNT(*) FROM versions WHERE state = 'published'")
    told = sum(float(line.rsplit(b" ", 1)[1]) for line in text.splitlines()
               if line.startswith(b'imgsrv_publish_jobs{') and b'"succeeded"' in line)
    check.equal(told, published, "the scrape counts them")
    return times


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--versions", type=int, default=10_000)
    arguments.add_argument("--scrapes", type=int, default=10)
    arguments.add_argument("--tiny", action="store_true", help="a few versions and one scrape, to show that it runs")
    options = arguments.parse_args()
    if options.tiny:
        options.versions, options.scrapes = 20, 1
    with Server() as server:
        for versions in (0, options.versions):
            if versions:
                fill(server.backends.database, versions)
            times = scrapes(server, options.scrapes)
            print(f"{NAME}: {versions:6} versions: median {statistics.median(times):6.1f} ms, "
                  f"from {min(times):.1f} to {max(times):.1f}", flush=True)
            check.true(min(times) > 0, f"{versions} versions: milliseconds", times)
    check.finish()


if __name__ == "__main__":
    main()
