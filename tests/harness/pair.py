"""A server's database and object store, as one of two pairs.

IMGSRV_TEST_PAIR   embedded      SQLite and files below the data folder (the default)
                   postgres+s3   a database of its own in a PostgreSQL, and a bucket of its own in a Ceph RGW

postgres.sh and rgw.sh set variables that say where PostgreSQL and the RGW are. In a run of ctest, tests share both: shared.py
writes the variables to the file that IMGSRV_TEST_BACKENDS names. By hand:

    tests/harness/postgres.sh with tests/harness/rgw.sh with env IMGSRV_TEST_PAIR=postgres+s3 PYTHONPATH=tests python3 TEST

Both pairs have the same interface, so that tests can inspect and change stored data themselves:

    flags            for `imgsrv serve`
    close()          removes everything
    clone(folder)    backends with the same rows; the server must be stopped and have no object yet
    later()          the environment of a server for which it is 26 hours later: every open session has expired
    contents()       (name, bytes) of everything stored
    leftovers()      of a stopped server whose sessions have ended: everything stored beside its database and objects

    database.query(sql)        the rows
    database.execute(sql)
    database.refusal(sql)      why a constraint or trigger refuses the statement, or None; changes nothing
    database.damage()          what the database's own check finds

    store.keys()               of the objects, without the one that holds the store's id (identity.py)
    store.read(key), store.write(key, bytes), store.remove(key)
    store.unfinished()         names of files or objects that belong to unfinished uploads
"""
import os

NAMES = ("embedded", "postgres+s3")
NAME = os.environ.get("IMGSRV_TEST_PAIR", "embedded")
if NAME not in NAMES:
    raise SystemExit(f"IMGSRV_TEST_PAIR is {NAME!r}, must be one of {NAMES}")
EMBEDDED = NAME == "embedded"

# The least size of each part but the last: S3 joins no smaller ones.
LEAST_PART = 1 if EMBEDDED else 5 << 20


def fresh(folder):
    """Empty backends for a server whose folder this is."""
    if EMBEDDED:
        from harness.embedded import Embedded
        return Embedded(folder)
    from harness.remote import Remote
    return Remote(folder)
