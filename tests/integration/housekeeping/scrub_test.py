#!/usr/bin/env python3
"""The scrubber finds bytes that rot or vanish, they are no longer served, and an upload of the same bytes mends it."""
import os

from harness import identity
from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server
from harness.pair import EMBEDDED
from harness.waiting import wait_until


def key_of(server, digest):
    return server.backends.database.query(f"SELECT storage_key FROM blobs WHERE digest = '{digest}'")[0][0]


def until_refused(server, digest):
    """That is, marked: bytes that the store no longer has cannot be served anyway."""
    wait_until(lambda: damaged_events(server, digest), f"{digest} is found damaged")
    check.equal(server.anonymous().get(f"/v1/blobs/{digest}").status, 500, "it is not served")


def damaged_events(server, digest):
    return [e for e in server.events("blob is damaged and not served until it is uploaded again") if e["digest"] == digest]


def test_rot(server):
    """Of one bit, of a blob that a published version and a draft name."""
    writer, data = server.writer(), os.urandom(300_000)
    artifact = writer.published("rot", "v1", data)
    digest = digest_of(data)
    sound = writer.upload(b"sound")
    writer.draft("rot", "v2")
    writer.artifact("rot", "v2", digest, len(data)).expect(201)

    key = key_of(server, digest)
    server.backends.store.write(key, data[:-1] + bytes([data[-1] ^ 1]))
    until_refused(server, digest)
    answer = server.anonymous().get(f"/v1/images/rot/versions/v1/artifacts/{artifact['id']}/download")
    check.equal(answer.status, 500, "its artifact is not served either")
    check.contains(answer.detail, [digest, "uploaded again"], "with a reason")
    check.equal(writer.get(f"/v1/blobs/{sound}").status, 200, "others are")
    events = damaged_events(server, digest)
    check.equal(len(events), 1, "the log tells once")
    check.equal(events[0]["level"], 50, "as an error")
    check.contains(events[0]["versions"], ["rot v1", "rot v2"], "which versions it hits")
    check.contains(events[0]["damage"], [f"hash to {digest_of(data[:-1] + bytes([data[-1] ^ 1]))}"], "and what is wrong")

    job = writer.publish("rot", "v2")
    check.equal((job["state"], job.get("failed_step")), ("failed", "validate_catalog"), "a version that names it is not published")
    check.contains(job["failure_message"], [digest, "damaged"], "and says why")

    check.equal(writer.upload(data), digest, "the same bytes can be uploaded again")
    check.true(writer.get(f"/v1/blobs/{digest}").body == data, "and are served")
    check.true(key_of(server, digest) != key, "from another object")
    wait_until(lambda: key not in server.backends.store.keys(), "the damaged object is removed", pause=0.1)
    writer.post(f"/v1/publish-jobs/{job['id']}/retry").expect(202)
    check.equal(writer.finished_job(job["id"])["state"], "succeeded", "the job goes through now")


def test_vanished(server):
    """And put back by an operator."""
    writer, data = server.writer(), os.urandom(4000)
    writer.published("vanished", "v1", data)
    digest, key = digest_of(data), key_of(server, digest_of(data))
    server.backends.store.remove(key)
    until_refused(server, digest)
    check.contains(damaged_events(server, digest)[0]["damage"], ["missing"], "what is wrong")
    server.backends.store.write(key, data)
    wait_until(lambda: writer.get(f"/v1/blobs/{digest}").status == 200, "it is found sound again")
    check.true(writer.get(f"/v1/blobs/{digest}").body == data, "and served")


def test_cut(server):
    writer, data = server.writer(), os.urandom(4000)
    digest = writer.upload(data)
    server.backends.store.write(key_of(server, digest), data[:-1])
    until_refused(server, digest)
    check.contains(damaged_events(server, digest)[0]["damage"], ["3999", "4000"], "what is wrong")


def test_restart(server):
    """The scrubber was killed while it read: the next one goes on."""
    server.kill()
    server.start()
    writer, data = server.writer(), os.urandom(4000)
    digest = writer.upload(data)
    server.backends.database.execute("UPDATE blobs SET scrubbed_us = 1")
    wait_until(lambda: not server.backends.database.query("SELECT digest FROM blobs WHERE scrubbed_us = 1"), "all are read again")
    check.equal(writer.get(f"/v1/blobs/{digest}").status, 200, "sound blobs stay")


def test_away(server):
    """A store that is empty, even of its id: no blob is marked."""
    writer, store = server.writer(), server.backends.store
    blobs = {writer.upload(data): data for data in (os.urandom(4000), os.urandom(5000))}
    kept = {key: store.read(key) for key in store.keys() | {identity.KEY}}
    # The id first: from then on the server does not trust the store.
    for key in sorted(kept, key=lambda key: key != identity.KEY):
        store.remove(key)
    server.backends.database.execute("UPDATE blobs SET scrubbed_us = 1")
    wait_until(lambda: [e for e in server.events("background job failed") if "is not this database's" in e["error"]], "the log says so")
    marked = {d for d, in server.backends.database.query("SELECT digest FROM blobs WHERE damaged_us IS NOT NULL")}
    check.equal(marked & set(blobs), set(), "none is marked")
    for key, data in kept.items():
        store.write(key, data)
    for digest, data in blobs.items():
        check.true(writer.get(f"/v1/blobs/{digest}").body == data, "what comes back is served")


def test_unreadable(server):
    """An object that cannot be read at all, as from a bad sector, does not hold up the others."""
    writer, store = server.writer(), server.backends.store
    bad, good = (writer.upload(os.urandom(4000)) for _ in range(2))
    path = store._path(key_of(server, bad))
    server.kill()
    path.unlink()
    path.mkdir()
    server.backends.database.execute(f"UPDATE blobs SET scrubbed_us = CASE digest WHEN '{bad}' THEN 1 ELSE 2 END, scrub_lease_us = 0")
    server.start()
    wait_until(lambda: not server.backends.database.query(f"SELECT 1 FROM blobs WHERE digest = '{good}' AND scrubbed_us = 2"), "the others are read")
    row = f"SELECT scrubbed_us, damaged_us FROM blobs WHERE digest = '{bad}'"
    check.equal([tuple(r) for r in server.backends.database.query(row)], [(1, None)], "of it nothing is known")


def main():
    with Server("--scrub-rate", "64MiB", "--scrub-interval", "500ms", "--gc-interval", "1s") as server:
        for test in (test_rot, test_vanished, test_cut, test_restart):
            check.run(test, server)
        failed = {e["error"] for e in server.events("background job failed")}
        check.equal(failed, set(), "no background job failed")
        check.run(test_away, server)
        if EMBEDDED:
            check.run(test_unreadable, server)
        check.equal(server.stop(), 0, "the server stops well")
    check.finish()


if __name__ == "__main__":
    main()
