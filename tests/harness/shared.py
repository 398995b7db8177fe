#!/usr/bin/env python3
"""One PostgreSQL and one Ceph RGW for all tests of a ctest run: a fixture.

    shared.py start FILE   starts them; FILE then holds, as JSON, the variables that postgres.sh and rgw.sh set
    shared.py stop FILE    stops them

They end by themselves when ctest does, so that a run that was broken off leaves nothing behind.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


def start(file):
    file.unlink(missing_ok=True)  # servers of an earlier run end with it
    ctest = os.getppid()
    log = file.with_suffix(".log")
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [HERE / "postgres.sh", "with", HERE / "rgw.sh", "with", sys.executable, __file__, "hold", file, str(ctest), began(ctest)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    while not file.exists():
        if process.poll() is not None:
            print(log.read_text(errors="replace"))
            return 1
        time.sleep(0.05)
    return 0


def began(process):
    """The start time of a process, which tells it from a later one with the same number, or None once it has ended."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def hold(file, ctest, ctest_began):
    """Runs inside both scripts, which stop their servers when this ends. `ctest`: the process that needs them."""
    told = {k: v for k, v in os.environ.items() if k.startswith("IMGSRV_TEST_")} | {"holder": os.getpid()}
    written = file.with_suffix(".new")
    written.write_text(json.dumps(told))
    written.replace(file)

    def wanted():
        try:
            return json.loads(file.read_text())["holder"] == os.getpid() and began(ctest) == ctest_began
        except OSError:
            return False
    while wanted():
        time.sleep(0.1)


def stop(file):
    told = json.loads(file.read_text())
    file.unlink()
    folders = [pathlib.Path(told[name]) for name in ("IMGSRV_TEST_POSTGRES_DIR", "IMGSRV_TEST_RGW_DIR")]
    deadline = time.monotonic() + 60
    while any(folder.exists() for folder in folders):
        if time.monotonic() > deadline:
            print(f"still there: {folders}")
            return 1
        time.sleep(0.05)
    return 0


def main(what, file, *more):
    code = {"start": start, "hold": hold, "stop": stop}[what](pathlib.Path(file).resolve(), *more) or 0
    if what != "hold" and code == 0:
        print("0 passed, 0 failed")  # it prepares tests, and is none
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
