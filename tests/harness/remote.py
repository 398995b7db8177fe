"""The pair of PostgreSQL and an S3 store. See pair.py."""
import json
import os
import pathlib

from harness import identity
from harness.postgres import PostgresDatabase
from harness.s3 import Bucket


def variable(name):
    """A variable that postgres.sh or rgw.sh set, directly or through shared.py."""
    if name in os.environ:
        return os.environ[name]
    file = os.environ.get("IMGSRV_TEST_BACKENDS")
    if not file:
        raise SystemExit(f"{name} is not set; harness/pair.py tells how to run a test on PostgreSQL and S3")
    return json.loads(pathlib.Path(file).read_text())[name]


class Remote:
    def __init__(self, folder, database=None):
        self.folder = pathlib.Path(folder)
        self.spool = self.folder / "spool"
        self.spool.mkdir()
        self.database = database or PostgresDatabase(variable("IMGSRV_TEST_POSTGRES_URL"))
        self.store = Bucket(variable("IMGSRV_TEST_S3_ENDPOINT"), variable("IMGSRV_TEST_S3_REGION"),
                            variable("IMGSRV_TEST_S3_ACCESS_KEY"), variable("IMGSRV_TEST_S3_SECRET_KEY"))

    @property
    def flags(self):
        return self.through(self.database.address, self.store.endpoint)

    def through(self, database, endpoint):
        """The flags for a server that uses these addresses, such as a relay's."""
        settings = {"database.driver": "postgres", "database.postgres.url": self.database.url_at(database),
                    "storage.driver": "s3", "storage.s3.endpoint": endpoint, "storage.s3.bucket": self.store.name,
                    "storage.s3.region": self.store.region, "storage.s3.access_key_id": self.store.access_key,
                    "storage.s3.secret_access_key": self.store.secret_key, "storage.s3.spool_folder": self.spool}
        return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]

    def close(self):
        self.database.close()
        self.store.close()

    def clone(self, folder):
        assert not self.store.keys()
        folder.mkdir()
        copy = Remote(folder, self.database.clone())
        copy.store.write(identity.KEY, self.store.read(identity.KEY))
        return copy

    def later(self):
        # The server takes its times from the database. With another clock of its own, S3 would refuse its signatures.
        self.database.advance_clock("26 hours")
        return {}

    def contents(self):
        return [("the database", self.database.dump()), *((key, self.store.read(key)) for key in self.store.keys())]

    def leftovers(self):
        local = {str(p) for folder in (self.folder / "data", self.spool) if folder.exists() for p in folder.rglob("*")}
        return local | self.store.leftovers()
