#!/usr/bin/env python3
"""`imgsrv job list|show|retry|abandon` tell which step failed, why, which digests it is about and what to do next."""
import os
import subprocess

from harness.build import BINARY, clean_environment
from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server


def job(server, *words, code=0):
    done = subprocess.run([BINARY, "job", *words], capture_output=True, text=True, timeout=60, env={
        **clean_environment(), "IMGSRV_SERVER": "http://" + server.address, "IMGSRV_TOKEN": server.writer().token})
    check.equal(done.returncode, code, f"job {words}: {done.stdout} {done.stderr}")
    return done.stdout


def test_missing_blob(server):
    writer, data = server.writer(), os.urandom(3000)
    digest = digest_of(data)
    writer.draft("triage", "v1")
    writer.artifact("triage", "v1", digest, len(data)).expect(201)
    failed = writer.publish("triage", "v1")["id"]
    told = ["triage v1", "validate_catalog", "failed_precondition", "not uploaded", f"affected: {digest}", "upload what is missing",
            f"imgsrv job retry {failed}", f"imgsrv job abandon {failed}"]
    check.contains(job(server, "list", "--state", "failed"), told, "the list")
    check.contains(job(server, "show", failed), ["STEP", *told], "one job")
    writer.upload(data)
    check.contains(job(server, "retry", failed), ["retrying triage v1", "validate_catalog failed", digest, "imgsrv job show"], "a retry")
    check.equal(writer.finished_job(failed)["state"], "succeeded", "it goes through")
    check.true("next:" not in job(server, "show", failed), "then there is nothing to do")


def test_damaged_blob(server):
    writer, data = server.writer(), os.urandom(3000)
    digest = writer.upload(data)
    server.backends.database.execute(f"UPDATE blobs SET damaged_us = 1, damage = 'holds other bytes' WHERE digest = '{digest}'")
    writer.draft("triage", "v2")
    writer.artifact("triage", "v2", digest, len(data)).expect(201)
    failed = writer.publish("triage", "v2")["id"]
    check.contains(job(server, "show", failed), ["data_loss", f"affected: {digest}", "upload the damaged bytes again"], "damage")
    writer.upload(data)
    job(server, "retry", failed, "--follow")


def test_wrong_format(server):
    """A failure that names no digest: the command shows those of the version."""
    writer, data = server.writer(), os.urandom(3000)
    digest = writer.upload(data)
    writer.draft("triage", "v3")
    writer.artifact("triage", "v3", digest, len(data), format="qcow2").expect(201)
    failed = writer.publish("triage", "v3")["id"]
    check.contains(job(server, "show", failed), ["is not a qcow2 disk", "fix what it reports", f"of the version: {digest}"], "a wrong format")
    check.contains(job(server, "abandon", failed), ["abandoned", "validate_catalog failed", "draft again", "publish it again"],
                   "giving up")
    check.contains(job(server, "show", failed), ["next: publish triage v3 again"], "an abandoned job")
    check.equal(job(server, "list", "--state", "failed").splitlines(), ["no such job"], "none is left")


def main():
    with Server("--scrub-rate", "0") as server:
        for test in (test_missing_blob, test_damaged_blob, test_wrong_format):
            check.run(test, server)
        check.equal(server.stop(), 0, "the server stops well")
    check.finish()


if __name__ == "__main__":
    main()
