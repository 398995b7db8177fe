#!/usr/bin/env python3
"""`imgsrv gc` beside a running server: unreferenced blobs go, referenced ones stay, in every race between the two."""
import os
import random
import re
import threading
import time

from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server
from harness.waiting import wait_until

RACE_SECONDS, PATIENCE = 6, 120  # at least, and at most until each racer and the collector have done something


def gc(server, *flags):
    done = server.command("gc", *flags)
    check.equal(done.returncode, 0, f"gc {flags} {done.stderr}")
    return done.stdout


def line(text, what):
    """The number in the report's line that begins with `what`."""
    return int(next(re.match(what + r"\D*(\d+)", one)[1] for one in text.splitlines() if one.startswith(what)))


def expire_ready(server, sessions=None):
    which = "" if sessions is None else " AND id IN (" + ", ".join(f"'{s}'" for s in sessions) + ")"
    server.backends.database.execute(f"UPDATE upload_sessions SET expires_us = 1 WHERE state = 'ready'{which}")


def key_of(server, digest):
    rows = server.backends.database.query(f"SELECT storage_key FROM blobs WHERE digest = '{digest}'")
    return rows[0][0] if rows else None


def gone_from_store(server, keys):
    wait_until(lambda: not keys & server.backends.store.keys(), "the objects are gone", pause=0.1)


def test_named_blobs_stay(server):
    writer = server.writer()
    published, drafted, fresh = os.urandom(5000), os.urandom(6000), os.urandom(7000)
    artifact = writer.published("kept", "v1", published)
    attachment = os.urandom(100)
    writer.draft("kept", "v2")
    drafted_artifact = writer.artifact("kept", "v2", writer.upload(drafted), len(drafted)).expect(201).json
    writer.post(f"/v1/images/kept/versions/v2/artifacts/{drafted_artifact['id']}/attachments", json={
        "name": "a", "media_type": "text/plain", "blob_digest": writer.upload(attachment),
        "blob_size_bytes": len(attachment)}).expect(201)
    expire_ready(server)
    writer.upload(fresh)  # referenced by its session
    report = gc(server, "--grace", "0s")
    check.equal(line(report, "blobs removed after the grace"), 0, "nothing that is named is removed")
    for data in (published, drafted, attachment, fresh):
        check.true(server.anonymous().get(f"/v1/blobs/{digest_of(data)}").body == data, "a named blob is served")
    check.true(artifact["id"], "the artifact")


def test_grace(server):
    writer, data = server.writer(), os.urandom(4000)
    digest = writer.upload(data)
    expire_ready(server)
    told = gc(server, "--dry-run", "--grace", "0s")
    # The server's own collector may have marked it already.
    check.true(line(told, "blobs newly unreferenced") + line(told, "blobs that would be removed now") >= 1, "a dry run tells of it")
    gc(server)
    marks = server.backends.database.query(f"SELECT unreferenced_us FROM blobs WHERE digest = '{digest}'")
    check.true(marks and marks[0][0], "it is marked", marks)
    check.equal(writer.get(f"/v1/blobs/{digest}").status, 200, "and served for the grace")
    # A new reference takes the mark off.
    writer.draft("grace", "v1")
    writer.artifact("grace", "v1", digest, len(data)).expect(201)
    check.equal(server.backends.database.query(f"SELECT unreferenced_us FROM blobs WHERE digest = '{digest}'"), [[None]],
                "an artifact takes the mark off")
    gc(server, "--grace", "0s")
    check.equal(writer.get(f"/v1/blobs/{digest}").status, 200, "it stays")
    writer.delete("/v1/images/grace/versions/v1").expect(204)
    gc(server)
    session = writer.post("/v1/uploads", json={"expected_digest": digest, "expected_size_bytes": len(data)})
    check.equal((session.status, session.json["state"]), (200, "ready"), "an upload finds it here")
    gc(server, "--grace", "0s")
    check.equal(writer.get(f"/v1/blobs/{digest}").status, 200, "and the session keeps it")

    expire_ready(server)
    key = key_of(server, digest)
    report = gc(server, "--grace", "0s")
    check.true(line(report, "blobs removed after the grace") >= 1, "unreferenced: it is removed")
    check.equal(writer.get(f"/v1/blobs/{digest}").status, 404, "and not served")
    gone_from_store(server, {key})
    writer.upload(data)
    check.true(writer.get(f"/v1/blobs/{digest}").body == data, "it can be uploaded again")
    check.true(key_of(server, digest) != key, "under another key")


def test_orphans(server):
    writer, data = server.writer(), os.urandom(3000)
    digest = writer.upload(data)
    key = key_of(server, digest)
    server.backends.database.execute(f"DELETE FROM blobs WHERE digest = '{digest}'")
    check.equal(line(gc(server), "objects without a blob"), 0, "a young object without a blob is left alone")
    check.equal(line(gc(server, "--dry-run", "--grace", "0s"), "objects without a blob"), 1, "a dry run tells of it")
    check.equal(line(gc(server, "--grace", "0s"), "objects without a blob"), 1, "an older one is not")
    gone_from_store(server, {key})


def test_pause(server):
    writer, data = server.writer(), os.urandom(3000)
    digest = writer.upload(data)
    key = key_of(server, digest)
    expire_ready(server)
    check.contains(gc(server, "--pause", "1h"), ["no object is removed until"], "a pause")
    check.contains(gc(server, "--grace", "0s"), ["operator holds them"], "what it removes waits")
    server.wait_for_attempts("gc")
    check.true(key in server.backends.store.keys(), "no object goes during a pause")
    gc(server, "--resume")
    gone_from_store(server, {key})


def test_sessions(server):
    writer = server.writer()
    data = os.urandom(100_000)
    session = writer.new_upload(data)
    writer.put_part(session, 1, data).expect(200)
    server.backends.database.execute(f"UPDATE upload_sessions SET expires_us = 1 WHERE id = '{session}'")
    server.stop()
    gc(server)
    check.equal(server.backends.database.query(f"SELECT state FROM upload_sessions WHERE id = '{session}'"), [["aborted"]],
                "an expired session ends")
    check.equal({k for k in server.backends.store.unfinished() if session in k}, set(), "with what it had in the store")
    server.start()


class Racer(threading.Thread):
    """References blobs that others release at the same time."""

    def __init__(self, server, contents, stop, seed):
        super().__init__()
        self.server, self.contents, self.stop, self.random = server, contents, stop, random.Random(seed)
        self.client = server.client(server.writer().token)
        self.name = f"race{seed}"
        self.rounds = 0
        self.error = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.round()
                self.rounds += 1
        except BaseException as error:
            self.error = error
            raise

    def round(self):
        client, data = self.client, self.random.choice(self.contents)
        digest, version = digest_of(data), f"v{self.rounds}"
        client.draft(self.name, version)
        session = client.post("/v1/uploads", json={"expected_digest": digest, "expected_size_bytes": len(data)}).expect(200, 201).json
        if session["state"] != "ready":
            client.complete(session["id"], [client.put_part(session["id"], 1, data).expect(200).json]).expect(200)
            check.equal(client.settled(session["id"])["state"], "ready", "the upload")
        self.must_be_there(digest, data, "its session is ready")
        client.artifact(self.name, version, digest, len(data)).expect(201)
        expire_ready(self.server, [session["id"]])
        self.must_be_there(digest, data, "a draft names it")
        if self.random.random() < 0.5:
            time.sleep(self.random.random() * 0.2)
        self.must_be_there(digest, data, "a draft names it")
        client.delete(f"/v1/images/{self.name}/versions/{version}").expect(204)

    def must_be_there(self, digest, data, why):
        answer = self.client.get(f"/v1/blobs/{digest}")
        if not check.true(answer.status == 200 and answer.body == data, f"{digest} is served: {why}", answer.status):
            raise AssertionError("lost")


def test_races(server):
    contents = [os.urandom(2000 + n) for n in range(12)]
    stop = threading.Event()
    racers = [Racer(server, contents, stop, seed) for seed in range(4)]
    for racer in racers:
        racer.start()
    began = time.monotonic()
    collected = 0
    while (gone := time.monotonic() - began) < RACE_SECONDS or gone < PATIENCE and not (collected and all(r.rounds for r in racers)):
        collected += line(gc(server, "--grace", "0s"), "blobs removed after the grace")
    stop.set()
    for racer in racers:
        racer.join()
        check.true(racer.error is None and racer.rounds > 0, f"{racer.name} ended well", racer.error)
    check.true(collected > 0, "some were collected on the way")
    check.say(f"{sum(r.rounds for r in racers)} rounds, {collected} blobs collected under them")


def nothing_left(server):
    """For a stopped server: rows and objects agree."""
    expire_ready(server)
    gc(server, "--grace", "0s")
    keys = {k for k, in server.backends.database.query("SELECT storage_key FROM blobs")}
    check.equal(server.backends.store.keys(), keys, "there are the objects that blobs name, and no other")
    check.equal(server.backends.database.query("SELECT storage_key FROM object_removals"), [], "nothing waits to be removed")


def test_another_database():
    """A database that references next to nothing in the store was lost, or belongs to another store: the objects stay."""
    with Server() as server:
        writer = server.writer()
        for _ in range(5):
            writer.upload(os.urandom(1000))
        check.equal(server.stop(), 0, "the server stops well")
        for table in ("upload_sessions", "blobs"):
            server.backends.database.execute(f"DELETE FROM {table}")
        keys = server.backends.store.keys()
        done = server.command("gc", "--grace", "0s")
        check.equal(done.returncode, 1, "no object is removed")
        check.contains(done.stderr, ["none for the other 5", "this store's database"], "and why")
        check.equal(server.backends.store.keys(), keys, "every object is there")
        check.equal(line(gc(server, "--grace", "0s", "--all-orphans"), "objects removed from the store"), 5, "who knows better says so")
        check.equal(server.backends.store.keys(), set(), "they are gone")


def main():
    check.run(test_another_database)
    with Server("--gc-interval", "1s") as server:
        for test in (test_named_blobs_stay, test_grace, test_orphans, test_pause, test_sessions, test_races):
            check.run(test, server)
        check.equal([e for e in server.log.events if e.get("level", 0) >= 50], [], "the server logged no error")
        check.equal(server.stop(), 0, "the server stops well")
        check.run(nothing_left, server)
    check.finish()


if __name__ == "__main__":
    main()
