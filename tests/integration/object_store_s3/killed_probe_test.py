#!/usr/bin/env python3
"""Kills the server at every request of the probe by which it learns, at its start, what the S3 store can do. Leftovers in the bucket
stay while they may belong to a running process, and are removed when they are old."""
import shutil
import tempfile
import threading
import types

from fake_bucket import BUCKET, World
from fake_s3 import Handler, Server as Stand_in
from harness.checks import Checks
from harness.imgsrv import Server
from signed_request import REGION, SECRETS

OLD = 6 * 60


def left():
    keys = set(World.objects) | {upload.key for upload in World.uploads.values()}
    return {key for key in keys if key.startswith("~imgsrv/probe-")}


class Killer(Handler):
    """Carries out the n-th request of a probe and kills its sender before the answer."""
    victim = None
    spawning = threading.Lock()
    countdown = 0
    seen = 0

    def answer(self, *arguments, **options):
        if self.key.startswith("~imgsrv/probe-"):
            Killer.seen += 1
            Killer.countdown -= 1
            if Killer.countdown == 0:
                with Killer.spawning:  # a request may come before spawn() knows its process
                    Killer.victim.process.kill()
                return self.break_connection()
        super().answer(*arguments, **options)


def main():
    tally = Checks()
    stand_in = Stand_in(("127.0.0.1", 0), Killer)
    threading.Thread(target=stand_in.serve_forever, daemon=True).start()
    options = {"endpoint": f"http://127.0.0.1:{stand_in.server_port}", "bucket": BUCKET, "region": REGION,
               "access_key_id": "GOODKEY", "secret_access_key": SECRETS["GOODKEY"]}
    flags = ["--set", "storage.driver=s3", *(word for key, value in options.items() for word in ("--set", f"storage.s3.{key}={value}"))]
    folder = tempfile.mkdtemp(prefix="imgsrv-killed-probe-")
    server = Killer.victim = Server(folder=folder, start=False,
                                    backends=types.SimpleNamespace(flags=flags, close=lambda: None))
    try:
        server.start()
        server.stop()
        tally.equal(left(), set(), "left by a probe that came to its end")
        requests = Killer.seen
        tally.true(requests >= 8, f"a probe sends {requests} requests")
        for n in range(1, requests + 1):
            Killer.countdown = n
            with Killer.spawning:
                server.spawn()
            tally.true(not server.listening(), f"killed at request {n}")
        killed = left()
        tally.true(len(killed) >= requests - 1, f"left by {requests} killed probes: {len(killed)}")
        server.start()
        tally.equal(left(), killed, "left while they may be at work")
        World.ahead = OLD
        server.restart()
        tally.equal(left(), set(), "left when they are old")
        tally.equal(len(World.uploads), 0, "uploads left")
    finally:
        server.close()
        stand_in.shutdown()
    shutil.rmtree(folder)
    tally.finish()


if __name__ == "__main__":
    main()
