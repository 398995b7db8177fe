"""Chooses when to kill the server: seeded, and spread over everything that a publisher does."""
import collections
import subprocess
import threading
import time

from harness.client import LOST

PHASES = ("create", "part", "part", "part", "replace", "list", "complete", "completed", "ingesting", "abort", "draft", "artifact",
          "delete-artifact", "delete-draft", "attachment", "publish", "step:queued", "step:validate_catalog",
          "step:incus_index", "step:finalize_publish", "retry", "abandon", "alias", "alias")


class Moments:
    """Clients report their phase with at(). The killer waits for the phase that it drew."""

    def __init__(self):
        self._lock = threading.Lock()
        self._wanted = None
        self._seen = threading.Event()
        self.phases = collections.Counter()

    def at(self, phase):
        with self._lock:
            self.phases[phase] += 1
            if phase == self._wanted:
                self._wanted = None
                self._seen.set()

    def wait_for(self, phase, timeout):
        """False when no client reached the phase in time."""
        with self._lock:
            self._seen.clear()
            self._wanted = phase
        seen = self._seen.wait(timeout)
        with self._lock:
            self._wanted = None
        return seen


class Killer:
    """Kills the server and starts it again, one moment after the other."""

    def __init__(self, server, faults, moments, random):
        self.server, self.faults, self.moments, self.random = server, faults, moments, random
        self.kinds = collections.Counter()
        self.calls = collections.Counter()  # which the server was about to make
        self.kills = 0

    def spawn(self):
        self.server.spawn(**self.faults.environment())

    def kill_once(self):
        self.kills += 1
        draw = self.random.random()
        if draw < 0.10:
            self._kill_at_start()
        else:
            if not self.server.listening():
                raise AssertionError(f"the server does not start:\n{self.server.log.tail()}")
            if draw < 0.60:
                self._kill_at_write()
            elif draw < 0.90:
                self._kill_at_phase()
            else:
                self.kinds["at a random time"] += 1
                time.sleep(self.random.random() * 1.2)
                self.server.kill()
        code = self.server.process.wait(60)
        if code != -9:
            raise AssertionError(f"the server ended by itself with {code}:\n{self.server.log.tail()}")
        self.spawn()

    def _kill_at_start(self):
        self.kinds["while it starts"] += 1
        if self.random.random() < 0.5:
            time.sleep(self.random.random() * 0.3)
            self.server.kill()
        else:
            self._die_after_writes(self.random.randrange(0, 12))

    def _kill_at_phase(self):
        phase = self.random.choice(PHASES)
        if self.moments.wait_for(phase, 4):
            self.kinds[phase] += 1
            time.sleep(self.random.random() ** 2 * 0.04)
        else:
            self.kinds["at a random time"] += 1
        self.server.kill()

    def _kill_at_write(self):
        phase = self.random.choice(PHASES)
        seen = self.moments.wait_for(phase, 4)
        self.kinds[phase if seen else "at a random time"] += 1
        self._die_after_writes(int(self.random.random() ** 2 * 60))

    def _die_after_writes(self, writes):
        self.faults.arm(writes, torn=self.random.random() < 0.3)
        try:
            self.server.process.wait(4)
        except subprocess.TimeoutExpired:
            pass  # no client writes any more
        if self.faults.disarm():
            self.server.process.wait(60)
            self.calls[self.faults.kind()] += 1
        else:
            self.server.kill()


def settle(server, token, timeout=60):
    """Waits until a server answers again."""
    end = time.monotonic() + timeout
    while True:
        try:
            return server.client(token).get("/healthz")
        except LOST:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
