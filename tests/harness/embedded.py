"""The pair of SQLite and files. See pair.py."""
import contextlib
import os
import pathlib
import shutil
import sqlite3

from harness import identity


class SqliteDatabase:
    def __init__(self, path):
        self.path = path

    def _connect(self):
        return contextlib.closing(sqlite3.connect(self.path, timeout=30, isolation_level=None))

    def query(self, sql):
        with self._connect() as db:
            return [list(row) for row in db.execute(sql).fetchall()]

    def execute(self, sql):
        with self._connect() as db:
            db.execute(sql)

    def refusal(self, sql, foreign_keys=True):
        with self._connect() as db:
            db.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
            db.execute("BEGIN IMMEDIATE")
            try:
                db.execute(sql)
                return None
            except sqlite3.IntegrityError as error:
                return str(error)
            finally:
                db.execute("ROLLBACK")

    def damage(self):
        with self._connect() as db:
            wrong = [row[0] for row in db.execute("PRAGMA integrity_check").fetchall() if row[0] != "ok"]
            return wrong + db.execute("PRAGMA foreign_key_check").fetchall()


class FileStore:
    """In the layout of object_store_fs: the key a/b is the file objects/a+/b."""

    def __init__(self, root):
        self.root = root

    def _path(self, key):
        *folders, name = key.split("/")
        return self.root.joinpath("objects", *(f + "+" for f in folders), name)

    def keys(self):
        objects = self.root / "objects"
        return {str(p.relative_to(objects)).replace("+/", "/") for p in objects.rglob("*") if p.is_file()} - {identity.KEY}

    def read(self, key):
        return self._path(key).read_bytes()

    def write(self, key, data):
        path = self._path(key)
        if path.exists():
            path.chmod(0o600)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def remove(self, key):
        self._path(key).unlink()

    def unfinished(self):
        places = {"tmp", "uploads", "staging+"}
        return {str(p.relative_to(self.root)) for p in self.root.rglob("*")
                if p.is_file() and places & set(p.relative_to(self.root).parts)}

    def leftovers(self):
        left = {str(p.relative_to(self.root)) for name in ("tmp", "uploads", "done") for p in (self.root / name).iterdir()}
        return left | {p.name for p in self.root.iterdir()} - {"FORMAT", "objects", "tmp", "uploads", "done"}


class Embedded:
    flags = ()

    def __init__(self, folder):
        self.data = pathlib.Path(folder) / "data"
        self.database = SqliteDatabase(self.data / "imgsrv.db")
        self.store = FileStore(self.data / "objects")

    def close(self):
        pass  # gone with the server's folder

    def clone(self, folder):
        shutil.copytree(self.data, folder / "data")
        return Embedded(folder)

    def later(self):
        # The server takes its times from its own clock.
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        return {"LD_PRELOAD": str(library), "FAKETIME": "+26h", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def contents(self):
        return [(p.name, p.read_bytes()) for p in self.data.rglob("*") if p.is_file()]

    def leftovers(self):
        files = {p.name for p in self.data.iterdir()}
        expected = {"imgsrv.db", "imgsrv.db-wal", "imgsrv.db-shm", "imgsrv.db.migrate", "lock", "objects"}
        return self.store.leftovers() | files - expected
