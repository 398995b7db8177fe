#!/usr/bin/env python3
"""Two nodes start at once on an empty database and an empty bucket: both come up, the schema is there once, they agree on
the bucket's id, and one of them prints a bootstrap token, which both accept.

Migrations run under a lock, so that several nodes can start together.
"""
import contextlib
import pathlib
import shutil
import signal
import subprocess
import tempfile

from harness import identity, pair
from harness.build import BINARY, LONG_FORM
from harness.checks import Checks
from harness.imgsrv import Server
from harness.waiting import wait_until

STARTS = 60 if LONG_FORM else 6


@contextlib.contextmanager
def two_nodes():
    """Not yet started."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-first-start-"))
    with contextlib.ExitStack() as stack:
        backends = pair.fresh(folder)
        stack.callback(backends.close)
        nodes = [Server("--set", f"node-name=node{n}", folder=folder / f"node{n}", backends=backends, start=False) for n in (1, 2)]
        for node in nodes:
            stack.callback(lambda node=node: node.process and node.stop(signal.SIGKILL))
        yield nodes
    shutil.rmtree(folder)


def check_start(tally, nodes, what):
    for number, node in enumerate(nodes, 1):
        if not node.listening():
            tally.true(False, f"{what}: node {number} ended", node.log.tail())
            return
    printed = [node.bootstrap for node in nodes if node.bootstrap]
    tally.equal(len(printed), 1, f"{what}: tokens printed")
    for number, node in enumerate(nodes, 1):
        for token in printed:
            tally.equal(node.client(token).get("/v1/auth/roles").status, 200, f"{what}: node {number} is asked with the token")
        tally.equal(node.anonymous().get("/readyz").status, 204, f"{what}: node {number} is ready")
    database = nodes[0].backends.database
    tally.equal(database.query("SELECT count(*) FROM principals"), [[1]], f"{what}: principals")
    backends = nodes[0].backends
    tally.equal(identity.in_database(backends), (identity.in_store(backends.store), True), f"{what}: one id in the database and the bucket")
    for node in nodes:
        tally.equal(node.stop(), 0, f"{what}: a node stops well")
    tally.equal(nodes[0].backends.store.leftovers(), set(), f"{what}: left in the bucket")


def start_at_once(tally, number):
    with two_nodes() as nodes:
        for node in nodes:
            node.spawn()
        check_start(tally, nodes, f"start {number}")
        applied = sorted(event["number"] for node in nodes for event in node.events("migration applied"))
        known = nodes[0].backends.database.query("SELECT number FROM schema_migrations ORDER BY number")
        tally.equal([[n] for n in applied], known, f"start {number}: migrations, each applied by one")


def both_find_no_manager(tally):
    """Neither can write before both have seen that there is no manager yet."""
    with two_nodes() as nodes:
        backends = nodes[0].backends
        subprocess.run([BINARY, "migrate", "up", *backends.flags], env=nodes[0].environment, check=True, capture_output=True)
        with backends.database.held("LOCK TABLE principals, principal_roles, api_tokens IN SHARE MODE") as waiting:
            for node in nodes:
                node.spawn()
            wait_until(lambda: waiting() == 2, "both nodes wait to write")
        check_start(tally, nodes, "without a manager")


def main():
    tally = Checks()
    for number in range(1, STARTS + 1):
        start_at_once(tally, number)
    both_find_no_manager(tally)
    tally.finish()


if __name__ == "__main__":
    main()
