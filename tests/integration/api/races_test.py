"""Concurrent requests for the same thing: one wins, the others are refused, and nothing is left over."""
import collections
import concurrent.futures
import os

from harness.checks import check
from harness.client import digest_of
from uploads_test import nothing_left, slow_part, staged


def at_once(count, call):
    """The answers of `count` calls made at the same time."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def statuses(answers):
    return collections.Counter(a.status for a in answers)


def test_same_name(world):
    writer = world.writer
    for round_ in range(5):
        name = f"race-{round_}"
        check.equal(statuses(at_once(8, lambda _: writer.post("/v1/images", json={"name": name}))), {201: 1, 409: 7},
                    "an image")
        check.equal(statuses(at_once(8, lambda _: writer.post(f"/v1/images/{name}/versions", json={"version": "1"}))),
                    {201: 1, 409: 7}, "a version")
        check.equal(statuses(at_once(8, lambda _: writer.artifact(name, "1", digest_of(b"x"), 1))), {201: 1, 409: 7},
                    "an artifact")


def test_publish_against_edits(world):
    """A manifest is frozen as a whole: accepted changes are in it, refused ones are not."""
    writer, data = world.writer, b"raced"
    digest = writer.upload(data)
    for round_ in range(5):
        writer.draft("race-publish", f"{round_}")
        writer.artifact("race-publish", f"{round_}", digest, len(data)).expect(201)

        def call(n):
            if n % 2:
                return writer.post(f"/v1/images/race-publish/versions/{round_}/publish")
            return writer.artifact("race-publish", f"{round_}", digest, len(data), architecture=f"a{n}")

        answers = at_once(12, call)
        published, added = answers[1::2], answers[0::2]
        check.equal(statuses(published), {202: 1, 200: 5}, "publishing")
        check.equal(len({a.json["job_id"] for a in published}), 1, "one job")
        check.true(set(statuses(added)) <= {201, 412}, "adding", statuses(added))
        check.equal(writer.finished_job(published[0].json["job_id"])["state"], "succeeded", "the job")
        manifest = world.anonymous.get(f"/v1/images/race-publish/versions/{round_}").expect(200).json
        accepted = {a.json["id"] for a in added if a.status == 201}
        check.equal(len(manifest["artifacts"]), 1 + len(accepted), "the manifest has what was accepted")
        check.true(accepted <= {a["artifact"]["id"] for a in manifest["artifacts"]}, "and nothing else")


def test_completions(world):
    before = staged(world)
    data = os.urandom(300_000)
    upload = world.writer.new_upload(data)
    part = world.writer.put_part(upload, 1, data).expect(200).json
    check.equal(statuses(at_once(8, lambda _: world.writer.complete(upload, [part]))), {200: 8}, "completing")
    check.equal(world.writer.settled(upload)["state"], "ready", "ready")
    nothing_left(world, before)


def test_same_blob(world):
    before = staged(world)
    for round_ in range(3):
        data = os.urandom(200_000)
        uploads = [world.writer.new_upload(data) for _ in range(6)]
        parts = [world.writer.put_part(u, 1, data).expect(200).json for u in uploads]
        at_once(6, lambda n: world.writer.complete(uploads[n], [parts[n]]).expect(200))
        check.equal([world.writer.settled(u)["state"] for u in uploads], ["ready"] * 6, f"round {round_}: all are ready")
        check.true(world.anonymous.get(f"/v1/blobs/{digest_of(data)}").body == data, f"round {round_}: the blob")
    nothing_left(world, before)


def test_abort_against_parts(world):
    before = staged(world)
    for size in (300_000, 5_000_000):
        data = os.urandom(size)
        upload = world.writer.new_upload(data)
        with slow_part(world, upload, 1, size) as slow:
            slow.send(data[:size // 2])
            world.writer.post(f"/v1/uploads/{upload}/abort").expect(200)
            slow.send(data[size // 2:])
            check.equal(slow.answer()[0], 412, "a part of a session that was aborted before the part's end")
        nothing_left(world, before)


def test_complete_against_parts(world):
    """A part that arrives while the session is completed is either in it or refused."""
    before = staged(world)
    data = os.urandom(400_000)
    upload = world.writer.new_upload(data)
    first = world.writer.put_part(upload, 1, data).expect(200).json
    with slow_part(world, upload, 1, len(data)) as slow:
        slow.send(b"z" * 200_000)
        world.writer.complete(upload, [first]).expect(200)
        slow.send(b"z" * 200_000)
        check.equal(slow.answer()[0], 412, "a replacement for a part of a session that was completed before the part's end")
    check.equal(world.writer.settled(upload)["state"], "ready", "the completed bytes count")
    check.true(world.anonymous.get(f"/v1/blobs/{digest_of(data)}").body == data, "and they are the right ones")
    nothing_left(world, before)


def test_alias_moves(world):
    writer = world.writer
    for version in ("1", "2"):
        writer.published("race-alias", version, b"alias " + version.encode())
    answers = at_once(8, lambda n: writer.put("/v1/images/race-alias/aliases/x", json={"version": str(n % 2 + 1)}))
    check.equal(statuses(answers), {200: 8}, "moving an alias")
    check.equal(len({a.json["id"] for a in answers}), 1, "there is one")
    check.equal(world.anonymous.get("/v1/images/race-alias/refs/x").json["version"]["version"],
                writer.get("/v1/images/race-alias/aliases/x").json["version"], "readers see where it is")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
