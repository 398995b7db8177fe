#!/usr/bin/env python3
"""Publishers, clients that release what they uploaded, the collector in a loop, the scrubber, and kill -9 for all of them. In
the end everything promised is there and `imgsrv fsck --deep` finds nothing.

A quarter of a minute at least; ten minutes with IMGSRV_SOAK=1. IMGSRV_KILL_SEED repeats a run's draws, though not the scheduler's.
"""
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kill"))

import audit  # noqa: E402
from faults import Faults  # noqa: E402
from ledger import Blob, Ledger  # noqa: E402
from moments import Killer, Moments, settle  # noqa: E402
from publisher import Publisher, Watcher  # noqa: E402
from harness.build import BINARY, LONG_FORM, clean_environment  # noqa: E402
from harness.checks import Checks  # noqa: E402
from harness.imgsrv import Server  # noqa: E402
from uploads import Upload  # noqa: E402

SECONDS = float(os.environ.get("IMGSRV_FIRE_SECONDS", 600 if LONG_FORM else 15))
PATIENCE = 120  # more, until everyone has done something
PUBLISHERS = 2
BORROWERS = 3


class Borrower(Publisher):
    """Uploads what others upload and release at the same time, references it from a draft, and releases it again. While it is
    referenced, it must be there."""

    def __init__(self, name, server, token, moments, ledger, pool, random_, keep_going):
        super().__init__(name, server, token, moments, ledger, random_, keep_going)
        self.pool = pool

    def publish_version(self, version):
        path = f"/v1/images/{self.image}/versions/{version}"
        if self.random.random() < 0.2:
            self.pool[self.random.randrange(len(self.pool))] = Blob(self.random.randbytes(self.random.randrange(1, 40_000)))
        blob = self.random.choice(self.pool)
        self._retry_or_exists("draft", f"/v1/images/{self.image}/versions", {"version": version})
        while True:
            upload = Upload(self.server, self.token, self.moments, self.ledger, blob, self.random)
            if upload.run() != "aborted":
                break
        self.must_be_there(blob, "its upload is ready")
        self._add_artifact(path, "raw", blob, "x86_64")
        # From here on only the draft keeps it.
        self.server.backends.database.execute(f"UPDATE upload_sessions SET expires_us = 1 WHERE id = '{upload.id}' AND state = 'ready'")
        self.must_be_there(blob, "a draft names it")
        self._clear(path) if self.random.random() < 0.5 else None
        self.remove("delete-draft", path)

    def must_be_there(self, blob, why):
        answer, _ = self.patient.until_answered("read", lambda: self.patient.client.get(f"/v1/blobs/{blob.digest}"))
        self.ledger.tally.true(answer.status == 200 and answer.body == blob.data, f"{blob.digest} is served: {why}", answer.status)


class Collecting(threading.Thread):
    """`imgsrv gc` over and over, killed now and then."""

    def __init__(self, server, random_, stop, tally):
        super().__init__(daemon=True)
        self.server, self.random, self.stop, self.tally = server, random_, stop, tally
        self.runs = self.kills = 0

    def run(self):
        while not self.stop.is_set():
            process = subprocess.Popen([BINARY, "gc", "--grace", "0s", "--data-dir", self.server.data, *self.server.backends.flags],
                                       env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if self.random.random() < 0.4:
                time.sleep(self.random.random() * 0.15)
                process.kill()
            _, told = process.communicate(timeout=120)
            if process.returncode == -9:
                self.kills += 1
            else:
                self.runs += 1
                self.tally.true(process.returncode == 0, "gc ends well", told)
            time.sleep(0.1)


def main():
    seed = int(os.environ.get("IMGSRV_KILL_SEED", time.time_ns() % 1_000_000))
    tally = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-under-fire-"))
    tally.say(f"{SECONDS:g} s, seed {seed}, data in {folder}")
    faults = Faults(folder / "faults")
    server = Server("--gc-interval", "1s", "--scrub-rate", "64MiB", "--scrub-interval", "4s", folder=folder, start=False)
    server.start(**faults.environment())
    token = server.token("content-writer")["plaintext"]

    ledger, borrowed, moments, stop = Ledger(tally), Ledger(tally), Moments(), threading.Event()
    killer = Killer(server, faults, moments, random.Random(seed))
    pool = [Blob(os.urandom(3000 + n)) for n in range(10)]

    def going():
        return not stop.is_set()
    clients = [Publisher(f"image{i}", server, token, moments, ledger, random.Random(seed * 100 + i), going)
               for i in range(PUBLISHERS)]
    clients += [Borrower(f"borrower{i}", server, token, moments, borrowed, pool, random.Random(seed * 100 + 50 + i), going)
                for i in range(BORROWERS)]
    watcher = Watcher(server, ledger, random.Random(seed), stop)
    collecting = Collecting(server, random.Random(seed), stop, tally)
    for thread in (*clients, watcher, collecting):
        thread.start()

    def all_did_something():
        left = {digest for digest, in server.backends.database.query("SELECT digest FROM blobs")}
        return (killer.kills and collecting.runs and ledger.published and all(c.versions for c in clients)
                and borrowed.ready.keys() - left)
    began = told = time.monotonic()
    while (((gone := time.monotonic() - began) < SECONDS or gone < SECONDS + PATIENCE and not all_did_something())
           and not any(c.error for c in clients)):
        killer.kill_once()
        time.sleep(random.random() * 0.8)  # some work proceeds undisturbed
        if time.monotonic() - told > 60:
            told = time.monotonic()
            tally.say(f"{killer.kills} kills; {len(ledger.ready)} blobs, {len(ledger.published)} versions, {collecting.runs} collections")
    stop.set()
    for thread in (*clients, watcher, collecting):
        thread.join(300)
        tally.true(not thread.is_alive(), f"{thread.name} did not finish")
    rounds = sum(c.versions for c in clients[PUBLISHERS:])
    tally.true(ledger.violations == borrowed.violations == 0, "promises were broken on the way")
    tally.true(killer.kills > 0 and collecting.runs > 0 and rounds > 0 and ledger.published, "all of them did something")

    settle(server, token)
    done = server.command("gc", "--grace", "0s")
    tally.true(done.returncode == 0, "a last collection", done.stderr)
    audit.served(server, ledger)
    done = server.command("fsck", "--deep")
    tally.true(done.returncode == 0, "fsck --deep finds nothing beside the server", done.stdout + done.stderr)
    damaged = server.events("blob is damaged and not served until it is uploaded again")
    tally.true(not damaged, "the scrubber found no damage", damaged[:3])
    tally.true(server.stop() == 0, "the server did not stop well")
    done = server.command("gc", "--grace", "0s")
    tally.true(done.returncode == 0, "a collection without a server", done.stderr)
    done = server.command("fsck", "--deep")
    tally.true(done.returncode == 0, "fsck --deep finds nothing without it", done.stdout + done.stderr)
    named = {key for key, in server.backends.database.query("SELECT storage_key FROM blobs")}
    kept = {key for key in server.backends.store.keys() if key.startswith("blobs/")}
    tally.true(named == kept, f"objects without a blob: {sorted(kept - named)[:5]}, blobs without an object: {sorted(named - kept)[:5]}")
    left = {digest for digest, in server.backends.database.query("SELECT digest FROM blobs")}
    tally.true(borrowed.ready.keys() - left, "what is no longer borrowed was collected")
    tally.say(f"{killer.kills} kills of the server, {collecting.kills} of {collecting.kills + collecting.runs} collections, "
              f"{len(ledger.ready)} blobs promised, {len(ledger.published)} versions, {rounds} rounds of borrowing, "
              f"{len(borrowed.ready.keys() - left)} of {len(borrowed.ready)} blobs borrowed are collected, {len(named)} left")
    tally.say(done.stdout.strip())
    server.end(tally, folder, f"IMGSRV_KILL_SEED={seed}")


if __name__ == "__main__":
    main()
