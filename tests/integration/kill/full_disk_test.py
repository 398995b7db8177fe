#!/usr/bin/env python3
"""The whole data folder, database and objects, is on a disk that fills up: requests that need space get 507, the others work;
the server is killed and starts again on the full disk; once there is space again everything works.

Needs root, to mount a tmpfs.
"""
import collections
import os
import pathlib
import shutil
import subprocess
import tempfile

import audit
from every_write_test import Quiet
from ledger import Blob
from harness.checks import Checks
from harness.full_disk import fill
from harness.imgsrv import Server
from uploads import Patient

MIB = 1024 * 1024


def main():
    tally = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-full-"))
    disk = folder / "data"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "imgsrv-test", disk], check=True)
    server = Server(folder=folder, start=False)
    try:
        server.start()
        token = server.token("content-writer")["plaintext"]
        for left in (MIB, 8192, 0):
            tally.say(f"{left} bytes left")
            fill_and_recover(server, token, disk, left, tally)
        tally.true(server.stop() == 0, "the server did not stop well")
        audit.sweep(server, tally)
        audit.objects(server, tally, audit.database(server, tally))
    finally:
        server.close()
        subprocess.run(["umount", "--lazy", disk], check=True)
        shutil.rmtree(folder)
    tally.finish()


def fill_and_recover(server, token, disk, left, tally):
    blob = Blob(os.urandom(4 * MIB))
    patient = Patient(server, token, Quiet())
    client = patient.client
    upload = client.new_upload(blob.data)
    first = client.put_part(upload, 1, blob.data[:MIB]).expect(200).json
    hog = disk / "hog"
    fill(hog, left)

    statuses = collections.defaultdict(collections.Counter)
    for n in range(60):
        statuses["part"][client.put_part(upload, 2, blob.data[MIB:]).status] += 1
        statuses["image"][client.post("/v1/images", json={"name": f"image-{left}-{n}"}).status] += 1
        statuses["read"][client.get("/v1/publish-jobs").status] += 1
    tally.say(f"answers on the full disk: {({what: dict(seen) for what, seen in statuses.items()})}")
    tally.true(set(statuses["part"]) == {507}, f"parts on the full disk: {statuses['part']}")
    few_bytes = {201, 507} if left else {507}
    tally.true(set(statuses["image"]) <= few_bytes, f"images on the full disk: {statuses['image']}")
    tally.true(set(statuses["read"]) == {200}, f"reads on the full disk: {statuses['read']}")

    server.kill()
    client.close()
    server.start()  # on the full disk
    tally.true(client.get("/healthz").status == 204, "no life after the start on a full disk")
    hog.unlink()
    listed = client.get(f"/v1/uploads/{upload}/parts").expect(200).json["parts"]
    tally.true(listed == [first], f"accepted was {first}, listed is {listed}")
    second = client.put_part(upload, 2, blob.data[MIB:]).expect(200).json
    client.complete(upload, [first, second]).expect(200)
    session = client.settled(upload)
    tally.true(session["state"] == "ready", f"the upload ended as {session}")
    tally.true(client.get(f"/v1/blobs/{blob.digest}").body == blob.data, "other bytes are served")


if __name__ == "__main__":
    main()
