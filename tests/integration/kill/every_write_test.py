#!/usr/bin/env python3
"""Kills the server before the n-th call that changes stored data, for every n of a small scenario: start, upload with parts out
of order and one replaced, completion, promotion, draft, publishing, alias. After each kill the same client goes on, and in the
end everything promised must be there and nothing else.

Such calls are those that change a file system, or send to the database and the object store: see fault_shim.c. The short form
kills at a sample of the calls, from a seeded start; IMGSRV_SOAK=1 kills at all of them, and also in the middle of each write.

What a dead worker had begun is taken over and ends exactly once.
"""
import collections
import os
import pathlib
import random
import shutil
import tempfile
import time

import audit
from faults import Faults
from harness.build import LONG_FORM
from harness.checks import Checks
from harness.imgsrv import Server
from harness.pair import EMBEDDED, LEAST_PART
from ledger import Blob, Ledger
from publisher import Publisher
from uploads import KIB, Upload, Patient

SHORT_FORM_KILLS = 24 if EMBEDDED else 12
UNIT = max(64 * KIB, LEAST_PART)  # of parts


class Scenario(Publisher):
    """The same requests in the same order in each run."""

    def __init__(self, server, token, ledger):
        super().__init__("image", server, token, Quiet(), ledger, random.Random(1), lambda: True)

    def run(self):
        try:
            self.publish()
        except Exception as e:  # reported by the test
            self.error = e
            self.ledger.violation(f"{type(e).__name__}: {e}")

    def publish(self):
        path = "/v1/images/image/versions/v1"
        self._retry_or_exists("", "/v1/images", {"name": "image"})
        wrong = Blob(self.random.randbytes(1000), declared="sha256:" + "0" * 64)
        InOrder(self.server, self.token, self.moments, self.ledger, wrong, self.random).run()
        disk = Blob(b"QFI\xfb" + self.random.randbytes(3 * UNIT + 408 * KIB))
        metadata = Blob(self.random.randbytes(2000))
        OutOfOrder(self.server, self.token, self.moments, self.ledger, disk, self.random).run()
        InOrder(self.server, self.token, self.moments, self.ledger, metadata, self.random).run()
        self._retry_or_exists("", "/v1/images/image/versions", {"version": "v1"})
        artifact = self._add_artifact(path, "qcow2", disk, "x86_64")
        self.remove("", f"{path}/artifacts/{artifact}")
        artifact = self._add_artifact(path, "qcow2", disk, "x86_64")
        self._retry_or_exists("", f"{path}/artifacts/{artifact}/attachments", {
            "name": "incus.tar.xz", "media_type": "application/x-xz",
            "blob_digest": metadata.digest, "blob_size_bytes": metadata.size})
        job = self._publish(path)
        self.ledger.tally.true(job["state"] == "succeeded", f"the job ended as {job}")
        with self.ledger.lock:
            self.ledger.published["image", "v1"] = {disk.digest, metadata.digest}
        self._move_alias("/v1/images/image", "latest", "v1")


class InOrder(Upload):
    def run(self):
        return self.run_parts([(1, 0, len(self.blob.data))])

    def run_parts(self, parts):
        self.ledger.plan(self.blob)
        session, _ = self.patient.json("", "POST", "/v1/uploads", {
            "expected_digest": self.blob.digest, "expected_size_bytes": self.blob.size})
        self.id = session["id"]
        if session["state"] == "ready":
            return self._ended(session)
        patient = Patient(self.server, self.token, self.moments)
        for number, at, size in parts:
            self._put(patient, number, self.blob.data[at:at + size])
        self._late_part(patient, parts)
        return self._complete([number for number, _, _ in parts])

    def _late_part(self, patient, parts):
        pass


class OutOfOrder(InOrder):
    """Odd sizes, the first part last, and one part sent again with other bytes and then twice with the right ones."""

    def run(self):
        data = self.blob.data
        cuts = (0, UNIT + 36 * KIB, 2 * UNIT + 36 * KIB, 3 * UNIT + 36 * KIB, len(data))
        parts = [(n + 1, cuts[n], cuts[n + 1] - cuts[n]) for n in range(4)]
        return self.run_parts([parts[1], parts[3], parts[2], parts[0]])

    def _late_part(self, patient, parts):
        number, at, size = parts[0]
        self._put(patient, number, bytes(size))
        self._put(patient, number, self.blob.data[at:at + size])
        self._put(patient, number, self.blob.data[at:at + size])


class Quiet:
    def at(self, phase):
        pass


class Run:
    """One run of the scenario, with one kill."""

    def __init__(self, folder, faults, backends):
        self.folder, self.faults = folder, faults
        self.tally = Checks()
        self.ledger = Ledger(self.tally)
        self.server = Server(folder=folder, backends=backends, start=False)

    def run(self, kill_after, torn, token):
        """The kind of call it died at, or None when the scenario has fewer calls."""
        self.faults.reset()
        if kill_after is not None:
            self.faults.arm(kill_after, torn)
        self.server.spawn(**self.faults.environment())
        scenario = Scenario(self.server, token, self.ledger)
        scenario.start()
        self._while_both_run(scenario)
        died = self.faults.disarm()  # the server may die after its last answer, too
        if died:
            self.server.process.wait(60)
            self.server.start()
            self._while_both_run(scenario)
        if self.server.process.poll() is not None:
            self.tally.true(False, f"the server ended by itself with {self.server.process.returncode}:\n{self.server.log.tail()}")
        return self.faults.kind() if died else None

    def _while_both_run(self, scenario):
        while scenario.is_alive() and self.server.process.poll() is None:
            scenario.join(0.01)

    def audit(self):
        if not self.tally.failures:
            audit.served(self.server, self.ledger)
        self.tally.true(self.server.stop() == 0, "the server did not stop well")
        audit.sweep(self.server, self.tally)
        audit.objects(self.server, self.tally, audit.database(self.server, self.tally))
        return self.tally.failures


def main():
    tally = Checks()
    top = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-every-write-"))
    faults = Faults(top / "faults")
    template = Server(folder=top / "template")
    token = template.token("content-writer")["plaintext"]
    template.stop()

    def attempt(kill_after, torn=False):
        folder = top / f"{kill_after}{'-torn' if torn else ''}"
        run = Run(folder, faults, template.backends.clone(folder))
        died = run.run(kill_after, torn, token)
        calls = faults.kinds()
        failures = run.audit()
        if not failures:
            run.server.close()
            shutil.rmtree(folder)
        return died, failures, calls

    _, failures, calls = attempt(None)
    tally.true(not failures, "the scenario without a kill")
    tally.say(f"{len(calls)} calls change stored data: {dict(collections.Counter(calls).most_common())}")
    if LONG_FORM:
        points = [(n, False) for n in range(len(calls))] + [(n, True) for n, kind in enumerate(calls) if kind in ("write", "send")]
    else:
        seed = int(os.environ.get("IMGSRV_KILL_SEED", time.time_ns() % 1_000_000))
        step = len(calls) / SHORT_FORM_KILLS
        start = random.Random(seed).random()
        points = [(int((i + start) * step), i % 4 == 3) for i in range(SHORT_FORM_KILLS)]
        tally.say(f"seed {seed}")

    died_at = collections.Counter()
    for done, (n, torn) in enumerate(points):
        died, failures, _ = attempt(n, torn)
        died_at[died] += 1
        tally.true(not failures, f"killed {'in' if torn else 'before'} call {n} ({died}); kept {top / str(n)}")
        if (done + 1) % 20 == 0:
            tally.say(f"{done + 1} of {len(points)} kills")
    tally.say(f"killed before: {dict(died_at.most_common())}")
    tally.true(sum(died_at.values()) - died_at[None] >= len(points) * 0.9, "most runs met their kill")
    if not tally.failures:
        template.close()
        shutil.rmtree(top)
    tally.finish()


if __name__ == "__main__":
    main()
