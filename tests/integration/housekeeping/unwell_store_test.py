#!/usr/bin/env python3
"""`imgsrv backup`, `imgsrv storage copy` and `imgsrv fsck --deep` on an S3 store that fails on one object or on all, or drops an
upload's bytes while they work. A stand-in for S3 fails on demand."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import types

from fake_bucket import BUCKET, World
from fake_s3 import Handler, Server as StandIn
from harness.build import BINARY, clean_environment
from harness.checks import check
from harness.client import digest_of
from harness.embedded import Embedded, SqliteDatabase
from harness.imgsrv import Server
from harness.waiting import wait_until
from signed_request import REGION, SECRETS

WAIT = 120


class Unwell(Handler):
    """Answers 500 to reads of `bad` keys, 503 to everything once `away`, and holds the first reads of the `held` key."""
    bad, away, held = set(), False, None
    to_hold = asked = 0
    go_on = threading.Event()

    @staticmethod
    def hold(key, reads):
        Unwell.go_on.clear()
        Unwell.held, Unwell.to_hold, Unwell.asked = key, reads, 0

    def dispatch(self):
        reads = self.command in ("GET", "HEAD")
        if reads and self.key == Unwell.held:
            with World.lock:
                Unwell.asked += 1
                wait = Unwell.asked <= Unwell.to_hold
            if wait:
                Unwell.go_on.wait(WAIT)
        if Unwell.away:
            return self.error(503, "ServiceUnavailable")
        if self.command == "GET" and self.key in Unwell.bad:
            return self.error(500, "InternalError")
        super().dispatch()


def run(server, *words):
    return subprocess.Popen([BINARY, *words, "--data-dir", server.data, *server.backends.flags], env=clean_environment(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def key_of(server, digest):
    return server.backends.database.query(f"SELECT storage_key FROM blobs WHERE digest = '{digest}'")[0][0]


def copy(server, target):
    return server.command("storage", "copy", "--from", "s3", "--to", "fs", "--set", f"storage.fs.root={target}")


def restored(top, backup, code=0):
    """A server with what the backup holds."""
    top.mkdir()
    done = subprocess.run([BINARY, "restore", backup, "--data-dir", top / "data"], env=clean_environment(), capture_output=True,
                          text=True)
    check.equal(done.returncode, code, f"restore {done.stdout} {done.stderr}")
    return Server(folder=top, backends=Embedded(top))


def test_one_bad_object(server, top):
    writer, data = server.writer(), {f"v{n}": os.urandom(2000) for n in range(3)}
    for version, content in data.items():
        writer.published("image", version, content)
    bad = digest_of(data["v1"])
    Unwell.bad = {key_of(server, bad)}
    try:
        running = [run(server, "fsck", "--deep"), run(server, "backup", top / "backup"),
                   run(server, "storage", "copy", "--from", "s3", "--to", "fs", "--set", f"storage.fs.root={top / 'copy'}")]
        fsck, backup, copied = ((*process.communicate(timeout=WAIT), process.returncode) for process in running)
    finally:
        Unwell.bad = set()
    check.equal(fsck[2], 1, f"fsck finds {fsck}")
    check.contains(fsck[0], [f"blob {bad} cannot be read: ", "InternalError", "image v1", "3 blobs", "1 findings"], "the bad one, and reads on")
    check.equal(backup[2], 1, f"a backup tells of {backup}")
    check.contains(backup[0], ["2 objects", "2 of them new", f"not in the backup: {bad}: cannot be copied: ", "InternalError"], "what it lacks")
    check.equal(copied[2], 1, f"a copy tells of {copied}")
    check.contains(copied[0], ["2 objects", "2 of them copied now", f"not copied: {bad}: cannot be copied: ", "InternalError"], "what it lacks")
    check.equal(server.backends.database.query("SELECT digest FROM blobs WHERE damaged_us IS NOT NULL"), [], "nothing is marked")

    with restored(top / "lacking", top / "backup", 1) as other:
        reader = other.client(writer.token)
        check.true(reader.get(f"/v1/blobs/{digest_of(data['v2'])}").body == data["v2"], "what the backup has is served")
        check.equal(reader.get(f"/v1/blobs/{bad}").status, 500, "what it lacks is not")

    check.equal(server.command("fsck", "--deep").returncode, 0, "once it can be read, fsck is content")
    check.contains(server.command("backup", top / "backup").stdout, ["3 objects", "1 of them new"], "and the backup whole")
    check.contains(copy(server, top / "copy").stdout, ["3 objects", "1 of them copied now"], "and the copy")


def test_store_away(server, top):
    """Away from the first object on that both read."""
    first, = (key for key, in server.backends.database.query("SELECT storage_key FROM blobs ORDER BY digest LIMIT 1"))
    Unwell.hold(first, 2)
    running = {words[0]: run(server, *words) for words in (("fsck", "--deep"), ("backup", top / "away"))}
    try:
        wait_until(lambda: Unwell.asked >= 2, "both read")
        Unwell.away = True
        Unwell.go_on.set()
        told = {name: process.communicate(timeout=WAIT) for name, process in running.items()}
    finally:
        Unwell.held, Unwell.away = None, False
        Unwell.go_on.set()
    check.equal({name: process.returncode for name, process in running.items()}, {"fsck": 2, "backup": 1}, "neither goes on")
    for out, err in told.values():
        check.contains(err, ["imgsrv: PutObject", "ServiceUnavailable"], "each says why")
        check.true("cannot be" not in out, "rather than of each object", out)


def test_store_empty(server, top):
    with World.lock:
        kept = {key: World.objects.pop(key) for key in list(World.objects) if key.startswith("blobs/")}
    done = server.command("backup", top / "none")
    check.true(done.returncode == 1 and "no blob at all" in done.stderr, "a store without any blob is the wrong one", done.stderr)
    check.true(not (top / "none/manifest.json").exists(), "and no backup comes of it")
    with World.lock:
        World.objects.update(kept)


def test_promoted_during_backup(server, top):
    """After the database's snapshot and before the copy of its bytes: the restored server promotes it, too."""
    server.restart(signal.SIGTERM, "--set", "cas-promotion-enabled=false")
    writer, data = server.writer(), os.urandom(3000)
    session = writer.new_upload(data)
    part = writer.put_part(session, 1, data).expect(200).json
    writer.complete(session, [part]).expect(200)
    Unwell.hold(f"staging/{session}", 1)
    backup = run(server, "backup", top / "promoted")
    try:
        wait_until(lambda: Unwell.asked, "the backup comes to the upload")
        server.restart()
        check.equal(writer.settled(session)["state"], "ready", "which is promoted")
        wait_until(lambda: Unwell.held not in World.objects, "its staged bytes go")
    finally:
        Unwell.go_on.set()
    out, err = backup.communicate(timeout=WAIT)
    Unwell.held = None
    check.equal(backup.returncode, 0, f"the backup is whole {out} {err}")
    with restored(top / "restored", top / "promoted") as other:
        reader = other.client(writer.token)
        check.equal(reader.settled(session)["state"], "ready", "the upload is ready after a restore")
        check.true(reader.get(f"/v1/blobs/{digest_of(data)}").body == data, "its blob is served")
        check.equal(other.command("fsck", "--deep").returncode, 0, "nothing is missing")


def test_lost_upload(server, top):
    """An upload that was not promoted and whose bytes are gone."""
    server.restart(signal.SIGTERM, "--set", "cas-promotion-enabled=false")
    writer, data = server.writer(), os.urandom(3000)
    session = writer.new_upload(data)
    writer.complete(session, [writer.put_part(session, 1, data).expect(200).json]).expect(200)
    with World.lock:
        del World.objects[f"staging/{session}"]
    done = server.command("backup", top / "lost")
    check.equal(done.returncode, 1, "a backup without them is not whole")
    check.contains(done.stdout, [f"upload session {session}: the uploaded bytes are missing"], "and says so")


def main():
    top = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-unwell-store-"))
    stand_in = StandIn(("127.0.0.1", 0), Unwell)
    threading.Thread(target=stand_in.serve_forever, daemon=True).start()
    options = {"endpoint": f"http://127.0.0.1:{stand_in.server_port}", "bucket": BUCKET, "region": REGION,
               "access_key_id": "GOODKEY", "secret_access_key": SECRETS["GOODKEY"]}
    flags = ["--set", "storage.driver=s3", *(word for key, value in options.items() for word in ("--set", f"storage.s3.{key}={value}"))]
    backends = types.SimpleNamespace(flags=flags, close=lambda: None, database=SqliteDatabase(top / "server/data/imgsrv.db"))
    # Without its scrubber, which would meet the faults.
    with Server("--scrub-rate", "0", folder=top / "server", backends=backends) as server:
        for test in (test_one_bad_object, test_store_away, test_store_empty, test_promoted_during_backup, test_lost_upload):
            check.run(test, server, top)
        check.equal(server.stop(), 0, "the server stops well")
    stand_in.shutdown()
    if not check.failures:
        shutil.rmtree(top)
    check.finish()


if __name__ == "__main__":
    main()
