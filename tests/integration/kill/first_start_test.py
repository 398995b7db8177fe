#!/usr/bin/env python3
"""Kills the server before each call of its very first start that changes stored data: whatever is left behind, the next start
succeeds, and one of the tokens that were printed lets the operator in."""
import pathlib
import random
import shutil
import tempfile

from faults import Faults
from harness.build import LONG_FORM
from harness.checks import Checks
from harness.imgsrv import Server
import audit

SHORT_FORM_KILLS = 12


def admits(server, token):
    return token and server.client(token).get("/v1/auth/roles").status == 200


def attempt(folder, faults, tally, kill_after):
    """A first start that is killed, and a second one. Returns how many calls the first one made."""
    faults.reset()
    if kill_after is not None:
        faults.arm(kill_after)
    server = Server(folder=folder, start=False)
    server.spawn(**faults.environment())
    # The workers of a server that is up write too, so it is killed in any case.
    if server.listening():
        server.kill()
    tally.true(server.process.wait(60) == -9, f"the first start ended by itself:\n{server.log.tail()}")
    moment = f"killed before call {kill_after} ({faults.kind()})" if faults.disarm() else "killed when it was up"
    calls, printed = faults.calls, server.bootstrap
    server.start()
    tokens = {printed, server.bootstrap}
    tally.true(any(admits(server, token) for token in tokens),
               f"{moment}: no printed token is valid; kept {folder}")
    tally.true(server.stop() == 0, "the server did not stop well")
    audit.database(server, tally)
    server.backends.close()
    return calls


def main():
    tally = Checks()
    top = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-first-start-"))
    faults = Faults(top / "faults")
    count = attempt(top / "whole", faults, tally, None)
    points = range(count)
    if not LONG_FORM:
        # The end, where the token is made, in any case.
        points = sorted({*random.sample(points, min(count, SHORT_FORM_KILLS)), *range(max(0, count - SHORT_FORM_KILLS), count)})
    tally.say(f"{count} calls of a first start change stored data; killing before {len(points)} of them")
    for n in points:
        attempt(top / str(n), faults, tally, n)
    if not tally.failures:
        shutil.rmtree(top)
    tally.finish()


if __name__ == "__main__":
    main()
