#!/usr/bin/env python3
"""The answers of /healthz, /readyz and /health, and that a probe never waits on a backend that hangs."""
import statistics
import time

from harness.checks import check
from harness.imgsrv import Server
from harness.pair import EMBEDDED
from harness.relay import Relay
from harness.waiting import wait_until

PATHS = ("/healthz", "/readyz", "/health")
CHECKS = {"database", "storage", "auth-bearer", "auth-oidc", "step-validate_catalog", "step-incus_index",
          "step-finalize_publish", "worker-cas-promotion", "worker-publish", "worker-sweeper", "worker-gc", "worker-scrub",
          "worker-health"}


def test_table():
    """/health has a check for each loaded backend and each worker; no probe needs a token."""
    with Server("--auth-drivers", "bearer,oidc") as server:
        for path in ("/healthz", "/readyz"):
            answer = server.anonymous().get(path)
            check.equal((answer.status, answer.body), (204, b""), path)
        answer = server.anonymous().get("/health")
        check.equal((answer.status, answer.json["status"]), (200, "ok"), "/health")
        checks = answer.json["checks"]
        check.equal(CHECKS - set(checks), set(), "checks that are missing")
        check.equal({name: told for name, told in checks.items() if told != {"status": "ok"}}, {}, "each is ok")
        check.equal(set(answer.json), {"status", "checks"}, "nothing else")


class Probes:
    """Asks the three endpoints, and keeps how long each answer took."""

    def __init__(self, server):
        self.server, self.times = server, []

    def get(self, path):
        client, began = self.server.anonymous(), time.monotonic()
        answer = client.get(path)
        self.times.append(time.monotonic() - began)
        return answer


def hangs(server, relay, name):
    """A probe answers within 100 ms, however dead a backend is: also when it hangs."""
    probes = Probes(server)
    relay.hang()
    check.equal(probes.get("/healthz").status, 204, f"{name} has just stopped to answer: /healthz")

    def noticed():
        return [probes.get(path).status for path in PATHS] == [204, 503, 503]
    wait_until(noticed, f"that {name} hangs is noticed")
    for _ in range(20):
        check.equal([probes.get(path).status for path in PATHS], [204, 503, 503], f"while {name} hangs")
    told = probes.get("/health")
    check.equal(told.json["status"], "error", f"while {name} hangs: /health")
    check.equal(told.json["checks"][name]["status"], "error", f"while {name} hangs: its check")
    check.true(told.json["checks"][name]["error"], "which tells why")
    check.true(statistics.median(probes.times) < 0.1, f"{name} hangs: a probe is answered within 100 ms", sorted(probes.times)[-5:])
    check.true(max(probes.times) < 2.5, f"{name} hangs: no probe waits for it, which would take 3 s", sorted(probes.times)[-5:])
    relay.mend()
    wait_until(lambda: server.anonymous().get("/readyz").status == 204, f"{name} answers again")


def test_hanging_backends():
    with Server(start=False) as server:
        backends = server.backends
        database = Relay(backends.database.address)
        storage = Relay(backends.store.endpoint.removeprefix("http://"))
        server.flags += backends.through(database.address, f"http://{storage.address}")
        server.start()
        try:
            hangs(server, database, "database")
            hangs(server, storage, "storage")
        finally:
            database.close()
            storage.close()


def main():
    check.run(test_table)
    if not EMBEDDED:  # whose backends are in the process
        check.run(test_hanging_backends)
    check.finish()


if __name__ == "__main__":
    main()
