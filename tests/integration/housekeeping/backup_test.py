#!/usr/bin/env python3
"""`imgsrv backup` beside a busy server and its collector, killed at any moment, and `imgsrv restore` of what it left. For SQLite and files,
the embedded default.
"""
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

from harness import identity
from harness.build import BINARY, clean_environment
from harness.checks import check
from harness.client import digest_of
from harness.embedded import Embedded, FileStore
from harness.imgsrv import Server
from traffic import Traffic

KILLS = 8


def restored(folder, backup, code=0):
    folder.mkdir(exist_ok=True)
    done = subprocess.run([BINARY, "restore", backup, "--data-dir", folder / "data"], env=clean_environment(),
                          capture_output=True, text=True)
    check.equal(done.returncode, code, f"restore {done.stdout} {done.stderr}")
    return done


def serving(folder):
    return Server(folder=folder, backends=Embedded(folder))


def check_served(server, token, versions):
    reader = server.client(token)
    for (image, version), data in versions.items():
        reader.get(f"/v1/images/{image}/versions/{version}").expect(200)
        check.true(reader.get(f"/v1/blobs/{digest_of(data)}").body == data, f"{image} {version} is served")
    done = server.command("fsck", "--deep")
    check.equal(done.returncode, 0, f"fsck finds nothing: {done.stdout}")


def test_beside_traffic(server, top):
    """Everything published before a backup began is in it, and nothing in it is incomplete."""
    writer, image = server.writer(), {}
    for version, size in (("v1", 1), ("v2", 3 << 20)):
        image["image", version] = os.urandom(size)
        writer.published("image", version, image["image", version])
    writer.put("/v1/images/image/aliases/latest", json={"version": "v2"}).expect(200, 201)
    open_session = writer.new_upload(b"half")
    traffic = Traffic(server)
    traffic.start()
    try:
        for round_ in range(3):
            traffic.wait_for_more()
            before = dict(traffic.versions)
            done = server.command("backup", top / "backup")
            check.equal(done.returncode, 0, f"a backup {done.stdout} {done.stderr}")
            restored(top / f"restored{round_}", top / "backup")
            with serving(top / f"restored{round_}") as other:
                check_served(other, writer.token, {**image, **before})
                check.equal((identity.in_database(other.backends), identity.in_store(other.backends.store)),
                            (identity.in_database(server.backends), identity.in_database(server.backends)[0]), "the restored pair has the same id")
                check.equal(other.client(writer.token).get("/v1/images/image/aliases/latest").json["version"], "v2", "the alias")
                session = other.client(writer.token).get(f"/v1/uploads/{open_session}").json
                check.true(session["state"] == "aborted" and "backup" in session["failure_message"],
                           "an upload that was not complete begins again", session)
                other.client(writer.token).published("after", "v1", b"published after the restore")
            shutil.rmtree(top / f"restored{round_}")
    finally:
        traffic.end()
    writer.post(f"/v1/uploads/{open_session}/abort").expect(200)
    return {**image, **traffic.versions}


def test_incremental(server, top, versions):
    def objects():
        store = Embedded(top).store
        store.root = top / "backup/objects"
        return store.keys()
    server.command("backup", top / "backup")
    again = server.command("backup", top / "backup")
    check.contains(again.stdout, ["0 of them new"], "a backup of nothing new copies nothing")
    before = objects()
    data = os.urandom(2000)
    digest = server.writer().upload(data)
    check.contains(server.command("backup", top / "backup").stdout, ["1 of them new"], "one of one new object copies it")
    check.equal(len(objects() - before), 1, "into the same folder")
    server.backends.database.execute("UPDATE upload_sessions SET expires_us = 1 WHERE state = 'ready'")
    server.command("gc", "--grace", "0s")
    check.equal(server.anonymous().get(f"/v1/blobs/{digest}").status, 404, "what was collected")
    server.command("backup", top / "backup")
    check.true(objects() <= before, "leaves the backup too")


def test_killed_backups(server, top, versions):
    """The older backup stays whole. A first backup that was killed is not a backup."""
    server.command("backup", top / "backup")
    writer, later = server.writer(), {}
    for n in range(KILLS):
        later["later", f"v{n}"] = os.urandom(300_000)
        writer.published("later", f"v{n}", later["later", f"v{n}"])
        for folder in ("backup", f"fresh{n}"):
            process = subprocess.Popen([BINARY, "backup", top / folder, "--data-dir", server.data], env=clean_environment(),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.random() * 0.15)
            process.kill()
            ended = process.wait()
        if ended != 0 and not (top / f"fresh{n}/manifest.json").exists():
            check.contains(restored(top / f"none{n}", top / f"fresh{n}", 1).stderr, ["no complete backup"], "a killed one is none")
            check.true(not (top / f"none{n}/data/imgsrv.db").exists(), "and nothing is made of it")
    restored(top / "older", top / "backup")
    with serving(top / "older") as other:
        check_served(other, writer.token, versions)
    # The holds of killed backups expire.
    server.backends.database.execute("DELETE FROM removal_holds")
    done = server.command("backup", top / "backup")
    check.equal(done.returncode, 0, f"and the next one is whole again {done.stderr}")
    shutil.rmtree(top / "older")
    return {**versions, **later}


def test_restore(server, top, versions):
    token = server.writer().token
    check.contains(restored(server.folder, top / "backup", 1).stderr, ["in use"], "no restore under a running server")
    for path in (top / "backup", *top.glob("backup/imgsrv-*.db")):
        check.equal(path.stat().st_mode & 0o077, 0, f"{path.name} with the verifiers of tokens is for its owner only")
    left = top / "target/data/imgsrv.db-wal"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of a database that was removed")
    check.contains(restored(top / "target", top / "backup", 1).stderr, ["imgsrv.db-wal", "move it away"], "no log of another database is played in")
    left.unlink()
    restored(top / "target", top / "backup")
    check.equal((top / "target/data/imgsrv.db").stat().st_mode & 0o077, 0, "nor may others read the restored database")
    check.contains(restored(top / "target", top / "backup", 1).stderr, ["has a database already"], "nor over another")

    for n in range(4):
        folder = top / f"broken{n}"
        folder.mkdir()
        process = subprocess.Popen([BINARY, "restore", top / "backup", "--data-dir", folder / "data"], env=clean_environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.03 + random.random() * 0.2)
        process.kill()
        process.wait()
        data = folder / "data"
        if (data / "imgsrv.db.restoring").exists() and not (data / "imgsrv.db").exists():
            started = subprocess.run([BINARY, "serve", "--data-dir", data, "--listen", "127.0.0.1:0"], env=clean_environment(),
                                     capture_output=True, text=True, timeout=60)
            check.true(started.returncode == 1 and "interrupted" in started.stderr, "a server does not start on half of it",
                       started.stderr[-300:])
        if not (data / "imgsrv.db").exists():
            restored(folder, top / "backup")
        with serving(folder) as other:
            check_served(other, token, versions)
        shutil.rmtree(folder)


def test_unreadable(server, top, versions):
    """An object that cannot be read is named; everything else is in the backup, and older bytes of that object stay there."""
    writer, data, store = server.writer(), os.urandom(3000), server.backends.store
    digest = writer.upload(data)
    (key,), = server.backends.database.query(f"SELECT storage_key FROM blobs WHERE digest = '{digest}'")
    path = store._path(key)
    server.command("backup", top / "older")
    path.unlink()
    path.mkdir()
    count, = server.backends.database.query("SELECT count(*) FROM blobs")[0]
    done = server.command("backup", top / "fresh")
    check.equal(done.returncode, 1, "a backup that lacks one object says so")
    check.contains(done.stdout, ["has what could be read", f"{count - 1} objects", f"not in the backup: {digest}: cannot be copied: "], "and names it")
    check.contains(done.stderr, ["1 objects could not be read"], "at its end")
    check.equal(server.command("backup", top / "older").returncode, 0, "an older backup has the bytes")
    restored(top / "lacking", top / "fresh", 1)
    with serving(top / "lacking") as other:
        reader = other.client(writer.token)
        check.equal(reader.get(f"/v1/blobs/{digest}").status, 500, "what the backup lacks is not served")
        for content in versions.values():
            check.true(reader.get(f"/v1/blobs/{digest_of(content)}").body == content, "all else is")
    path.rmdir()
    store.write(key, data)


def test_places(server, top, versions):
    """A backup into its own source, and a restore into the backup, are refused before anything is written."""
    outside = top / "link"
    outside.symlink_to(server.data)
    for folder in (server.data, server.data / "backup", server.data / "objects", server.data / "objects/deep/er", outside / "backup",
                   server.folder, top.parent, f"{server.data}/../data/./b/"):
        before = {p for p in server.folder.rglob("*") if "imgsrv.db" not in p.name}
        done = server.command("backup", folder)
        check.equal(done.returncode, 1, f"no backup into {folder}")
        check.contains(done.stderr, ["the backup's folder", "data-dir", "Nothing was changed"], "and it says why")
        check.equal({p for p in server.folder.rglob("*") if "imgsrv.db" not in p.name}, before, "nothing was changed")
    root = top / "store"
    done = server.command("backup", root / "backup", "--set", f"storage.fs.root={root}")
    check.true(done.returncode == 1 and "storage.fs.root" in done.stderr and not root.exists(), "nor into a store elsewhere", done.stderr)
    database = top / "databases/imgsrv-one.db"
    done = server.command("backup", database.parent, "--set", f"database.sqlite.path={database}")
    check.true(done.returncode == 1 and "database.sqlite.path" in done.stderr, "nor around a database elsewhere", done.stderr)

    backup = top / "backup"
    before = {p for p in backup.rglob("*")}
    for data, more in ((backup, []), (backup / "objects", []), (backup / "data", []),
                       (top / "apart", ["--set", f"storage.fs.root={backup / 'objects'}"])):
        done = subprocess.run([BINARY, "restore", backup, "--data-dir", data, *more], env=clean_environment(), capture_output=True, text=True)
        check.equal(done.returncode, 1, f"no restore into {data} {more}")
        check.contains(done.stderr, ["the backup's folder", "Nothing was changed"], "and it says why")
    check.true({p for p in backup.rglob("*")} == before and not (top / "apart").exists(), "nothing was changed")
    shutil.copytree(backup, top / "inner/data/kept")
    restored(top / "inner", top / "inner/data/kept")  # writes nothing into the backup


def test_damaged_backup(server, top, versions):
    (snapshot,) = [p for p in (top / "backup").iterdir() if p.suffix == ".db"]
    data = bytearray(snapshot.read_bytes())
    data[len(data) // 2] ^= 1
    snapshot.write_bytes(data)
    check.contains(restored(top / "damaged", top / "backup", 1).stderr, ["damaged"], "a damaged snapshot is not restored")
    data[len(data) // 2] ^= 1
    snapshot.write_bytes(data)

    store = FileStore(top / "backup/objects")
    objects = store.read(identity.KEY)
    store.remove(identity.KEY)
    check.contains(restored(top / "unmounted", top / "backup", 1).stderr, ["not those of this backup", "and have none", "mounted?"],
                   "nor is one whose objects are not there")
    check.true(not (top / "unmounted/data/imgsrv.db.restoring").exists(), "nothing was begun")
    store.write(identity.KEY, objects)
    with Server() as another:
        before = store.keys()
        done = another.command("backup", top / "backup")
        check.true(done.returncode == 1 and "the backup of another server" in done.stderr, "nor is it overwritten by another server's",
                   done.stderr)
        check.equal(store.keys(), before, "and nothing of it is removed")
    (top / "other").mkdir()
    (top / "other/letter.txt").write_text("dear")
    done = server.command("backup", top / "other")
    check.true(done.returncode == 1 and "something other" in done.stderr, "a folder with other things is left alone", done.stderr)


def main():
    top = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-backup-"))
    with Server("--gc-interval", "1s") as server:
        check.where = "backup"
        versions = test_beside_traffic(server, top)
        check.run(test_incremental, server, top, versions)
        versions = test_killed_backups(server, top, versions)
        check.run(test_restore, server, top, versions)
        check.run(test_unreadable, server, top, versions)
        check.run(test_places, server, top, versions)
        check.run(test_damaged_backup, server, top, versions)
        check.equal(server.stop(), 0, "the server stops well")
    if not check.failures:
        shutil.rmtree(top)
    check.finish()


if __name__ == "__main__":
    main()
