"""What must be true of a server's data when its clients have finished: nothing lost, nothing left over."""
import hashlib
import pathlib
import sqlite3
import time

# Rows that mean nothing without another one, which is not there.
ORPHANS = {
    "parts without session": "SELECT COUNT(*) FROM upload_parts WHERE upload_id NOT IN (SELECT id FROM upload_sessions)",
    "steps without job": "SELECT COUNT(*) FROM publish_steps WHERE job_id NOT IN (SELECT id FROM publish_jobs)",
    "jobs without version": "SELECT COUNT(*) FROM publish_jobs WHERE version_id NOT IN (SELECT id FROM versions)",
    "rows of missing versions": "SELECT COUNT(*) FROM projection_rows WHERE version_id NOT IN (SELECT id FROM versions)",
    "rows of versions that are not published":
        "SELECT COUNT(*) FROM projection_rows WHERE version_id NOT IN (SELECT id FROM versions WHERE state = 'published')",
    "artifacts without version": "SELECT COUNT(*) FROM artifacts WHERE version_id NOT IN (SELECT id FROM versions)",
    "attachments without artifact": "SELECT COUNT(*) FROM attachments WHERE artifact_id NOT IN (SELECT id FROM artifacts)",
    "aliases of versions that are not published":
        "SELECT COUNT(*) FROM aliases WHERE version_id NOT IN (SELECT id FROM versions WHERE state = 'published')",
    "sessions neither waiting nor ended":
        "SELECT COUNT(*) FROM upload_sessions WHERE state NOT IN ('ready', 'failed', 'aborted')",
    "running hashes of ended sessions":
        "SELECT COUNT(*) FROM upload_sessions WHERE hash_state IS NOT NULL AND state IN ('ready', 'failed', 'aborted')",
    "leases of ended work":
        "SELECT (SELECT COUNT(*) FROM upload_sessions WHERE lease_owner IS NOT NULL AND state <> 'ingesting') + "
        "(SELECT COUNT(*) FROM publish_steps WHERE lease_owner IS NOT NULL AND state <> 'running')",
    "jobs neither succeeded nor abandoned": "SELECT COUNT(*) FROM publish_jobs WHERE state NOT IN ('succeeded', 'abandoned')",
    "open steps": "SELECT COUNT(*) FROM publish_steps WHERE state IN ('queued', 'running')",
    "succeeded jobs with a step that did not":
        "SELECT COUNT(*) FROM publish_jobs j WHERE j.state = 'succeeded' AND (3 <> (SELECT COUNT(*) FROM publish_steps s "
        "WHERE s.job_id = j.id AND s.state = 'succeeded') OR (SELECT state FROM versions WHERE id = j.version_id) <> 'published')",
    "published versions without one succeeded job":
        "SELECT COUNT(*) FROM versions v WHERE v.state = 'published' AND 1 <> (SELECT COUNT(*) FROM publish_jobs j WHERE "
        "j.version_id = v.id AND j.state = 'succeeded')",
    "versions that are still publishing": "SELECT COUNT(*) FROM versions WHERE state = 'publishing'",
    "published artifacts without a trusted blob":
        "SELECT COUNT(*) FROM artifacts a JOIN versions v ON v.id = a.version_id WHERE v.state = 'published' AND NOT EXISTS "
        "(SELECT 1 FROM blobs b WHERE b.digest = a.blob_digest AND b.size = a.blob_size)",
}

# Of a data folder whose server has stopped. `blobs+` and `staging+` are how object_store_fs spells those prefixes.
EXPECTED_FILES = {"imgsrv.db", "imgsrv.db-wal", "imgsrv.db-shm", "imgsrv.db.migrate", "lock"}


def served(server, ledger):
    """Downloads everything that was promised and compares."""
    tally, client = ledger.tally, server.client()
    for digest, blob in ledger.ready.items():
        status, headers, body = client.send("GET", f"/v1/blobs/{digest}")
        good = status == 200 and "sha256:" + hashlib.sha256(body).hexdigest() == digest and headers["ETag"] == f'"{digest}"'
        tally.check(good, f"{digest}: ready, and answered {status} with {len(body)} of {len(blob.data)} bytes")
    for digest in ledger.never:
        status, _, _ = client.send("GET", f"/v1/blobs/{digest}")
        tally.check(status == 404, f"{digest} was never verified and is answered {status}")
    for (image, version), digests in ledger.published.items():
        path = f"/v1/images/{image}/versions/{version}"
        manifest = client.json("GET", path)
        found = set()
        for one in manifest["artifacts"]:
            artifact = one["artifact"]
            found.add(artifact["primary_blob_digest"])
            found |= {a["blob_digest"] for a in one["attachments"]}
            status, _, body = client.send("GET", f"{path}/artifacts/{artifact['id']}/download")
            whole = "sha256:" + hashlib.sha256(body).hexdigest() == artifact["primary_blob_digest"]
            tally.check(status == 200 and whole, f"{path}: artifact {artifact['id']} is answered {status}")
        tally.check(found == digests and manifest["version"]["state"] == "published", f"{path}: published as {manifest}")
    for (image, alias), versions in ledger.aliases.items():
        found = client.json("GET", f"/v1/images/{image}/aliases/{alias}")
        tally.check(found["version"] in versions, f"{image} {alias} points to {found['version']}, should to {versions}")
    streams = client.json("GET", "/streams/v1/images.json")
    listed = sum(len(p["versions"]) for p in streams["products"].values())
    tally.check(listed > 0 or not ledger.published, f"Simple Streams lists {listed} versions")


def database(data_dir, tally):
    """Of a server that has stopped: the rows make sense."""
    with sqlite3.connect(pathlib.Path(data_dir) / "imgsrv.db") as db:
        tally.check(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the database is damaged")
        tally.check(not db.execute("PRAGMA foreign_key_check").fetchall(), "foreign keys do not hold")
        for name, sql in ORPHANS.items():
            n = db.execute(sql).fetchone()[0]
            tally.check(n == 0, f"{n} {name}")
        return dict(db.execute("SELECT storage_key, digest FROM blobs"))


def files(data_dir, tally, blobs):
    """Of a server that has stopped: each file belongs to a row, and each row to a file of the right bytes."""
    data_dir = pathlib.Path(data_dir)
    root = data_dir / "objects"
    objects = root / "objects"
    found = {}
    for file in objects.rglob("*"):
        if file.is_file():
            found[str(file.relative_to(objects)).replace("+/", "/")] = file
    tally.check(set(found) == set(blobs), f"objects without row: {sorted(set(found) - set(blobs))[:5]}, "
                                          f"rows without object: {sorted(set(blobs) - set(found))[:5]}")
    for key, file in found.items():
        digest = "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
        tally.check(digest == blobs.get(key), f"{key} holds {digest}")
    for name in ("tmp", "uploads", "done"):
        left = sorted(p.name for p in (root / name).iterdir())
        tally.check(not left, f"{len(left)} entries are left in {name}/: {left[:5]}")
    tally.check({p.name for p in root.iterdir()} <= {"FORMAT", "objects", "tmp", "uploads", "done"},
                f"unknown files in the store: {list(root.iterdir())}")
    stray = {p.name for p in data_dir.iterdir()} - EXPECTED_FILES - {"objects"}
    tally.check(not stray, f"unknown files in the data folder: {stray}")


def open_sessions(data_dir):
    with sqlite3.connect(f"file:{data_dir}/imgsrv.db?mode=ro", uri=True, timeout=30) as db:
        return db.execute("SELECT COUNT(*) FROM upload_sessions WHERE state IN ('created', 'uploading')").fetchone()[0]


def sweep(server, tally, timeout=60):
    """Runs the server a day and two hours later, when every session that was left open has expired, until its sweeper has
    passed. Needs libfaketime."""
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    server.start(LD_PRELOAD=str(library), FAKETIME="+26h", FAKETIME_DONT_FAKE_MONOTONIC="1",
                 ASAN_OPTIONS="verify_asan_link_order=0")
    root = server.data_dir / "objects"
    end = time.monotonic() + timeout
    while open_sessions(server.data_dir) or any((root / "uploads").iterdir()) or any(
            p.is_file() for p in (root / "objects" / "staging+").rglob("*")):
        if time.monotonic() > end:
            break  # the audit tells what is left
        time.sleep(0.05)
    tally.check(server.stop() == 0, "the server did not stop well")
    # What completions leave for a client that repeats them is looked through when the store opens.
    server.start()
    tally.check(server.stop() == 0, "the server did not stop well")
