#!/usr/bin/env python3
"""A client completes an upload with one list of parts, the server is killed at each write that follows, and the client completes
with another list. The staged bytes may then be those of the first list, while the running hash covers the second: what is
served must hash to its digest all the same."""
import contextlib
import hashlib
import json
import pathlib
import random
import tempfile

from faults import Faults
from harness.build import LONG_FORM
from harness.checks import Checks
from harness.client import LOST, Refused
from harness.imgsrv import Server
from harness.pair import EMBEDDED, LEAST_PART
from harness.slow_part import SlowPart
from ledger import Blob
from uploads import KIB, Patient

from every_write_test import Quiet


def main():
    tally = Checks()
    top = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-completion-"))
    faults = Faults(top / "faults")
    server = Server(folder=top / "server")
    token = server.token("content-writer")["plaintext"]
    server.stop()
    server.start(**faults.environment())
    ends = {"ready": 0, "failed": 0, "refused": 0}
    for n in range(0, 1000, 1 if EMBEDDED or LONG_FORM else 5):
        killed, end = attempt(server, token, faults, tally, n)
        ends[end] += 1
        if not killed:
            break
    tally.say(f"killed before call {n}; the other completion ended {ends}")
    tally.true(n > 5 and not killed, f"{n} kills")
    tally.true(server.stop() == 0, "the server did not stop well")
    server.end(tally, top)


def attempt(server, token, faults, tally, n):
    """(killed, how the upload ended)."""
    head, tail, other = (random.randbytes(max(64 * KIB, LEAST_PART)) for _ in range(3))
    blob = Blob(head + tail)
    client = server.client(token, resend=False)
    upload = client.new_upload(blob.data)
    path = f"/v1/uploads/{upload}"
    # Parts 2 and 4 come at the same time: each alone fits into what the session expects. The gap keeps the running hash from
    # going on past part 2.
    parts = put_together(server, token, upload, {1: head, 2: tail, 4: other})
    faults.arm(n)
    try:
        client.post(f"{path}/complete", json={"parts": [parts[1], parts[4]]}).expect(200)
        client.settled(upload)  # the promotion that follows may die as well
    except LOST:
        pass
    killed = faults.disarm()
    if killed:
        server.process.wait(60)
        server.start(**faults.environment())
    patient = Patient(server, token, Quiet())
    try:
        session, _ = patient.json("", "POST", f"{path}/complete", {"parts": [parts[1], parts[2]]})
        while session["state"] not in ("ready", "failed"):
            session, _ = patient.json("", "GET", path)
        end = session["state"]
    except Refused:
        end = "refused"
    answer = server.anonymous().get(f"/v1/blobs/{blob.digest}")
    status, body = answer.status, answer.body
    right = "sha256:" + hashlib.sha256(body).hexdigest() == blob.digest
    tally.true(right if end == "ready" else status == 404, f"kill {n}: {end}, and the blob is answered {status}, right: {right}")
    return killed, end


def put_together(server, token, upload, contents):
    """Sends parts so that none ends before all have begun. What to complete them with, by number."""
    parts = {}
    with contextlib.ExitStack() as stack:
        sending = {number: stack.enter_context(SlowPart(server, token, upload, number, len(data)))
                   for number, data in contents.items()}
        for number, data in contents.items():
            sending[number].send(data)
            status, body = sending[number].answer()
            if status != 200:
                raise AssertionError(f"part {number}: {status} {body}")
            parts[number] = {"number": number, "etag": json.loads(body)["etag"], "size_bytes": len(data)}
    return parts


if __name__ == "__main__":
    main()
