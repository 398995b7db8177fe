#!/usr/bin/env python3
"""The backup of PostgreSQL and S3 as README.md tells it, beside traffic, and the proof: fsck --deep of what was restored.

The order matters: objects first, then the database, then the objects that are new since.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import identity
from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server
from harness.postgres import PROGRAMS, PostgresDatabase
from harness.remote import Remote, variable
from traffic import Traffic


def copy_bucket(source, target):
    """As `rclone copy` does it: what is new. Nothing is deleted."""
    there = target.keys()
    for key in sorted(source.keys() - there | {identity.KEY}):
        if not key.startswith("staging/"):
            target.write(key, source.read(key))


def restore(dump):
    """A database of its own with everything of the dump."""
    database = PostgresDatabase(variable("IMGSRV_TEST_POSTGRES_URL"))
    subprocess.run([PROGRAMS / "pg_restore", "--exit-on-error", f"--dbname={database.url_at(database.address)}", dump], check=True)
    return database


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-procedure-"))
    with Server("--gc-interval", "1s") as server:
        writer, token = server.writer(), server.writer().token
        first = os.urandom(100_000)
        writer.published("image", "v1", first)
        traffic = Traffic(server)
        traffic.start()
        for _ in range(3):
            traffic.wait_for_more()
        (folder / "new").mkdir()
        new = Remote(folder / "new")
        database = server.backends.database

        check.contains(server.command("gc", "--pause", "6h").stdout, ["no object is removed"], "a pause")
        copy_bucket(server.backends.store, new.store)
        before = dict(traffic.versions)
        subprocess.run([PROGRAMS / "pg_dump", "--format=custom", f"--file={folder / 'dump'}",
                        f"--dbname={database.url_at(database.address)}"], check=True)
        copy_bucket(server.backends.store, new.store)
        check.contains(server.command("gc", "--resume").stdout, ["removed again"], "its end")
        traffic.end()

        empty = new.database
        new.database = restore(folder / "dump")
        empty.close()
        with Server(folder=folder / "server", backends=new) as other:
            check.equal(identity.in_database(new), (identity.in_store(server.backends.store), True), "the copied pair has the id of the first")
            done = other.command("fsck", "--deep")
            check.equal(done.returncode, 0, f"fsck --deep proves it: {done.stdout} {done.stderr}")
            reader = other.client(token)
            for (image, version), data in {("image", "v1"): first, **before}.items():
                reader.get(f"/v1/images/{image}/versions/{version}").expect(200)
                check.true(reader.get(f"/v1/blobs/{digest_of(data)}").body == data, f"{image} {version} is served")
            reader.published("after", "v1", b"published after the restore")

            # Without the second copy, what came between the first and the dump would be missing: fsck tells.
            key, = other.backends.database.query(f"SELECT storage_key FROM blobs WHERE digest = '{digest_of(first)}'")[0]
            other.backends.store.remove(key)
            done = other.command("fsck")
            check.equal(done.returncode, 1, "fsck finds an object that was not copied")
            check.contains(done.stdout, [digest_of(first), "image v1", "missing"], "and names what it hits")
    if not check.failures:
        shutil.rmtree(folder)
    check.finish()


if __name__ == "__main__":
    main()
