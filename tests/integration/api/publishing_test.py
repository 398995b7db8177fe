"""Publishing: what fails it, and how to go on."""
import os

from harness.checks import check
from harness.client import digest_of
from world import NO_ID


def refused(answer, status, words, what):
    check.equal(answer.status, status, what)
    check.contains(answer.detail, words, f"{what}: detail")


def states(job):
    return [(s["name"], s["state"], s["attempt_count"]) for s in job["steps"]]


def test_empty_draft(world):
    world.writer.draft("empty", "1")
    refused(world.writer.post("/v1/images/empty/versions/1/publish"), 412, ["empty 1", "no artifact"],
            "publishing an empty draft")
    version = world.writer.get("/v1/images/empty/versions/1").expect(200).json["version"]
    check.equal(version["state"], "draft", "it stays a draft")


def test_missing_blobs(world):
    """Fails in validate_catalog with the digests named; after the upload a retry succeeds."""
    writer, primary, notes = world.writer, os.urandom(1000), os.urandom(50)
    writer.draft("missing", "1")
    artifact = writer.artifact("missing", "1", digest_of(primary), len(primary)).expect(201).json["id"]
    writer.post(f"/v1/images/missing/versions/1/artifacts/{artifact}/attachments", json={
        "name": "notes", "media_type": "text/plain", "blob_digest": digest_of(notes),
        "blob_size_bytes": len(notes)}).expect(201)
    started = writer.post("/v1/images/missing/versions/1/publish", json={})
    check.equal((started.status, started.json["state"]), (202, "publishing"), "publishing is queued")
    check.equal(started.header("Location"), f"/v1/publish-jobs/{started.json['job_id']}", "Location")
    job = writer.finished_job(started.json["job_id"])
    check.equal((job["state"], job["failed_step"], job["reason"]), ("failed", "validate_catalog", "failed_precondition"),
                "the job fails in validate_catalog")
    check.contains(job["failure_message"], [digest_of(primary), digest_of(notes), "notes", "not uploaded"],
                   "the digests are named")
    check.equal(states(job)[1:], [("incus_index", "queued", 0), ("finalize_publish", "queued", 0)], "no later step ran")
    check.contains(job["steps"][0]["failure_message"], [digest_of(primary)], "the step says it too")
    check.equal(world.anonymous.get("/v1/images/missing").status, 404, "nothing is published")
    repeated = writer.post("/v1/images/missing/versions/1/publish")
    check.equal((repeated.status, repeated.json["job_id"]), (200, job["id"]), "publishing again gives the same job")

    writer.upload(primary)
    writer.post(f"/v1/publish-jobs/{job['id']}/retry").expect(202)
    job = writer.finished_job(job["id"])
    check.equal(job["state"], "failed", "one of the blobs is still missing")
    check.true(digest_of(primary) not in job["failure_message"] and digest_of(notes) in job["failure_message"],
               "only that one is named", job["failure_message"])

    writer.upload(notes)
    answer = writer.post(f"/v1/publish-jobs/{job['id']}/retry", json={})
    check.equal((answer.status, answer.json["state"]), (202, "queued"), "a retry")
    check.true("failure_message" not in answer.json, "the retried job has no failure")
    job = writer.finished_job(job["id"])
    check.equal(job["state"], "succeeded", "with all blobs there it succeeds")
    check.equal(states(job), [("validate_catalog", "succeeded", 3), ("incus_index", "succeeded", 1),
                              ("finalize_publish", "succeeded", 1)], "each step ran as often as it had to")
    check.equal(world.anonymous.get("/v1/images/missing/versions/1").json["version"]["state"], "published", "published")


def test_retry_runs_no_finished_step_again(world):
    """A job that fails in its second step: the first is not run again."""
    writer = world.writer
    writer.draft("rerun", "1")
    # A unified tarball with the right first bytes only: just the index reads further.
    broken = b"\x1f\x8b" + os.urandom(500)
    writer.artifact("rerun", "1", writer.upload(broken), len(broken), format="unified.tar.gz").expect(201)
    job = writer.publish("rerun", "1")
    check.equal((job["state"], job.get("failed_step")), ("failed", "incus_index"), "the job fails in incus_index")
    check.equal(states(job)[0], ("validate_catalog", "succeeded", 1), "after validate_catalog")
    writer.post(f"/v1/publish-jobs/{job['id']}/retry").expect(202)
    again = writer.finished_job(job["id"])
    check.equal(states(again), [("validate_catalog", "succeeded", 1), ("incus_index", "failed", 2),
                                ("finalize_publish", "queued", 0)], "only the failed step ran again")
    check.equal(again["steps"][0].get("finished_at"), job["steps"][0].get("finished_at"), "the first was left alone")


def test_wrong_content(world):
    writer = world.writer
    for version, format_, data, words in (
            ("size", "raw", b"three", ["size", "5", "6"]),
            ("magic", "qcow2", b"this is no disk", ["qcow2", "first bytes"]),
            ("mix-up", "squashfs", b"QFI\xfb" + bytes(20), ["squashfs", "qcow2"])):
        writer.draft("wrong", version)
        size = len(data) + (version == "size")
        writer.artifact("wrong", version, writer.upload(data), size, format=format_).expect(201)
        job = writer.publish("wrong", version)
        check.equal((job["state"], job.get("failed_step")), ("failed", "validate_catalog"), f"wrong {version}")
        check.contains(job["failure_message"], words, f"wrong {version}: failure_message")


def test_abandon(world):
    writer = world.writer
    writer.draft("abandoned", "1")
    artifact = writer.artifact("abandoned", "1", digest_of(b"nowhere"), 7).expect(201).json["id"]
    job = writer.publish("abandoned", "1")
    for attempt, body in (("first", {}), ("second", {"json": {}})):
        answer = writer.post(f"/v1/publish-jobs/{job['id']}/abandon", **body)
        check.equal((answer.status, answer.json["state"]), (200, "abandoned"), f"{attempt} abandon")
    check.equal(writer.get("/v1/images/abandoned/versions/1").json["version"]["state"], "draft", "a draft again")
    refused(writer.post(f"/v1/publish-jobs/{job['id']}/retry"), 412, [job["id"], "abandoned", "failed"],
            "retrying an abandoned job")
    writer.delete(f"/v1/images/abandoned/versions/1/artifacts/{artifact}").expect(204)
    writer.artifact("abandoned", "1", writer.upload(b"nowhere"), 7).expect(201)
    again = writer.publish("abandoned", "1")
    check.true(again["id"] != job["id"], "publishing gives a new job")
    check.equal(again["state"], "succeeded", "which succeeds")
    for action in ("retry", "abandon"):
        refused(writer.post(f"/v1/publish-jobs/{again['id']}/{action}"), 412, [again["id"], "succeeded", "failed"],
                f"{action} of a job that succeeded")
    repeated = writer.post("/v1/images/abandoned/versions/1/publish")
    check.equal((repeated.status, repeated.json["job_id"], repeated.json["state"]), (200, again["id"], "published"),
                "publishing what is published")
    # A draft that once had a job can be deleted.
    writer.draft("abandoned", "2")
    writer.artifact("abandoned", "2", digest_of(b"nowhere else"), 7).expect(201)
    job = writer.publish("abandoned", "2")
    writer.post(f"/v1/publish-jobs/{job['id']}/abandon").expect(200)
    check.equal(writer.delete("/v1/images/abandoned/versions/2").status, 204, "deleting a draft that had a job")


def test_job_list(world):
    for state in ("queued", "running", "succeeded", "failed", "abandoned"):
        listed = world.writer.get(f"/v1/publish-jobs?state={state}&limit=1000").expect(200).json["publish_jobs"]
        check.true(all(j["state"] == state for j in listed), f"only {state} jobs")
    refused(world.writer.get("/v1/publish-jobs?state=finished"), 400, ["state", "finished", "succeeded", "abandoned"],
            "an unknown state")
    refused(world.writer.get("/v1/publish-jobs?state=%ff"), 400, ["state", "UTF-8"], "a state that is no text")
    refused(world.writer.get(f"/v1/publish-jobs/{NO_ID}"), 404, ["publish job", NO_ID], "an unknown job")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
