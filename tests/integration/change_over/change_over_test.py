#!/usr/bin/env python3
"""From SQLite and files to PostgreSQL and S3 with `imgsrv storage copy` and `imgsrv database copy`, as in the README."""
import os
import pathlib
import subprocess
import tempfile

from harness import identity
from harness.build import BINARY, clean_environment
from harness.checks import check
from harness.client import digest_of
from harness.embedded import Embedded
from harness.imgsrv import Server
from harness.remote import Remote


def command(old, new, *words):
    """Runs a command with the settings of both pairs and the old server's drivers."""
    flags = [f for pair in zip(new.flags[::2], new.flags[1::2]) if ".driver=" not in pair[1] for f in pair]
    return subprocess.run([BINARY, *words, "--data-dir", old.data, *flags], env=clean_environment(), capture_output=True, text=True)


def copy_storage(old, new, *more):
    return command(old, new, "storage", "copy", "--from", "fs", "--to", "s3", *more)


def copy_database(old, new):
    return command(old, new, "database", "copy", "--from", "sqlite", "--to", "postgres")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-change-over-"))
    (folder / "old").mkdir()
    (folder / "new").mkdir()
    images = {f"v{n}": os.urandom(size) for n, size in enumerate((1, 3000, 70 << 20, 5 << 20), 1)}
    with Server(folder=folder / "old", backends=Embedded(folder / "old")) as old:
        writer = old.writer()
        for version in ("v1", "v2", "v3"):
            writer.published("image", version, images[version])
        writer.put("/v1/images/image/aliases/latest", json={"version": "v3"}).expect(200, 201)
        new = Remote(folder / "new")

        new.store.write(identity.KEY, b"imgsrv object store " + b"0" * 32)
        done = copy_storage(old, new)
        check.equal(done.returncode, 1, "a store that is another one's is not filled")
        check.contains(done.stderr, ["0" * 32, new.store.name, "choose another one"], "and why")
        check.equal(new.store.keys(), set(), "nothing was put there")
        new.store.remove(identity.KEY)
        done = copy_storage(old, new)
        check.equal(done.returncode, 0, f"a copy beside the running server {done.stderr}")
        check.contains(done.stdout, ["3 objects", "3 of them copied now"], "what was copied")
        writer.published("image", "v4", images["v4"])
        (damaged,), = old.backends.database.query(
            f"SELECT storage_key FROM blobs WHERE digest = '{digest_of(images['v2'])}'")
        new.store.write(damaged, b"x" * 3000)
        # An object that cannot be read is named, and the rest is copied.
        (key,), = old.backends.database.query(f"SELECT storage_key FROM blobs WHERE digest = '{digest_of(images['v4'])}'")
        path = old.backends.store._path(key)
        path.rename(folder / "aside")
        path.mkdir()
        writer.upload(b"comes beside it")
        new.store.remove(identity.KEY)
        done = copy_storage(old, new)
        check.equal(done.returncode, 1, f"a copy that lacks one object {done.stderr}")
        check.contains(done.stdout, ["4 objects", "1 of them copied now", f"not copied: {digest_of(images['v4'])}: cannot be copied"], "and names it")
        check.contains(done.stderr, ["imgsrv storage adopt --storage-driver s3"], "and how to do without it")
        check.equal(identity.in_store(new.store), None, "no server starts on it just so")
        path.rmdir()
        (folder / "aside").rename(path)
        done = copy_storage(old, new, "--verify")
        check.equal(done.returncode, 0, f"a second copy that verifies {done.stderr}")
        check.contains(done.stdout, ["5 objects", "2 of them copied now"], "what came since, and what was damaged")

        done = copy_database(old, new)
        check.true(done.returncode == 1 and "in use" in done.stderr, "the database of a running server is not copied", done.stderr)
        check.equal(old.stop(), 0, "the old server stops")
        done = copy_database(old, new)
        check.equal(done.returncode, 0, f"the database is copied {done.stderr}")
        done = copy_database(old, new)
        check.true(done.returncode == 1 and "in use" in done.stderr, "a database that holds something is left alone", done.stderr)

        for table, in old.backends.database.query(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'schema_migrations'"):
            rows = [b.database.query(f"SELECT COUNT(*) AS n FROM {table}") for b in (old.backends, new)]
            check.equal(rows[1], rows[0], f"rows of {table}")

        check.equal(identity.in_database(new), (identity.in_store(new.store), True), "the new pair shares one id")
        check.equal(identity.in_database(new), identity.in_database(old.backends), "that of the old one")
        with Server(folder=folder / "new-server", backends=new) as server:
            reader = server.client(writer.token)
            for version, data in images.items():
                reader.get(f"/v1/images/image/versions/{version}").expect(200)
                check.true(reader.get(f"/v1/blobs/{digest_of(data)}").body == data, f"{version} is served from the new pair")
            check.equal(reader.get("/v1/images/image/aliases/latest").json["version"], "v3", "the alias")
            check.true(new.database.refusal("UPDATE versions SET state = 'draft'"), "what is published is guarded as before")
            reader.published("image", "v5", b"published on the new pair with the old token")
    check.finish()


if __name__ == "__main__":
    main()
