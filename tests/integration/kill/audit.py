"""Checks a server's stored data once its clients have finished: nothing lost, nothing left over."""
import hashlib
import time

# Rows that mean nothing because another row is missing.
ORPHANS = {
    "parts without session": "SELECT COUNT(*) FROM upload_parts WHERE upload_id NOT IN (SELECT id FROM upload_sessions)",
    "sends of parts without session":
        "SELECT COUNT(*) FROM upload_part_sends WHERE upload_id NOT IN (SELECT id FROM upload_sessions)",
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


def served(server, ledger):
    """Downloads everything that was promised and compares."""
    tally, client = ledger.tally, server.client()
    for digest, blob in ledger.ready.items():
        answer = client.get(f"/v1/blobs/{digest}")
        status, headers, body = answer.status, answer.headers, answer.body
        good = status == 200 and "sha256:" + hashlib.sha256(body).hexdigest() == digest and headers["ETag"] == f'"{digest}"'
        tally.true(good, f"{digest}: ready, and answered {status} with {len(body)} of {len(blob.data)} bytes")
    for digest in ledger.never:
        status = client.get(f"/v1/blobs/{digest}").status
        tally.true(status == 404, f"{digest} was never verified and is answered {status}")
    for (image, version), digests in ledger.published.items():
        path = f"/v1/images/{image}/versions/{version}"
        manifest = client.get(path).expect(200).json
        found = set()
        for one in manifest["artifacts"]:
            artifact = one["artifact"]
            found.add(artifact["primary_blob_digest"])
            found |= {a["blob_digest"] for a in one["attachments"]}
            answer = client.get(f"{path}/artifacts/{artifact['id']}/download")
            whole = "sha256:" + hashlib.sha256(answer.body).hexdigest() == artifact["primary_blob_digest"]
            tally.true(answer.status == 200 and whole, f"{path}: artifact {artifact['id']} is answered {answer.status}")
        tally.true(found == digests and manifest["version"]["state"] == "published", f"{path}: published as {manifest}")
    for (image, alias), versions in ledger.aliases.items():
        found = client.get(f"/v1/images/{image}/aliases/{alias}").expect(200).json
        tally.true(found["version"] in versions, f"{image} {alias} points to {found['version']}, should to {versions}")
    streams = client.get("/streams/v1/images.json").expect(200).json
    listed = sum(len(p["versions"]) for p in streams["products"].values())
    tally.true(listed > 0 or not ledger.published, f"Simple Streams lists {listed} versions")


def database(server, tally):
    """For a stopped server: the rows make sense. Returns the blobs' digests by their keys."""
    rows = server.backends.database
    damage = rows.damage()
    tally.true(not damage, f"the database is damaged: {damage[:5]}")
    for name, sql in ORPHANS.items():
        (n,), = rows.query(sql)
        tally.true(n == 0, f"{n} {name}")
    return dict(rows.query("SELECT storage_key, digest FROM blobs"))


def objects(server, tally, blobs):
    """For a stopped server: each object belongs to a row, each row to an object with the right bytes, and there is nothing
    else."""
    store = server.backends.store
    found = store.keys()
    tally.true(found == set(blobs), f"objects without row: {sorted(found - set(blobs))[:5]}, "
                                    f"rows without object: {sorted(set(blobs) - found)[:5]}")
    for key in found:
        digest = "sha256:" + hashlib.sha256(store.read(key)).hexdigest()
        tally.true(digest == blobs.get(key), f"{key} holds {digest}")
    left = server.backends.leftovers()
    tally.true(not left, f"{len(left)} things are left over: {sorted(left)[:5]}")


def open_sessions(server):
    (n,), = server.backends.database.query("SELECT COUNT(*) FROM upload_sessions WHERE state IN ('created', 'uploading')")
    return n


def sweep(server, tally, timeout=180):
    """Runs the server with its clock 26 hours ahead, when every open session has expired, until the sweeper has removed them."""
    server.start(**server.backends.later())
    end = time.monotonic() + timeout
    while open_sessions(server) or server.backends.store.unfinished():
        if time.monotonic() > end:
            break  # the audit reports what is left
        time.sleep(0.05)
    tally.true(server.stop() == 0, "the server did not stop well")
    # The store removes what completions kept for clients that repeat them when it opens.
    server.start()
    tally.true(server.stop() == 0, "the server did not stop well")
