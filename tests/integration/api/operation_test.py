"""A server's life: restarts, a full disk, a backend that is away."""
import os
import random
import signal
import subprocess

from harness import pair
from harness.checks import check
from harness.client import digest_of
from harness.full_disk import fill
from harness.imgsrv import Server
from harness.relay import Relay
from harness.waiting import wait_until


def test_resume_after_kill(world):
    """A killed server keeps what it had accepted: no accepted part is sent again."""
    with Server(observe=world.server.observe) as server:
        draw, size = random.Random(7), max(1 << 18, pair.LEAST_PART)
        data = draw.randbytes(size * 8 - 1000)
        pieces = {n + 1: data[n * size:(n + 1) * size] for n in range(8)}
        writer, token = server.writer(), server.bootstrap
        upload = writer.new_upload(data)
        accepted = {}
        for wave, how in (((1, 5), signal.SIGKILL), ((3, 2), signal.SIGTERM), ((8, 4, 7), signal.SIGKILL)):
            for number in wave:
                accepted[number] = writer.put_part(upload, number, pieces[number]).expect(200).json
            server.restart(how)
            listed = writer.get(f"/v1/uploads/{upload}/parts").expect(200).json["parts"]
            check.equal(listed, [accepted[n] for n in sorted(accepted)], f"the parts after {how.name}")
        accepted[6] = writer.put_part(upload, 6, pieces[6]).expect(200).json
        writer.complete(upload, [accepted[n] for n in sorted(accepted)]).expect(200)
        server.restart(signal.SIGKILL)
        check.equal(writer.settled(upload)["state"], "ready", "promotion goes on after a kill")
        check.true(server.anonymous().get(f"/v1/blobs/{digest_of(data)}").body == data, "with the right bytes")
        check.equal(server.bootstrap, token, "no second bootstrap token while there is a manager")
        writer.published("kept", "1", b"kept")
        server.restart(signal.SIGKILL)
        check.equal(server.anonymous().get("/v1/images/kept/refs/1").status, 200, "what is published stays published")
        check.equal(server.stop(), 0, "SIGTERM ends it with 0")


def test_killed_in_the_middle_of_a_job(world):
    with Server(observe=world.server.observe) as server:
        writer = server.writer()
        for n in range(3):
            data = os.urandom(2_000_000)
            writer.draft("killed", f"{n}")
            writer.artifact("killed", f"{n}", writer.upload(data), len(data)).expect(201)
            job = writer.post(f"/v1/images/killed/versions/{n}/publish").expect(202).json["job_id"]
            server.restart(signal.SIGKILL)
            check.equal(writer.finished_job(job)["state"], "succeeded", f"round {n}: the job goes on after a kill")
            check.equal(server.anonymous().get(f"/v1/images/killed/refs/{n}").status, 200, f"round {n}: published")


class SmallDisk:
    """A file system of its own. Needs root, as in the tests of the object store."""

    def __init__(self, folder, mebibytes):
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "imgsrv-test", folder], check=True)

    def __enter__(self):
        return self.folder

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.folder], check=True)

    def free(self):
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize


def test_full_disk(world):
    with Server(observe=world.server.observe, start=False) as server:
        disk = SmallDisk(server.folder / "small", 24)
        with disk as folder:
            server.start("--set", f"storage.fs.root={folder}")
            writer = server.writer()
            data = os.urandom(12 << 20)
            half = len(data) // 2
            upload = writer.new_upload(data)
            first = writer.put_part(upload, 1, data[:half]).expect(200).json
            hog = folder / "hog"
            fill(hog, leave=2 << 20)
            before = disk.free()
            for body, what in ((data[half:], "a part"), ([data[half:half + (4 << 20)], data[half + (4 << 20):]],
                                                         "a part in chunks")):
                answer = writer.put_part(upload, 2, body)
                check.equal(answer.status, 507, f"{what} on a full disk")
                check.contains(answer.detail, ["bytes", "free"], f"{what} on a full disk: detail")
                check.true(str(folder) not in answer.detail, "the detail names no path")
                check.true(disk.free() > before - (1 << 19), f"{what} on a full disk leaves nothing behind",
                           f"{before - disk.free()} bytes")
            check.equal(writer.get(f"/v1/uploads/{upload}/parts").json["parts"], [first], "the accepted part is kept")
            check.equal(server.anonymous().get("/healthz").status, 204, "the server lives")
            hog.unlink()
            second = writer.put_part(upload, 2, data[half:])
            check.equal(second.status, 200, "once there is space the same part is accepted")
            writer.complete(upload, [first, second.json]).expect(200)
            check.equal(writer.settled(upload)["state"], "ready", "and the upload succeeds")
            check.true(server.anonymous().get(f"/v1/blobs/{digest_of(data)}").body == data, "with the right bytes")
            server.stop()


def lose_files(server):
    moved = server.data / "objects/tmp-gone"
    (server.data / "objects/tmp").rename(moved)
    for file in moved.iterdir():
        file.unlink()
    moved.rmdir()


def told_away(server, backend, others):
    """The server says that this backend is away, and does not blame the others."""
    anonymous = server.anonymous()
    ready = wait_until(lambda: (a := anonymous.get("/readyz")).status == 503 and a, "not ready")
    check.true(int(ready.header("Retry-After")) >= 1, "Retry-After")
    answer = anonymous.get("/health")
    check.equal((answer.status, answer.json["status"], answer.json["checks"][backend]["status"]),
                (503, "error", "error"), f"the health of a {backend} that is away")
    check.true(answer.json["checks"][backend]["error"], "it says why")
    check.true(str(server.folder) not in answer.body.decode(), "without a path of the server")
    for other in others:
        check.equal(answer.json["checks"][other]["status"], "ok", f"the {other} is well")
    check.equal(anonymous.get("/healthz").status, 204, "the process lives")


def told_well(server):
    anonymous = server.anonymous()
    check.equal(anonymous.get("/readyz").status, 204, "ready")
    health = anonymous.get("/health").expect(200).json
    check.equal(health["status"], "ok", "healthy")
    check.true({"database", "storage"} <= set(health["checks"]), "each backend has a check")


def test_files_away(world):
    with Server(observe=world.server.observe) as server:
        told_well(server)
        lose_files(server)
        told_away(server, "storage", ["database"])


def test_network_away(world):
    """Database and store become unreachable and come back: the server reports it, and recovers by itself."""
    with Server(observe=world.server.observe, start=False) as server:
        backends = server.backends
        relays = {"database": Relay(backends.database.address), "storage": Relay(backends.store.host)}
        # The last value counts.
        server.flags += backends.through(relays["database"].address, "http://" + relays["storage"].address)
        server.start()
        writer, size = server.writer(), pair.LEAST_PART
        told_well(server)
        for backend, other in (("storage", "database"), ("database", "storage")):
            data = os.urandom(size + 1_000_000)
            upload = writer.new_upload(data)
            first = writer.put_part(upload, 1, data[:size]).expect(200).json
            relays[backend].cut()
            answer = writer.put_part(upload, 2, data[size:])
            check.equal((answer.status, answer.header("Retry-After") is not None), (503, True), f"a part without {backend}")
            told_away(server, backend, [other])
            relays[backend].mend()
            wait_until(lambda: server.anonymous().get("/readyz").status == 204, f"ready once the {backend} is back")
            second = wait_until(lambda: (a := writer.put_part(upload, 2, data[size:])).status == 200 and a,
                                f"a part once the {backend} is back").json
            writer.complete(upload, [first, second]).expect(200)
            check.equal(writer.settled(upload)["state"], "ready", f"the upload that the {backend} left")
            check.true(writer.get(f"/v1/blobs/{digest_of(data)}").body == data, "with the right bytes")
        told_well(server)
        check.equal(server.stop(), 0, "SIGTERM ends it with 0")
        for relay in relays.values():
            relay.close()


# Some faults exist only with one of the pairs.
ONLY = {"test_full_disk": "embedded", "test_files_away": "embedded", "test_network_away": "postgres+s3"}


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_") and ONLY.get(name, pair.NAME) == pair.NAME:
            check.run(function, world)
