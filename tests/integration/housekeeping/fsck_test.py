#!/usr/bin/env python3
"""`imgsrv fsck` finds what is wrong, says what to do, and repairs what it can, beside the running server.

fsck is the proof of a backup: every referenced blob is there and, with `--deep`, its bytes hash to its digest.
"""
import os
import subprocess
import time
import uuid

from harness import pair
from harness.build import BINARY, clean_environment
from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server
from harness.waiting import wait_until


def fsck(server, code, *flags):
    done = server.command("fsck", *flags)
    check.equal(done.returncode, code, f"fsck {flags}: {done.stdout[-500:]} {done.stderr}")
    return done.stdout


def finding(text, *words):
    """Checks that exactly one line has all these words."""
    lines = [one for one in text.splitlines() if all(w in one for w in words)]
    check.equal(len(lines), 1, f"one finding with {words}: {text}")
    check.true(lines and ("next: " in lines[0] or "repaired: " in lines[0]), "which says what is next", lines)


def key_of(server, digest):
    return server.backends.database.query(f"SELECT storage_key FROM blobs WHERE digest = '{digest}'")[0][0]


def container(server, image, version):
    """A published version that Simple Streams lists; its disk."""
    writer, disk, metadata = server.writer(), b"hsqs" + os.urandom(5000), os.urandom(500)
    writer.draft(image, version)
    artifact = writer.artifact(image, version, writer.upload(disk), len(disk), format="squashfs").expect(201).json
    writer.post(f"/v1/images/{image}/versions/{version}/artifacts/{artifact['id']}/attachments", json={
        "name": "incus.tar.xz", "media_type": "application/x-xz", "blob_digest": writer.upload(metadata),
        "blob_size_bytes": len(metadata)}).expect(201)
    job = writer.publish(image, version)
    if job["state"] != "succeeded":
        raise AssertionError(job)
    return disk


def test_clean(server):
    container(server, "clean", "v1")
    server.writer().draft("clean", "v2")
    server.writer().new_upload(b"not sent yet")
    check.contains(fsck(server, 0), ["2 blobs", "0 findings"], "nothing is wrong")
    check.contains(fsck(server, 0, "--deep"), ["2 blobs", "read", "0 findings"], "nor deep down")


def test_missing(server):
    data = container(server, "missing", "v1")
    digest, store = digest_of(data), server.backends.store
    key = key_of(server, digest)
    store.remove(key)
    finding(fsck(server, 1), digest, "missing", "missing v1", key, "upload the same bytes again")
    finding(fsck(server, 1, "--repair"), digest, "not served")
    answer = server.anonymous().get(f"/v1/blobs/{digest}")
    check.true(answer.status == 500 and "uploaded again" in answer.detail, "it is not served", answer.detail)
    store.write(key, data)
    finding(fsck(server, 1, "--deep"), digest, "are sound")
    finding(fsck(server, 1, "--deep", "--repair"), digest, "served again")
    check.true(server.anonymous().get(f"/v1/blobs/{digest}").body == data, "an object that was put back is served")
    fsck(server, 0, "--deep")


def test_wrong_bytes(server):
    data = container(server, "wrong", "v1")
    digest = digest_of(data)
    server.backends.store.write(key_of(server, digest), data[:-1] + bytes([data[-1] ^ 1]))
    fsck(server, 0)
    finding(fsck(server, 1, "--deep", "--repair"), digest, "hash to", "wrong v1")
    server.writer().upload(data)
    check.true(server.anonymous().get(f"/v1/blobs/{digest}").body == data, "an upload mends it")
    fsck(server, 0, "--deep")


def test_unreadable(server):
    """One object that cannot be read: the rest is checked, and the blob is not marked."""
    data = container(server, "unreadable", "v1")
    digest, store = digest_of(data), server.backends.store
    path = store._path(key_of(server, digest))
    path.unlink()
    path.mkdir()
    for flags in ((), ("--deep",), ("--deep", "--repair")):
        told = fsck(server, 1, *flags)
        check.contains(told, ["1 findings, 0 of them repaired"], "one finding of all")
        finding(told, digest, "cannot be read", "unreadable v1", "--repair")
    # As it was told.
    path.rmdir()
    finding(fsck(server, 1, "--repair"), digest, "missing", "not served")
    server.writer().upload(data)
    check.true(server.anonymous().get(f"/v1/blobs/{digest}").body == data, "an upload mends it")
    fsck(server, 0, "--deep")


def test_orphan(server):
    data = os.urandom(3000)
    digest = server.writer().upload(data)
    key = key_of(server, digest)
    server.backends.database.execute(f"DELETE FROM blobs WHERE digest = '{digest}'")
    fsck(server, 0)  # too young to be sure
    old = time.time() - 7200
    os.utime(server.backends.store._path(key), (old, old))
    finding(fsck(server, 1), key, "belongs to no blob", "imgsrv gc")
    finding(fsck(server, 1, "--repair"), key, "repaired")
    wait_until(lambda: key not in server.backends.store.keys(), "the server removes it", pause=0.1)
    fsck(server, 0)


def test_stuck_publishing(server):
    writer, database = server.writer(), server.backends.database
    digest = writer.upload(b"stuck")
    jobless, workless = writer.draft("stuck", "v1")["id"], writer.draft("stuck", "v2")["id"]
    for version in ("v1", "v2"):
        writer.artifact("stuck", version, digest, 5).expect(201)
    job = str(uuid.uuid4())
    database.execute(f"UPDATE versions SET state = 'publishing' WHERE id IN ('{jobless}', '{workless}')")
    database.execute("INSERT INTO publish_jobs (id, version_id, state, created_us, updated_us) "
                     f"VALUES ('{job}', '{workless}', 'queued', 1, 1)")
    told = fsck(server, 1)
    finding(told, "stuck v1", "by no job")
    finding(told, "stuck v2", job, "nothing to run")
    fsck(server, 1, "--repair")
    fsck(server, 0)
    check.equal(writer.get("/v1/images/stuck/versions/v1").json["version"]["state"], "draft", "a draft again")
    writer.post(f"/v1/publish-jobs/{job}/abandon").expect(200)
    for version in ("v1", "v2"):
        check.equal(writer.publish("stuck", version)["state"], "succeeded", "it can be published")


def test_lost_projections(server):
    container(server, "lost", "v1")
    listed = set(server.anonymous().get("/streams/v1/images.json").expect(200).json["products"])
    server.backends.database.execute("DELETE FROM projection_rows")
    finding(fsck(server, 1), "lost v1", "incus_index", "--repair")
    fsck(server, 1, "--repair")

    wait_until(lambda: not server.backends.database.query("SELECT id FROM publish_jobs WHERE state IN ('queued', 'running')"),
               "the steps have run again")
    fsck(server, 0)
    products = server.anonymous().get("/streams/v1/images.json").expect(200).json["products"]
    check.equal(set(products), listed, "everything is listed again")


def test_late(server):
    """Work that waits because no server runs."""
    writer, database = server.writer(), server.backends.database
    session = writer.new_upload(b"late")
    expired = writer.new_upload(b"expired")
    writer.put_part(session, 1, b"late").expect(200)
    server.stop()
    database.execute(f"UPDATE upload_sessions SET state = 'ingesting', lease_expires_us = 1 WHERE id = '{session}'")
    database.execute(f"UPDATE upload_sessions SET expires_us = 1 WHERE id = '{expired}'")
    database.execute("INSERT INTO object_removals (storage_key, size, queued_us) VALUES ('blobs/late', 1, 1)")
    told = fsck(server, 1)
    finding(told, session, digest_of(b"late"), "ingesting", "worker-cas-promotion")
    finding(told, expired, "expired at", "is a server running")
    finding(told, "blobs/late", "worker-gc")
    server.start()
    wait_until(lambda: server.command("fsck").returncode == 0, "a server takes it up", pause=0.2)


def test_cannot_look(server):
    flags = () if pair.EMBEDDED else ("--set", "database.driver=postgres", "--set",
                                      "database.postgres.url=postgresql://nobody@127.0.0.1:9/none")
    done = subprocess.run([BINARY, "fsck", "--data-dir", server.folder / "elsewhere", *flags], env=clean_environment(),
                          capture_output=True, text=True)
    check.equal(done.returncode, 2, f"it cannot look: {done.stdout} {done.stderr}")
    check.contains(done.stderr, ["imgsrv: "], "and says why")
    check.true(not (server.folder / "elsewhere/imgsrv.db").exists(), "and makes nothing")


def main():
    tests = [test_clean, test_missing, test_wrong_bytes, test_stuck_publishing, test_lost_projections, test_late, test_cannot_look]
    if pair.EMBEDDED:  # objects of S3 can neither be made older nor unreadable
        tests[3:3] = [test_unreadable, test_orphan]
    # Without its scrubber, which would find the damage first.
    with Server("--scrub-rate", "0", "--gc-interval", "1s") as server:
        for test in tests:
            check.run(test, server)
        check.equal(server.stop(), 0, "the server stops well")
    check.finish()


if __name__ == "__main__":
    main()
