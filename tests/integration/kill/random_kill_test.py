#!/usr/bin/env python3
"""kill -9 at random moments while publishers work; then everything promised must be there and nothing else.

20 kills, 100 with IMGSRV_SOAK=1. IMGSRV_KILL_SEED repeats a run's draws, though not the scheduler's. The data folder of a failed
run is kept and printed.
"""
import os
import pathlib
import random
import tempfile
import threading
import time

import audit
from faults import Faults
from harness.build import LONG_FORM
from harness.checks import Checks
from harness.imgsrv import Server
from ledger import Ledger
from moments import Killer, Moments, settle
from publisher import Publisher, Watcher

KILLS = int(os.environ.get("IMGSRV_KILLS", 100 if LONG_FORM else 20))
PUBLISHERS = 4


def main():
    seed = int(os.environ.get("IMGSRV_KILL_SEED", time.time_ns() % 1_000_000))
    tally = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-kill-"))
    tally.say(f"{KILLS} kills, seed {seed}, data in {folder}")
    faults = Faults(folder / "faults")
    server = Server(folder=folder, start=False)
    server.start(**faults.environment())
    token = server.token("content-writer")["plaintext"]

    ledger, moments, stop = Ledger(tally), Moments(), threading.Event()
    killer = Killer(server, faults, moments, random.Random(seed))
    publishers = [Publisher(f"image{i}", server, token, moments, ledger, random.Random(seed * 100 + i),
                            lambda: not stop.is_set()) for i in range(PUBLISHERS)]
    watcher = Watcher(server, ledger, random.Random(seed), stop)
    for thread in (*publishers, watcher):
        thread.start()
    for n in range(KILLS):
        killer.kill_once()
        if (n + 1) % 10 == 0:
            tally.say(f"{n + 1} kills; {len(ledger.ready)} blobs, {len(ledger.published)} versions, "
                      f"{ledger.failed_uploads} wrong uploads refused, {watcher.reads} looks")
        if any(p.error for p in publishers):
            break
    stop.set()
    for thread in (*publishers, watcher):
        thread.join(300)
        tally.true(not thread.is_alive(), f"{thread.name} did not finish")
    tally.true(watcher.reads > 0 and ledger.violations == 0, f"{ledger.violations} promises were broken on the way")

    tally.say(f"killed at: {dict(killer.kinds.most_common())}")
    tally.say(f"killed before: {dict(killer.calls.most_common())}")
    tally.say(f"{ledger.resumed_parts} accepted parts seen again after a kill, {ledger.kept_parts} accepted without an answer, "
              f"{ledger.aborted_uploads} uploads aborted, {ledger.retried_jobs} jobs retried, {ledger.abandoned_jobs} abandoned")
    settle(server, token)
    audit.served(server, ledger)
    tally.true(server.stop() == 0, "the server did not stop well")
    audit.sweep(server, tally)
    blobs = audit.database(server, tally)
    audit.objects(server, tally, blobs)
    tally.true(set(blobs.values()) >= set(ledger.ready), "a blob that was ready has no row")
    tally.true(killer.kills == KILLS, f"{killer.kills} kills")
    server.end(tally, folder, f"IMGSRV_KILL_SEED={seed}")


if __name__ == "__main__":
    main()
