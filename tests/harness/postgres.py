"""A database for one server in the PostgreSQL that postgres.sh started."""
import contextlib
import json
import pathlib
import re
import subprocess
import uuid

# Directly: Debian's wrapper takes a quarter of a second.
PROGRAMS = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))


class PostgresDatabase:
    def __init__(self, url, template=None):
        """url: of a superuser, to any database of the cluster."""
        found = re.fullmatch(r"postgresql://([^@]+)@([^/]+)/([^?]+)", url)
        self.user, self.address, self.maintenance = found.groups()
        self.name = "test_" + uuid.uuid4().hex
        self._psql(self.maintenance, f"CREATE DATABASE {self.name}" + (f" TEMPLATE {template}" if template else ""))

    def url_at(self, address, name=None):
        return f"postgresql://{self.user}@{address}/{name or self.name}?sslmode=disable"

    def _psql(self, name, sql, check=True):
        done = subprocess.run([PROGRAMS / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=VERBOSITY=verbose",
                               "--set=ON_ERROR_STOP=1", f"--dbname={self.url_at(self.address, name)}", f"--command={sql}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise AssertionError(f"{sql}: {done.stderr}")
        return done

    def query(self, sql):
        rows = self._psql(self.name, f"SELECT coalesce(json_agg(row_to_json(row)), '[]') FROM ({sql}) row").stdout
        return [list(row.values()) for row in json.loads(rows)]

    def execute(self, sql):
        self._psql(self.name, sql)

    def refusal(self, sql):
        done = self._psql(self.name, f"BEGIN; {sql}; ROLLBACK", check=False)
        if done.returncode == 0:
            return None
        # Class 23 is a violated constraint. Any other error is a mistake in the statement.
        if not re.search(r"^ERROR:  23\w{3}: ", done.stderr, re.M):
            raise AssertionError(f"{sql}: {done.stderr}")
        return done.stderr

    def damage(self):
        return []  # it checks its pages and constraints itself

    @contextlib.contextmanager
    def held(self, sql):
        """Keeps the statement's locks. Yields a function that returns how many other sessions wait for a lock."""
        holder = subprocess.Popen([PROGRAMS / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
                                   f"--dbname={self.url_at(self.address)}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            print(f"BEGIN; {sql}; SELECT 'held';", file=holder.stdin, flush=True)
            assert holder.stdout.readline() == "held\n"
            yield lambda: self.query("SELECT count(*) FROM pg_stat_activity "
                                     "WHERE datname = current_database() AND wait_event_type = 'Lock'")[0][0]
        finally:
            holder.communicate()

    def dump(self):
        return subprocess.run([PROGRAMS / "pg_dump", f"--dbname={self.url_at(self.address)}"], check=True, capture_output=True).stdout

    def clone(self):
        return PostgresDatabase(f"postgresql://{self.user}@{self.address}/{self.maintenance}", template=self.name)

    def advance_clock(self, interval):
        """For new connections: a function of that name that is found before the system's own."""
        self.execute(
            "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
            f"$$ SELECT pg_catalog.clock_timestamp() + interval '{interval}' $$; "
            f"ALTER DATABASE {self.name} SET search_path = public, pg_catalog")

    def close(self):
        self._psql(self.maintenance, f"DROP DATABASE {self.name} WITH (FORCE)")
