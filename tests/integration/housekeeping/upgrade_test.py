#!/usr/bin/env python3
"""Upgrades: a database of the previous schema with data is brought up to date and everything is there; and a node of the
previous version keeps serving while the next one migrates their database and joins.

The previous schema is made of the migrations but the newest, with the rows of a server's database as far as their columns are
in it. The next version is this program with one more migration, as later versions may bring: it only adds.

Migrations run at the start of a server; a database newer than the program is refused.
"""
import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import threading

from harness import identity, pair
from harness.build import BINARY, BUILD, SOURCE
from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server
from harness.postgres import PROGRAMS, PostgresDatabase
from harness.waiting import wait_until

MIGRATIONS = sorted((SOURCE / "migrations" / ("sqlite" if pair.EMBEDDED else "postgresql")).glob("*.sql"))
RECORD = """CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_us BIGINT NOT NULL);
"""


def previous_schema():
    """As one script, records of the migrations included."""
    script = RECORD
    for file in MIGRATIONS[:-1]:
        checksum = digest_of(file.read_bytes()).removeprefix("sha256:")
        script += file.read_text() + (f"\nINSERT INTO schema_migrations VALUES ({int(file.name[:4])}, '{file.name[5:-4]}', "
                                      f"'{checksum}', 1);\n")
    return script


def older_sqlite(path, folder):
    older = folder / "older.db"
    with contextlib.closing(sqlite3.connect(older, isolation_level=None)) as db:
        db.executescript(previous_schema())
        triggers = [sql for sql, in db.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()]
        for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(f"ATTACH '{path}' AS newer")
        db.execute("PRAGMA foreign_keys = OFF")
        for table, in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if table == "schema_migrations":
                continue
            columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            db.execute(f"DELETE FROM main.{table}")
            db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        db.execute("DETACH newer")
        for sql in triggers:
            db.execute(sql)
    for tail in ("-wal", "-shm"):
        pathlib.Path(f"{path}{tail}").unlink(missing_ok=True)
    os.replace(older, path)


def older_postgres(newer):
    older = PostgresDatabase(f"postgresql://{newer.user}@{newer.address}/{newer.maintenance}")
    older.execute(previous_schema())
    tables = [t for t, in older.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'")]
    for table in tables:
        columns = ", ".join(c for c, in older.query(
            f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"))
        rows = subprocess.run([PROGRAMS / "psql", "-qXc", f"COPY (SELECT {columns} FROM {table}) TO STDOUT", newer.url_at(newer.address)],
                              check=True, capture_output=True).stdout
        # As a replica: neither triggers nor references are looked at.
        subprocess.run([PROGRAMS / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-c", "SET session_replication_role = replica",
                        "-c", f"DELETE FROM {table}", "-c", f"COPY {table} ({columns}) FROM STDIN", older.url_at(older.address)],
                       check=True, input=rows)
    return older


def applied(server):
    return [n for n, in server.backends.database.query("SELECT number FROM schema_migrations ORDER BY number")]


def test_upgrade():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-upgrade-"))
    with Server(folder=folder) as server:
        writer = server.writer()
        images = {f"v{n}": os.urandom(1000 * n) for n in (1, 2)}
        for version, data in images.items():
            writer.published("image", version, data)
        writer.put("/v1/images/image/aliases/latest", json={"version": "v2"}).expect(200, 201)
        drafted = os.urandom(3000)
        writer.draft("image", "v3")
        writer.artifact("image", "v3", digest_of(drafted), len(drafted)).expect(201)
        half = os.urandom(pair.LEAST_PART + 3000)
        session = writer.new_upload(half)
        first = writer.put_part(session, 1, half[:pair.LEAST_PART]).expect(200).json
        server.stop()

        if pair.EMBEDDED:
            older_sqlite(server.backends.database.path, folder)
        else:
            newer, server.backends.database = server.backends.database, older_postgres(server.backends.database)
            newer.close()
        check.equal(applied(server), list(range(1, len(MIGRATIONS))), "the database has the previous schema")
        if "store_identity" not in previous_schema():  # nor did that version give the store an id
            server.backends.store.remove(identity.KEY)
        status = server.command("migrate", "status")
        check.equal(status.stdout.count("pending"), 1, f"one migration is pending {status.stdout}{status.stderr}")
        done = server.command("fsck")
        check.true(done.returncode == 2 and "migrate up" in done.stderr, "commands say that the database is older", done.stderr)

        server.start()
        check.equal(applied(server), list(range(1, len(MIGRATIONS) + 1)), "the start brings it up to date")
        for version, data in images.items():
            server.anonymous().get(f"/v1/images/image/versions/{version}").expect(200)
            check.true(server.anonymous().get(f"/v1/blobs/{digest_of(data)}").body == data, f"{version} is served")
        check.equal(writer.get("/v1/images/image/aliases/latest").json["version"], "v2", "the alias, and the token")
        check.true(server.backends.database.refusal("UPDATE versions SET state = 'draft'"), "what is published is guarded")
        check.equal(identity.in_database(server.backends), (identity.in_store(server.backends.store), True), "the store is its own")
        second = writer.put_part(session, 2, half[pair.LEAST_PART:]).expect(200).json
        writer.complete(session, [first, second]).expect(200)
        check.equal(writer.settled(session)["state"], "ready", "an upload goes on")
        writer.upload(drafted)
        check.equal(writer.publish("image", "v3")["state"], "succeeded", "a draft is published")
        done = server.command("fsck", "--deep")
        check.equal(done.returncode, 0, f"fsck finds nothing {done.stdout}{done.stderr}")
        check.equal(server.stop(), 0, "the server stops well")
    if not check.failures:
        shutil.rmtree(folder)


class NextVersion(Server):
    pass


def make_next_version(folder):
    """An installation with one migration more."""
    prefix = folder / "next"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib/imgsrv").mkdir(parents=True)
    shutil.copy(BINARY, prefix / "bin/imgsrv")
    (prefix / "lib/imgsrv/plugins").symlink_to((BUILD / "lib/imgsrv/plugins").resolve())
    (prefix / "share/imgsrv").mkdir(parents=True)
    (prefix / "share/imgsrv/openapi.yaml").symlink_to(SOURCE / "config/openapi.yaml")
    shutil.copytree(SOURCE / "migrations", prefix / "share/imgsrv/migrations")
    (prefix / f"share/imgsrv/migrations/postgresql/{len(MIGRATIONS) + 1:04}_next.sql").write_text(
        "ALTER TABLE images ADD COLUMN next TEXT;\nALTER TABLE artifacts ADD COLUMN next BIGINT NOT NULL DEFAULT 0;\n"
        "CREATE INDEX artifacts_next ON artifacts (next);\nCREATE TABLE next (id TEXT PRIMARY KEY);\n")
    NextVersion.program = prefix / "bin/imgsrv"


class Publishing(threading.Thread):
    def __init__(self, server, name):
        super().__init__()
        self.writer, self.image, self.going, self.count, self.error = server.client(server.writer().token), name, True, 0, None

    def run(self):
        try:
            while self.going:
                self.count += 1
                self.writer.published(self.image, f"v{self.count}", os.urandom(5000))
        except Exception as error:
            self.error = error

    def end(self):
        self.going = False
        self.join()
        check.true(self.error is None and self.count > 1, f"{self.image} was published all the time", self.error)


def test_old_node_goes_on():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-upgrade-"))
    make_next_version(folder)
    (folder / "next-server").mkdir()
    with Server() as old:
        busy = Publishing(old, "old")
        busy.start()
        next_ = NextVersion(folder=folder / "next-server", backends=old.backends)
        check.equal(applied(old), list(range(1, len(MIGRATIONS) + 2)), "the next version has migrated the database")
        before = busy.count
        next_.clients["writer"] = next_.client(old.writer().token)
        other = Publishing(next_, "next")
        other.start()
        wait_until(lambda: (busy.count >= before + 3 or busy.error) and (other.count >= 3 or other.error), "both versions publish")
        busy.end()
        other.end()
        for node in (old, next_):
            for image in ("old", "next"):
                node.anonymous().get(f"/v1/images/{image}/versions/v1").expect(200)
        check.equal([e for e in old.log.events if e.get("level", 0) >= 50], [], "the old node logged no error")
        check.equal(old.stop(), 0, "the old node stops well")
        old.spawn()
        check.true(not old.listening() and "newer than the program" in old.log.tail(), "and is not started again", old.log.tail(3))
        check.equal(next_.command("fsck", "--deep").returncode, 0, "fsck of the next version finds nothing")
        check.equal(next_.stop(), 0, "the next version stops well")
    shutil.rmtree(folder)


def main():
    check.run(test_upgrade)
    if not pair.EMBEDDED:  # where there can be two
        check.run(test_old_node_goes_on)
    check.finish()


if __name__ == "__main__":
    main()
