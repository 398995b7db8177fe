#!/usr/bin/env python3
"""Migrations are numbered, transactional and checksummed, and run at the start, before the server is ready. `imgsrv migrate
status|up` shows and runs them alone. A database newer than the program is refused. That several nodes can start together:
nodes/first_start_test.py."""
import pathlib
import re
import shutil
import tempfile

from harness.build import BINARY, BUILD, SOURCE
from harness.checks import check
from harness.imgsrv import Server
from harness.pair import EMBEDDED

DIALECT = "sqlite" if EMBEDDED else "postgresql"
COUNT = len(list((SOURCE / "migrations" / DIALECT).glob("*.sql")))


def states(done):
    """Number -> "pending" or "applied", as `migrate` prints them."""
    return {int(n): state for n, state in re.findall(r"^(\d{4}) \S+ +(pending|applied)", done.stdout, re.M)}


def test_command():
    """`imgsrv migrate status` and `imgsrv migrate up`."""
    with Server(start=False) as server:
        server.data.mkdir(exist_ok=True)
        numbers = range(1, COUNT + 1)
        check.equal(states(server.command("migrate", "status")), dict.fromkeys(numbers, "pending"), "an empty database")
        for what in ("applies them", "finds nothing to do"):
            done = server.command("migrate", "up")
            check.equal((done.returncode, states(done)), (0, dict.fromkeys(numbers, "applied")), f"up {what}: {done.stderr}")
        check.equal(states(server.command("migrate", "status")), dict.fromkeys(numbers, "applied"), "status")
        server.start()
        check.equal(server.events("migration applied"), [], "the start has nothing left to do")


def test_at_start():
    """Migrations run at the start, before the listener is ready."""
    with Server() as server:
        order = [e["msg"] for e in server.log.events if e["msg"] in ("migration applied", "listening")]
        check.equal(order[:COUNT + 1], ["migration applied"] * COUNT + ["listening"], "first the schema")
        check.equal([e["number"] for e in server.events("migration applied")], list(range(1, COUNT + 1)), "in order")


def refused(server, what, words):
    server.spawn()
    check.true(not server.listening() and server.process.returncode == 1, f"{what}: the server does not start")
    check.contains(server.log.tail(3), words, f"{what}: the log")
    done = server.command("migrate", "up")
    check.equal(done.returncode, 1, f"{what}: nor is it migrated")
    check.contains(done.stderr, words, f"{what}: the command")


def test_refusals():
    """A database newer than the program is refused, and the message says what to do."""
    with Server() as server:
        server.stop()
        database = server.backends.database
        database.execute(f"INSERT INTO schema_migrations VALUES ({COUNT + 1}, 'later', 'x', 1)")
        refused(server, "a newer database", [f"migration {COUNT + 1} (later)", "newer than the program", "upgrade imgsrv"])
        database.execute(f"DELETE FROM schema_migrations WHERE number = {COUNT + 1}")
        database.execute("UPDATE schema_migrations SET checksum = 'other' WHERE number = 1")
        refused(server, "a migration with another checksum", ["migration 1 ", "was changed after it was applied"])



def test_transactional():
    """A migration that fails leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="imgsrv-test-") as name, Server() as server:
        server.stop()
        prefix = pathlib.Path(name)
        (prefix / "bin").mkdir()
        (prefix / "lib/imgsrv").mkdir(parents=True)
        (prefix / "share/imgsrv").mkdir(parents=True)
        shutil.copy(BINARY, prefix / "bin/imgsrv")
        (prefix / "lib/imgsrv/plugins").symlink_to((BUILD / "lib/imgsrv/plugins").resolve())
        (prefix / "share/imgsrv/openapi.yaml").symlink_to(SOURCE / "config/openapi.yaml")
        shutil.copytree(SOURCE / "migrations", prefix / "share/imgsrv/migrations")
        (prefix / f"share/imgsrv/migrations/{DIALECT}/{COUNT + 1:04}_broken.sql").write_text(
            "CREATE TABLE half (id TEXT PRIMARY KEY);\nINSERT INTO nowhere VALUES (1);\n")
        server.program = prefix / "bin/imgsrv"
        server.spawn()
        check.true(not server.listening(), "a migration that fails ends the start")
        check.contains(server.log.tail(3), [f"migration {COUNT + 1} (broken)"], "which names it")
        database = server.backends.database
        check.equal(database.query("SELECT max(number) FROM schema_migrations"), [[COUNT]], "it is not recorded")
        tables = "sqlite_master WHERE name" if EMBEDDED else "pg_tables WHERE tablename"
        check.equal(database.query(f"SELECT count(*) FROM {tables} = 'half'"), [[0]], "nothing of it stays")
        server.program = BINARY
        server.start()
        check.equal(server.anonymous().get("/readyz").status, 204, "the version before goes on")


def main():
    for test in (test_command, test_at_start, test_refusals, test_transactional):
        check.run(test)
    check.finish()


if __name__ == "__main__":
    main()
