#!/usr/bin/env python3
"""Database and object store hold the same id. A disk that is not mounted, a wrong bucket and a database beside another store are
refused at the start and by commands, and a running server's health reports them; `imgsrv storage adopt` makes two a pair.

The copies of a pair have tests of their own: backup_test.py, procedure_test.py and change_over_test.py; several nodes at their
first start: nodes/first_start_test.py.
"""
import contextlib
import os
import re
import shutil
import signal

from harness import identity
from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server
from harness.pair import EMBEDDED
from harness.relay import Relay
from harness.waiting import wait_until

ASKS = ["Is its disk mounted?", "the right bucket or folder?"]


@contextlib.contextmanager
def empty_place(server):
    """For a stopped server: puts an empty folder in the place of its store, like the mount point of a disk that is not mounted,
    or has its settings name an empty bucket."""
    backends = server.backends
    if EMBEDDED:
        root = backends.store.root
        away = root.with_name("objects.away")
        root.rename(away)
        root.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(root)
            away.rename(root)
    else:
        from harness.s3 import Bucket
        store = backends.store
        backends.store = Bucket(store.endpoint, store.region, store.access_key, store.secret_key)
        try:
            yield
        finally:
            backends.store.close()
            backends.store = store


def place(server):
    """The store's name in messages."""
    return str(server.backends.store.root) if EMBEDDED else server.backends.store.name


def start_refused(server, words, what):
    server.spawn()
    if check.true(not server.listening(), f"{what}: the server does not start"):
        check.contains(server.log.tail(3), [*words, place(server)], f"{what}: the log")
    else:
        server.stop()


def commands_refused(server, words, what):
    for command, code in ((("fsck",), 2), (("fsck", "--repair"), 2), (("gc", "--grace", "0s"), 1), (("gc", "--dry-run"), 1),
                          *([(("backup", server.folder / "refused"), 1)] if EMBEDDED else [])):
        done = server.command(*command)
        check.equal(done.returncode, code, f"{what}: {command}")
        check.contains(done.stderr, words, f"{what}: {command}")
    check.equal(server.backends.database.query("SELECT digest FROM blobs WHERE damaged_us IS NOT NULL"), [], f"{what}: none is marked")
    check.equal(server.backends.database.query("SELECT storage_key FROM object_removals"), [], f"{what}: none is removed")


def forget(server):
    """Removes the id from both, as before there were ids."""
    server.backends.database.execute("DELETE FROM store_identity")
    server.backends.store.remove(identity.KEY)


def adopt(server, *flags):
    return server.command("storage", "adopt", *flags)


def serves(server, blobs, what):
    check.equal(server.anonymous().get("/readyz").status, 204, f"{what}: it is ready")
    for data in blobs:
        check.true(server.anonymous().get(f"/v1/blobs/{digest_of(data)}").body == data, f"{what}: a blob is served")


def storage_check(server):
    return server.anonymous().get("/health").json["checks"]["storage"]


def unready(server):
    return server.anonymous().get("/readyz").status == 503


def test_first_start(server, blobs):
    """Both get the same id, and keep it."""
    known = identity.in_database(server.backends)
    check.true(known and re.fullmatch("[0-9a-f]{32}", known[0]) and known[1], "the database knows its store", known)
    check.equal(identity.in_store(server.backends.store), known[0], "the store has the same id")
    check.contains(server.backends.store.read(identity.KEY).decode(), ["imgsrv storage adopt", "Keep it"], "and says what that is")
    server.restart()
    check.equal(identity.in_database(server.backends), known, "the next start leaves it")
    for command in (("fsck",), ("fsck", "--repair"), ("gc", "--grace", "0s", "--all-orphans")):
        done = server.command(*command)
        check.equal(done.returncode, 0, f"{command} {done.stdout} {done.stderr}")
    check.equal(identity.in_store(server.backends.store), known[0], "nothing takes it for an orphan")


def test_empty_place(server, blobs):
    server.stop()
    id_, _ = identity.in_database(server.backends)
    with empty_place(server):
        words = [id_, "it has none", *ASKS, "imgsrv storage adopt"]
        start_refused(server, words, "nothing mounted")
        commands_refused(server, [id_, "it has none", *ASKS], "nothing mounted")
        check.equal(server.backends.store.keys(), set(), "nothing was put there")
        done = adopt(server)
        check.equal(done.returncode, 1, "nor is it adopted just so")
        check.contains(done.stderr, ["none is there", *ASKS, "--force", place(server)], "and why")
    if EMBEDDED:  # which a command does not make
        root = server.backends.store.root
        root.rename(root.with_name("objects.away"))
        done = server.command("fsck")
        check.equal(done.returncode, 2, "no folder at all")
        check.contains(done.stderr, ["no store of files", "mounted"], "and why")
        shutil.rmtree(root, ignore_errors=True)
        root.with_name("objects.away").rename(root)
    server.start()
    serves(server, blobs, "mounted again")


def test_another_store(server, blobs):
    """A store that another server uses: a wrong bucket, or a restored database beside another store."""
    server.stop()
    id_, _ = identity.in_database(server.backends)
    other = "0123456789abcdef" * 2
    text = server.backends.store.read(identity.KEY)
    server.backends.store.write(identity.KEY, text.replace(id_.encode(), other.encode()))
    start_refused(server, [id_, other, *ASKS], "another store")
    commands_refused(server, [id_, other], "another store")
    done = adopt(server)
    check.equal(done.returncode, 1, "it is not adopted just so")
    check.contains(done.stderr, ["another database", other, "--force"], "and why")
    server.backends.store.write(identity.KEY, b"something else")
    start_refused(server, [id_, "cannot be read"], "a text that is none")
    server.backends.store.write(identity.KEY, text)

    with empty_place(server):
        server.backends.database.execute("DELETE FROM store_identity")
        check.equal(adopt(server, "--force").returncode, 0, "an empty store becomes the database's by force")
        made, _ = identity.in_database(server.backends)
        check.true(made != id_ and identity.in_store(server.backends.store) == made, "under a new id", made)
    start_refused(server, [made, id_], "the store of before")
    done = adopt(server, "--force")
    check.equal(done.returncode, 0, f"which is taken back {done.stderr}")
    check.contains(done.stdout, [made, place(server)], "and told")
    server.start()
    serves(server, blobs, "taken back")


def test_while_running(server, blobs):
    """The objects of a running server vanish."""
    store = server.backends.store
    text = store.read(identity.KEY)
    store.remove(identity.KEY)
    wait_until(lambda: unready(server), "that the id is gone is noticed")
    check.contains(storage_check(server)["error"], [identity.in_database(server.backends)[0], "has none", *ASKS], "the health tells")
    store.write(identity.KEY, text)
    wait_until(lambda: not unready(server), "that it is back is noticed")

    kept = {key: store.read(key) for key in store.keys() | {identity.KEY}}
    if EMBEDDED:
        for path in store.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    else:
        for key in kept:
            store.remove(key)
    wait_until(lambda: unready(server), "that all is gone is noticed")
    check.contains(storage_check(server)["error"], ["has none", *ASKS], "the health tells")
    server.backends.database.execute("UPDATE blobs SET scrubbed_us = 1")
    wait_until(lambda: {"gc", "scrub"} <= {e["job"] for e in server.events("background job failed") if "has none" in e["error"]},
               "what works on the store refuses to")
    check.equal(server.backends.database.query("SELECT digest FROM blobs WHERE damaged_us IS NOT NULL"), [], "no blob is marked")
    server.stop()
    for key, data in kept.items():
        store.write(key, data)
    server.start()
    serves(server, blobs, "all is back")


def test_waiting_upload(server, blobs):
    """Missing bytes never fail an upload when the store belongs to another database."""
    store, data = server.backends.store, os.urandom(7000)
    server.restart(signal.SIGTERM, "--cas-promotion-enabled", "false")
    writer = server.writer()
    session = writer.new_upload(data)
    writer.complete(session, [writer.put_part(session, 1, data).expect(200).json]).expect(200)
    rows = server.backends.database
    rows.execute(f"UPDATE upload_sessions SET not_before_us = 9000000000000000 WHERE id = '{session}'")
    server.restart()
    kept = {key: store.read(key) for key in (identity.KEY, f"staging/{session}")}
    for key in kept:
        store.remove(key)
    rows.execute(f"UPDATE upload_sessions SET not_before_us = 0 WHERE id = '{session}'")
    wait_until(lambda: [e for e in server.events("background job failed") if e["job"] == "cas-promotion" and "has none" in e["error"]],
               "the promotion asks whose store it is")
    check.true(writer.get(f"/v1/uploads/{session}").json["state"] in ("completed", "ingesting"), "the upload waits")
    for key, content in kept.items():
        store.write(key, content)
    check.equal(writer.settled(session)["state"], "ready", "and goes on when its store is back")
    wait_until(lambda: not unready(server), "the server is ready")


def test_killed_in_between(server, blobs):
    """The row is written first, then the object, then the row's mark."""
    for what, placed in (("before the object was put", False), ("before the row was marked", True)):
        server.kill()
        id_, _ = identity.in_database(server.backends)
        server.backends.database.execute("UPDATE store_identity SET placed_us = NULL")
        if not placed:
            server.backends.store.remove(identity.KEY)
        done = server.command("fsck")
        check.equal(done.returncode, 2, f"killed {what}: a command")
        check.contains(done.stderr, ["start the server"], f"killed {what}: a command")
        server.start()
        check.equal((identity.in_database(server.backends), identity.in_store(server.backends.store)), ((id_, True), id_), f"killed {what}")
        serves(server, blobs, what)


def test_upgrade(server, blobs):
    """A database without an id takes over only the store that has its blobs."""
    server.stop()
    id_, _ = identity.in_database(server.backends)
    server.backends.database.execute("DELETE FROM store_identity")
    start_refused(server, ["knows no object store yet", id_, "--force"], "a store that has an id")
    server.backends.store.remove(identity.KEY)
    with empty_place(server):
        start_refused(server, ["none is there", *ASKS, "--force"], "a store without any of the blobs")
    check.equal(identity.in_database(server.backends), None, "nothing is written")
    # Like a blob that was lost some time ago.
    lost = server.backends.database.query("SELECT storage_key FROM blobs ORDER BY digest LIMIT 1")[0][0]
    data = server.backends.store.read(lost)
    server.backends.store.remove(lost)
    server.start()
    server.backends.store.write(lost, data)
    wait_until(lambda: all(server.anonymous().get(f"/v1/blobs/{digest_of(d)}").status == 200 for d in blobs), "the scrubber has seen it")
    known = identity.in_database(server.backends)
    check.true(known[0] != id_ and known == (identity.in_store(server.backends.store), True), "the blobs' store is taken over", known)
    serves(server, blobs, "upgraded")


def test_copied_without_id(server, blobs):
    """As by `rclone copy` of blobs/ alone."""
    server.stop()
    server.backends.store.remove(identity.KEY)
    start_refused(server, ["has none", "imgsrv storage adopt"], "a copy without the id")
    for _ in range(2):
        done = adopt(server)
        check.equal(done.returncode, 0, f"it is adopted {done.stderr}")
    server.start()
    if EMBEDDED:  # one process at a time may use its store
        check.contains(adopt(server).stderr, ["stop it first"], "not under a running server")
    serves(server, blobs, "adopted")


def test_lost_database():
    """An empty database takes no store that is in use, even one without an id, unless it is removing its objects itself."""
    with Server() as server:
        server.writer().upload(b"in use")
        server.stop()
        forget(server)
        for table in ("upload_sessions", "blobs"):
            server.backends.database.execute(f"DELETE FROM {table}")
        start_refused(server, ["names no blob, and the store holds some", *ASKS], "an empty database")
        key, = server.backends.store.keys()
        server.backends.database.execute(f"INSERT INTO object_removals VALUES ('{key}', 6, 1)")
        server.start()


def test_store_away_at_first_start():
    """The server comes up but is not ready, and gives the store its id as soon as it answers."""
    with Server(start=False) as server:
        storage = Relay(server.backends.store.endpoint.removeprefix("http://"))
        server.flags += server.backends.through(server.backends.database.address, f"http://{storage.address}")
        storage.cut()
        server.start()
        try:
            check.true(unready(server), "the store is away: it is not ready")
            check.true(not server.backends.store.keys() and not (identity.in_database(server.backends) or ("", False))[1], "nothing is marked")
            storage.mend()
            wait_until(lambda: not unready(server), "it answers")
            check.equal(identity.in_database(server.backends), (identity.in_store(server.backends.store), True), "and has its id")
        finally:
            storage.close()


def main():
    blobs = [os.urandom(5000), os.urandom(6000)]
    with Server("--gc-interval", "1s", "--scrub-interval", "500ms", "--scrub-rate", "64MiB", "--cas-promotion-poll-interval", "200ms",
                "--cas-promotion-error-backoff", "200ms") as server:
        for n, data in enumerate(blobs):
            server.writer().published("image", f"v{n}", data)
        for test in (test_first_start, test_empty_place, test_another_store, test_while_running, test_waiting_upload, test_killed_in_between,
                     test_upgrade, test_copied_without_id):
            check.run(test, server, blobs)
    check.run(test_lost_database)
    if not EMBEDDED:
        check.run(test_store_away_at_first_start)
    check.finish()


if __name__ == "__main__":
    main()
