"""What a server keeps its data in: a database and an object store, as one of two pairs.

IMGSRV_TEST_PAIR   embedded      SQLite and files below the data folder (the default)
                   postgres+s3   a database of its own in a PostgreSQL, and a bucket of its own in a Ceph RGW

Where those two are is told by the variables that postgres.sh and rgw.sh set for the command they run, or by the file that
IMGSRV_TEST_BACKENDS names, which shared.py writes: tests of one run share them. By hand:

    tests/harness/postgres.sh with tests/harness/rgw.sh with env IMGSRV_TEST_PAIR=postgres+s3 PYTHONPATH=tests python3 TEST

Both pairs answer to the same questions, so that tests can look behind the server's back:

    flags            for `imgsrv serve`
    close()          gives everything back
    clone(folder)    backends with the same rows, for a server that has stopped and kept no object yet
    later()          the environment of a server for which it is a day and two hours later: every open session has expired
    contents()       (name, bytes) of everything kept
    leftovers()      of a stopped server whose sessions have ended: what is kept beyond its database and objects

    database.query(sql)        the rows
    database.execute(sql)
    database.refusal(sql)      why a constraint or trigger refuses it, or None; changes nothing
    database.damage()          what the database itself finds wrong

    store.keys()               of the objects; the one that says whose store it is (identity.py) is not among them
    store.read(key), store.write(key, bytes), store.remove(key)
    store.unfinished()         names of what belongs to uploads that have not ended
"""
import os

NAMES = ("embedded", "postgres+s3")
NAME = os.environ.get("IMGSRV_TEST_PAIR", "embedded")
if NAME not in NAMES:
    raise SystemExit(f"IMGSRV_TEST_PAIR is {NAME!r}, must be one of {NAMES}")
EMBEDDED = NAME == "embedded"

# What each part of an upload but the last has at least: S3 joins no smaller ones.
LEAST_PART = 1 if EMBEDDED else 5 << 20


def fresh(folder):
    """Empty backends for a server whose folder this is."""
    if EMBEDDED:
        from harness.embedded import Embedded
        return Embedded(folder)
    from harness.remote import Remote
    return Remote(folder)
