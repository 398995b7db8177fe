#!/usr/bin/env python3
"""The whole data folder is on a disk that fills up, with database and objects: requests that need space end in 507, the others
go on; the server is killed in that state and starts again on the full disk; with space again everything goes on.

Needs root, to mount a tmpfs.
"""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import audit
from every_write_test import Quiet
from ledger import Blob
from mortal import Server, Tally
from uploads import Patient

MIB = 1024 * 1024


def main():
    tally = Tally()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-full-"))
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "imgsrv-test", disk], check=True)
    server = Server(disk / "data", log=folder / "log")
    try:
        server.start()
        token = server.issue_writer()
        for left in (MIB, 8192, 0):
            tally.say(f"{left} bytes left")
            fill_and_recover(server, token, disk, left, tally)
        tally.check(server.stop() == 0, "the server did not stop well")
        audit.sweep(server, tally)
        audit.files(server.data_dir, tally, audit.database(server.data_dir, tally))
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        subprocess.run(["umount", "--lazy", disk], check=True)
        shutil.rmtree(folder)
    tally.finish()


def fill_and_recover(server, token, disk, left, tally):
    blob = Blob(os.urandom(4 * MIB))
    patient = Patient(server, token, Quiet())
    client = patient.client
    path = "/v1/uploads/" + client.json("POST", "/v1/uploads", {
        "expected_digest": blob.digest, "expected_size_bytes": blob.size})["id"]
    first = client.put_part(path.rsplit("/", 1)[1], 1, blob.data[:MIB])
    hog = disk / "hog"
    state = os.statvfs(disk)
    hog.write_bytes(bytes(state.f_bavail * state.f_frsize - left))

    statuses = collections.defaultdict(collections.Counter)
    for n in range(60):
        statuses["part"][client.send("PUT", f"{path}/parts/2", blob.data[MIB:])[0]] += 1
        statuses["image"][client.send("POST", "/v1/images", json.dumps({"name": f"image-{left}-{n}"}),
                                      {"Content-Type": "application/json"})[0]] += 1
        statuses["read"][client.send("GET", "/v1/publish-jobs")[0]] += 1
    tally.say(f"answers on the full disk: {({what: dict(seen) for what, seen in statuses.items()})}")
    tally.check(set(statuses["part"]) == {507}, f"parts on the full disk: {statuses['part']}")
    few_bytes = {201, 507} if left else {507}
    tally.check(set(statuses["image"]) <= few_bytes, f"images on the full disk: {statuses['image']}")
    tally.check(set(statuses["read"]) == {200}, f"reads on the full disk: {statuses['read']}")

    server.kill()
    client.close()
    server.start()  # on the full disk
    tally.check(client.send("GET", "/healthz")[0] == 204, "no life after the start on a full disk")
    hog.unlink()
    listed = client.json("GET", f"{path}/parts")["parts"]
    tally.check(listed == [first], f"accepted was {first}, listed is {listed}")
    second = client.put_part(path.rsplit("/", 1)[1], 2, blob.data[MIB:])
    named = [{"number": p["part_number"], "etag": p["etag"], "size_bytes": p["size_bytes"]} for p in (first, second)]
    session = client.json("POST", f"{path}/complete", {"parts": named})
    while session["state"] not in ("ready", "failed"):
        session = client.json("GET", path)
    tally.check(session["state"] == "ready", f"the upload ended as {session}")
    tally.check(client.send("GET", f"/v1/blobs/{blob.digest}")[2] == blob.data, "other bytes are served")


if __name__ == "__main__":
    main()
