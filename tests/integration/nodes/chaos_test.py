#!/usr/bin/env python3
"""Eight publishers on two nodes while nodes, PostgreSQL and the S3 store die and come back. Nothing published may be wrong or
lost, every refusal must be a 503 with Retry-After, readiness must tell the truth, and no work may be left over.

About a minute; three of them with IMGSRV_SOAK=1. Run it as: postgres.sh with rgw.sh with chaos_test.py, for it stops both.

The promises: any node answers any request, losing one loses nothing, and `GET /readyz` is 204 exactly while every configured
backend answers its health call, else 503.
"""
import collections
import pathlib
import random
import subprocess
import sys
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kill"))

from cluster import Cluster  # noqa: E402
from ledger import Ledger  # noqa: E402
from publisher import NoMoments, Publisher, Watcher  # noqa: E402
from readiness import LATE, Readiness  # noqa: E402
from harness.build import LONG_FORM  # noqa: E402
from harness.checks import Checks  # noqa: E402
from harness.client import digest_of  # noqa: E402
from harness.waiting import wait_until  # noqa: E402

SERVERS = pathlib.Path(__file__).resolve().parents[2] / "harness"
PUBLISHERS = 8
LEASE = 30
CALM = 10 if LONG_FORM else 0  # at least


def script(name, command):
    subprocess.run([SERVERS / f"{name}.sh", command], check=True)


class Answers:
    """Checks every answer that clients get through the balancer."""

    def __init__(self, tally):
        self.tally = tally
        self.statuses = collections.Counter()
        self.refusals = collections.deque(maxlen=5)
        self._lock = threading.Lock()

    def __call__(self, response):
        with self._lock:
            self.statuses[response.status] += 1
        if response.status >= 500:
            self.refusals.append(f"{response.method} {response.target}: {response.status} {response.body[:300]!r}")
            self.tally.true(response.status == 503 and (response.header("Retry-After") or "").isdigit(),
                            f"{response.method} {response.target}: {response.status} {response.header('Retry-After')} "
                            f"{response.body[:300]!r}")


class Reader(Watcher):
    """Tries again after a 503."""

    def get(self, path):
        while True:
            answer = super().get(path)
            if answer.status != 503:
                return answer
            time.sleep(0.05)


class Chaos:
    """What happens to nodes and backends, and when."""

    def __init__(self, cluster, tally, watchers):
        self.cluster, self.tally, self.watchers = cluster, tally, watchers
        self.deaths = {node: [] for node in cluster.nodes}  # (from, until it served again)
        # Of a backend that every node needs: (what, well until, gone from, until, well from).
        self.away = []

    def kill_node(self, index):
        node = self.cluster.nodes[index]
        began = time.monotonic()
        node.kill()
        time.sleep(1)
        node.start()
        self.deaths[node].append((began, time.monotonic()))
        self.tally.say(f"node {index + 1} was killed")
        time.sleep(3)

    def until_readiness_is_due(self, since):
        """Until each node was asked whether it is ready, and must have told the truth about what happened then."""
        wait_until(lambda: all(w.asked_since(since + LATE) for w in self.watchers), "each node is asked whether it is ready")

    def without(self, what, seconds, leave, come_back):
        """At least `seconds`, counted from when it is surely gone to when it begins to come back."""
        left = time.monotonic()
        leave()
        began = time.monotonic()
        time.sleep(seconds)
        self.until_readiness_is_due(began)
        ended = time.monotonic()
        come_back()
        back = time.monotonic()
        self.away.append((what, left, began, ended, back))
        self.tally.say(f"{what}, for {ended - began:.1f} s")
        time.sleep(CALM)
        self.until_readiness_is_due(back)

    def round(self):
        self.kill_node(0)
        self.without("PostgreSQL was stopped", LATE, lambda: script("postgres", "stop"), lambda: script("postgres", "start"))
        self.kill_node(1)
        self.without("the gateway was killed", LATE, lambda: script("rgw", "kill-gateway"), lambda: script("rgw", "start-gateway"))
        self.without("the storage daemon was frozen", 20 if LONG_FORM else 9, lambda: script("rgw", "freeze-storage"),
                     lambda: script("rgw", "thaw-storage"))

    def alive(self, node):
        return lambda begin, end: not any(begin < until + 1 and end > since for since, until in self.deaths[node])


def check_readiness(tally, chaos, watchers):
    for node, watcher in zip(chaos.cluster.nodes, watchers):
        alive = chaos.alive(node)
        for i, (what, _, began, ended, back) in enumerate(chaos.away):
            wrong = watcher.wrong(began, ended, False, alive)
            tally.true(wrong is None, f"{what}: readyz", wrong)
            calm_until = min((left for _, left, *_ in chaos.away[i + 1:]), default=time.monotonic())
            wrong = watcher.wrong(back, calm_until, True, alive)
            tally.true(wrong is None, f"after {what}: readyz", wrong)


def check_promises(tally, cluster, ledger):
    reader = cluster.client()
    for (image, version), digests in ledger.published.items():
        answer = reader.get(f"/v1/images/{image}/versions/{version}")
        tally.true(answer.status == 200 and all(d.encode() in answer.body for d in digests), f"{image} {version} is served",
                   answer.status)
    for digest in ledger.ready:
        answer = reader.get(f"/v1/blobs/{digest}")
        tally.true(answer.status == 200 and digest_of(answer.body) == digest, f"{digest} is served", answer.status)
    for (image, alias), versions in ledger.aliases.items():
        found = reader.get(f"/v1/images/{image}/aliases/{alias}")
        tally.true(found.status == 200 and found.json["version"] in versions, f"{image} {alias} points where it was moved",
                   found.body)
    database = cluster.backends.database
    waiting = database.query("SELECT id, state FROM upload_sessions WHERE state IN ('completed', 'ingesting')")
    tally.equal(waiting, [], "uploads that still wait")
    waiting = database.query("SELECT id, state FROM publish_jobs WHERE state IN ('queued', 'running')")
    tally.equal(waiting, [], "jobs that still wait")


def main():
    seed = int(time.time_ns() % 1_000_000)
    tally = Checks()
    answers = Answers(tally)
    with Cluster(answers) as cluster:
        token = cluster.writer_token()
        tally.say(f"two nodes, {PUBLISHERS} publishers, seed {seed}")
        ledger, stop = Ledger(tally), threading.Event()
        publishers = [Publisher(f"image{i}", cluster, token, NoMoments(), ledger, random.Random(seed * 100 + i),
                                lambda: not stop.is_set(), largest=8 << 20) for i in range(PUBLISHERS)]
        reader = Reader(cluster, ledger, random.Random(seed), stop)
        readiness = [Readiness(node) for node in cluster.nodes]
        chaos = Chaos(cluster, tally, readiness)
        for thread in (*publishers, reader, *readiness):
            thread.start()
        end = time.monotonic() + (180 if LONG_FORM else 1)
        while time.monotonic() < end and not any(p.error for p in publishers):
            chaos.round()
            tally.say(f"{len(ledger.ready)} blobs, {len(ledger.published)} versions, answers {dict(answers.statuses)}")
        stop.set()
        calm = time.monotonic()
        for publisher in publishers:
            publisher.join(max(0.1, calm + LEASE + 30 - time.monotonic()))
            if not tally.true(not publisher.is_alive(), f"{publisher.name} finished within a lease of the last fault"):
                stack = traceback.format_stack(sys._current_frames()[publisher.ident])
                print(*answers.refusals, *stack[-6:], sep="\n", flush=True)
        tally.say(f"the last publisher finished {time.monotonic() - calm:.1f} s after")
        reader.join(60)
        for watcher in readiness:
            watcher.end()
        tally.true(len(ledger.published) >= PUBLISHERS, f"{len(ledger.published)} versions were published")
        check_readiness(tally, chaos, readiness)
        check_promises(tally, cluster, ledger)
        for node in cluster.nodes:
            tally.equal(node.stop(), 0, "a node stops well")
        tally.say(f"answers: {dict(answers.statuses)}, {reader.reads} looks")
    tally.finish()


if __name__ == "__main__":
    main()
