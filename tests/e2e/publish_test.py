#!/usr/bin/env python3
"""`imgsrv publish` and the other client commands against a real server: effects, output and exit codes."""
import json
import os
import signal
import stat
import subprocess
import threading
import time

import images
from server_test import ServerTest, main
from harness.build import BINARY
from harness.pair import EMBEDDED, LEAST_PART
from harness.programs import sha256
from harness.relay import Relay
from harness.waiting import wait_until

LINUX = ("--os", "linux", "--arch", "x86_64")

# For uploads that are interrupted: as many parts as possible.
PART = max(64 << 10, LEAST_PART)
PARTS = 384 if EMBEDDED else 24


def events(done):
    """The events of a --json run; every line of stdout must be one."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def named(done, name):
    return [event for event in events(done) if event["event"] == name]


class Publish(ServerTest):
    def publish(self, *arguments, **more):
        return self.server.imgsrv("publish", *arguments, *LINUX, **more)

    def test_container_and_disk_in_one_version(self):
        squashfs = images.make_squashfs(self.folder, "both")
        disk = images.make_disk(self.folder, "both")
        metadata = images.make_metadata(self.folder, "both")
        done = self.server.publish("both", "1.0", "--rootfs", squashfs, "--disk", disk, "--metadata", metadata, "--alias", "latest",
                                   "--alias", "stable", "--display-name", "Both kinds")
        self.assertIn("both 1.0 is published", done.stdout)
        self.assertEqual(done.stderr, "")

        manifest = self.server.anonymous().get("/v1/images/both/refs/stable").json
        self.assertEqual(manifest["image"]["display_name"], "Both kinds")
        self.assertEqual({a["artifact"]["format"] for a in manifest["artifacts"]}, {"squashfs", "qcow2"})
        for entry in manifest["artifacts"]:
            artifact = entry["artifact"]
            path = {"squashfs": squashfs, "qcow2": disk}[artifact["format"]]
            self.assertEqual(artifact["primary_blob_digest"], "sha256:" + sha256(path))
            self.assertEqual(artifact["primary_blob_size_bytes"], path.stat().st_size)
            self.assertEqual([a["name"] for a in entry["attachments"]], ["incus.tar.xz"])
            blob = self.server.anonymous().get("/v1/blobs/" + artifact["primary_blob_digest"])
            self.assertEqual(blob.body, path.read_bytes())

    def test_again_is_a_success_that_sends_nothing(self):
        disk = images.make_disk(self.folder, "again")
        self.server.publish("again", "1", "--disk", disk)
        done = self.publish("again", "1", "--disk", disk, "--alias", "late", "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(len(named(done, "unchanged")), 1)
        self.assertEqual(named(done, "upload"), [])
        self.assertEqual(self.server.anonymous().get("/v1/images/again/aliases/late").json["version"], "1")

    def test_bytes_the_server_has_are_not_sent(self):
        disk = images.make_disk(self.folder, "have")
        self.server.publish("have", "1", "--disk", disk)
        done = self.publish("have", "2", "--disk", disk, "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(len(named(done, "present")), 1)
        self.assertEqual(named(done, "upload"), [])

    def test_other_bytes_under_a_published_version_are_refused(self):
        self.server.publish("frozen", "1", "--disk", images.make_disk(self.folder, "frozen-a"))
        other = images.make_disk(self.folder, "frozen-b")
        done = self.publish("frozen", "1", "--disk", other)
        self.assertEqual(done.returncode, 6)
        self.assertIn("is published and cannot change", done.stderr)
        self.assertIn("sha256:" + sha256(other), done.stderr)

    def test_several_platforms_through_a_draft(self):
        arm = images.make_disk(self.folder, "arm")
        intel = images.make_disk(self.folder, "intel")
        done = self.server.imgsrv("publish", "multi", "1", "--os", "linux", "--arch", "aarch64", "--disk", arm, "--draft")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.server.anonymous().get("/v1/images/multi/versions/1").status, 404)
        self.server.publish("multi", "1", "--disk", intel)
        manifest = self.server.anonymous().get("/v1/images/multi/versions/1").json
        self.assertEqual({a["artifact"]["architecture"] for a in manifest["artifacts"]}, {"aarch64", "x86_64"})

    def test_a_draft_with_other_bytes_needs_replace(self):
        first = images.make_disk(self.folder, "draft-a")
        second = images.make_disk(self.folder, "draft-b")
        self.assertEqual(self.publish("redo", "1", "--disk", first, "--draft").returncode, 0)
        done = self.publish("redo", "1", "--disk", second)
        self.assertEqual(done.returncode, 6)
        self.assertIn("--replace", done.stderr)
        self.server.publish("redo", "1", "--disk", second, "--replace")
        manifest = self.server.anonymous().get("/v1/images/redo/versions/1").json
        self.assertEqual([a["artifact"]["primary_blob_digest"] for a in manifest["artifacts"]], ["sha256:" + sha256(second)])

    def test_attachments_keep_their_name_and_type(self):
        note = self.folder / "note.txt"
        note.write_text("hello")
        self.server.publish("attached", "1", "--file", f"raw={images.make_random(self.folder, 'attached.raw', 1)}",
                            "--attach", f"sbom.json={note}:application/spdx+json", "--attach", f"note.txt={note}")
        manifest = self.server.anonymous().get("/v1/images/attached/versions/1").json
        attachments = {a["name"]: a for a in manifest["artifacts"][0]["attachments"]}
        self.assertEqual(attachments["sbom.json"]["media_type"], "application/spdx+json")
        self.assertEqual(attachments["note.txt"]["media_type"], "text/plain")

    def test_wrong_input_is_refused_before_anything_is_sent(self):
        text = self.folder / "text"
        text.write_text("no image")
        empty = self.folder / "empty"
        empty.touch()
        for arguments, reason in ((("--disk", text), "is not a qcow2 file"),
                                  (("--rootfs", text), "neither a squashfs nor an xz file"),
                                  (("--disk", self.folder / "nowhere"), "No such file"),
                                  (("--file", f"raw={empty}"), "is empty"),
                                  (("--file", f"iso={text}"), "'iso' is not an image format"),
                                  (("--file", f"raw={text}", "--part-size", "1KiB"), "outside the range 64.0 KiB to"),
                                  ((), "nothing to publish")):
            with self.subTest(reason=reason):
                done = self.publish("wrong", "1", *arguments)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(reason, done.stderr)
        done = self.publish("Wrong Name", "1", "--file", f"raw={text}")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(self.server.owner.get("/v1/images/wrong").status, 404)

    def test_parts_that_the_store_does_not_join_are_refused_before_they_are_sent_for_nothing(self):
        path = images.make_random(self.folder, "small-parts.raw", 12)
        done = self.publish("small-parts", "1", "--file", f"raw={path}", "--part-size", "1MiB")
        if EMBEDDED:
            self.assertEqual(done.returncode, 0, done.stderr)
            return
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("part 1 has 1048576 of the 12582912 bytes", done.stderr)
        self.assertIn("no part below 5242880 bytes but the last", done.stderr)
        done = self.publish("small-parts", "1", "--file", f"raw={path}", "--part-size", "5MiB")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_each_failure_has_its_exit_code(self):
        text = self.folder / "codes"
        text.write_text("x")
        raw = ("--file", f"raw={text}")
        env = self.server.client_env()
        self.assertEqual(self.publish("codes", "1", *raw, env={**env, "IMGSRV_TOKEN": ""}).returncode, 4)
        self.assertEqual(self.publish("codes", "1", *raw, env={**env, "IMGSRV_TOKEN": "imgsrv_at_no_no"}).returncode, 4)
        self.assertEqual(self.publish("codes", "1", *raw, "--retry-for", "1s",
                                      env={**env, "IMGSRV_SERVER": "http://127.0.0.1:1"}).returncode, 3)
        untrusted = self.publish("codes", "1", *raw, env={k: v for k, v in env.items() if k != "SSL_CERT_FILE"})
        self.assertEqual(untrusted.returncode, 3)
        self.assertIn("--cacert", untrusted.stderr)
        self.assertEqual(self.server.imgsrv("images", "codes-not-there").returncode, 5)
        self.assertEqual(self.server.imgsrv("alias", "set", "codes-not-there", "a", "1").returncode, 5)

    def test_a_job_that_fails_tells_why_and_goes_on_once_mended(self):
        """A draft names a blob that is not there: published by hand it fails; the command brings the blob and retries."""
        disk = images.make_disk(self.folder, "late")
        digest = "sha256:" + sha256(disk)
        owner = self.server.owner
        self.assertEqual(owner.post("/v1/images", json={"name": "late"}).status, 201)
        self.assertEqual(owner.post("/v1/images/late/versions", json={"version": "1"}).status, 201)
        self.assertEqual(owner.post("/v1/images/late/versions/1/artifacts", json={
            "operating_system": "linux", "architecture": "x86_64", "format": "qcow2", "primary_blob_digest": digest,
            "primary_blob_size_bytes": disk.stat().st_size, "primary_media_type": "application/x-qemu-disk"}).status, 201)
        job = owner.post("/v1/images/late/versions/1/publish").json["job_id"]
        wait_until(lambda: owner.get(f"/v1/publish-jobs/{job}").json["state"] == "failed", "the job fails")

        retry = self.server.imgsrv("job", "retry", job, "--follow")
        self.assertEqual(retry.returncode, 7, retry.stdout)
        self.assertIn(digest, retry.stderr)
        self.assertIn("validate_catalog", retry.stderr)
        shown = self.server.imgsrv("job", "show", job).stdout
        self.assertIn("failed", shown)

        self.server.publish("late", "1", "--disk", disk)
        self.assertEqual(self.server.anonymous().get("/v1/images/late/versions/1").json["version"]["state"], "published")

    def test_an_abandoned_job_gives_the_draft_back(self):
        owner = self.server.owner
        owner.post("/v1/images", json={"name": "given-up"})
        owner.post("/v1/images/given-up/versions", json={"version": "1"})
        owner.post("/v1/images/given-up/versions/1/artifacts", json={
            "operating_system": "linux", "architecture": "x86_64", "format": "raw", "primary_blob_digest": "sha256:" + "0" * 64,
            "primary_blob_size_bytes": 1, "primary_media_type": "application/octet-stream"})
        job = owner.post("/v1/images/given-up/versions/1/publish").json["job_id"]
        wait_until(lambda: owner.get(f"/v1/publish-jobs/{job}").json["state"] == "failed", "the job fails")
        done = self.server.imgsrv("job", "abandon", job)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(owner.get("/v1/images/given-up/versions/1").json["version"]["state"], "draft")

    def test_json_events_tell_the_whole_story(self):
        disk = images.make_disk(self.folder, "story")
        done = self.publish("story", "1", "--disk", disk, "--alias", "latest", "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stderr, "")
        names = [event["event"] for event in events(done) if event["event"] not in ("progress", "step")]
        self.assertEqual(names, ["warning", "hashed", "draft", "upload", "uploaded", "publishing", "alias", "published"])
        succeeded = [event["name"] for event in named(done, "step") if event["state"] == "succeeded"]
        self.assertEqual(succeeded, ["validate_catalog", "incus_index", "finalize_publish"])
        failed = self.publish("story", "1", "--disk", images.make_disk(self.folder, "story-b"), "--json")
        self.assertEqual(failed.returncode, 6)
        error = events(failed)[-1]
        self.assertEqual((error["event"], error["exit_code"], error["code"]), ("error", 6, "failed_precondition"))

    def test_images_aliases_and_tokens(self):
        raw = images.make_random(self.folder, "listed.raw", 1)
        self.server.publish("listed", "1", "--file", f"raw={raw}")
        self.server.publish("listed", "2", "--file", f"raw={raw}")
        command = self.server.imgsrv
        self.assertIn("listed", command("images").stdout)
        self.assertEqual(command("alias", "set", "listed", "latest", "1").returncode, 0)
        self.assertEqual(command("alias", "set", "listed", "latest", "2").returncode, 0)
        self.assertRegex(command("images", "listed").stdout, r"(?m)^2 +latest")
        self.assertIn("sha256:" + sha256(raw), command("images", "listed", "latest").stdout)
        self.assertEqual(json.loads(command("alias", "list", "listed", "--json").stdout)[0]["version"], "2")
        self.assertEqual(command("alias", "set", "listed", "latest", "3").returncode, 5)
        self.assertEqual(command("alias", "delete", "listed", "latest").returncode, 0)
        self.assertIn("no alias", command("alias", "list", "listed").stdout)

    def test_a_token_does_what_its_role_says_until_it_is_revoked(self):
        secret = self.folder / "ci.token"
        done = self.server.imgsrv("token", "create", "--name", "ci", "--role", "content-writer", "--expires", "1h", "--output", secret)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("imgsrv_at_", done.stdout)
        self.assertEqual(stat.S_IMODE(os.stat(secret).st_mode), 0o600)
        text = self.folder / "by-ci"
        text.write_text("x")
        env = {k: v for k, v in self.server.client_env().items() if k != "IMGSRV_TOKEN"}
        arguments = ("--file", f"raw={text}", "--token-file", secret)
        self.assertEqual(self.publish("by-ci", "1", *arguments, env=env).returncode, 0)
        self.assertEqual(self.server.imgsrv("token", "list", "--token-file", secret, env=env).returncode, 4)
        principals = json.loads(self.server.imgsrv("token", "list", "--json").stdout)
        tokens = next(p for p in principals if p["display_name"] == "ci")["api_tokens"]
        self.assertEqual(self.server.imgsrv("token", "revoke", tokens[0]["id"]).returncode, 0)
        self.assertEqual(self.publish("by-ci", "2", *arguments, env=env).returncode, 4)


class Interrupted(ServerTest):
    def setUp(self):
        # Between client and server, so that a client cannot finish before it is interrupted.
        self.relay = Relay(self.server.tls_address)
        self.addCleanup(self.relay.close)
        self.env = {**self.server.client_env(), "IMGSRV_SERVER": f"https://{self.relay.address}"}

    def start_publish(self, image, path):
        """A publish with small parts, under way; its stdout, event by event, in .events."""
        process = subprocess.Popen([BINARY, "publish", image, "1", *LINUX, "--file", f"raw={path}", "--part-size", f"{PART >> 10}KiB",
                                    "--parallel", "2", "--json", "--retry-for", "1m"],
                                   env=self.env, stdout=subprocess.PIPE, text=True)
        process.events = []

        def read():
            for line in process.stdout:
                process.events.append(json.loads(line))

        process.reader = threading.Thread(target=read, daemon=True)
        process.reader.start()
        return process

    def upload_of(self, process):
        return wait_until(lambda: next((e["upload_id"] for e in process.events if e["event"] == "upload"), None), "an upload begins")

    def wait_for_parts(self, upload, count):
        parts = lambda: self.server.owner.get(f"/v1/uploads/{upload}/parts").json["parts"]
        return wait_until(lambda: len(parts()) >= count and parts(), f"{count} parts are accepted")

    def test_a_killed_client_goes_on_where_it_was(self):
        path = images.make_random(self.folder, "client-killed.raw", PART * PARTS >> 20)
        self.relay.hold_after(PART * PARTS // 2)
        process = self.start_publish("client-killed", path)
        upload = self.upload_of(process)
        self.wait_for_parts(upload, PARTS // 16)
        process.kill()
        process.wait()
        self.end_connections()
        accepted = self.server.owner.get(f"/v1/uploads/{upload}/parts").json["parts"]
        self.assertLess(len(accepted), PARTS, "the client was killed before it had sent everything")
        log_before = len(self.server.log.events)

        done = self.server.imgsrv("publish", "client-killed", "1", *LINUX, "--file", f"raw={path}", "--json", env=self.env)
        self.assertEqual(done.returncode, 0, done.stdout)
        begun = named(done, "upload")[0]
        self.assertEqual(begun["upload_id"], upload)
        self.assertGreaterEqual(begun["resumed_bytes"], sum(part["size_bytes"] for part in accepted))
        self.assertEqual(self.parts_put(log_before), PARTS - len(accepted), "an accepted part was sent again")

    def end_connections(self):
        """Ends the connections of a client that is gone, and waits for the server to finish its requests."""
        self.relay.cut()
        wait_until(lambda: self.server.connections(self.server.tls_address) == 0
                   and self.server.metric("http_server_active_requests") == 0, "the client's requests have ended")
        self.relay.mend()

    def parts_put(self, since):
        """How many parts the server has accepted since that line of its log."""
        requests = [e for e in self.server.log.events[since:] if e.get("msg") == "request" and e["method"] == "PUT"]
        return sum(r["route"].endswith("/parts/{number}") and r["status"] == 200 for r in requests)

    def test_a_killed_server_costs_the_client_nothing_but_time(self):
        self.env = self.server.client_env()  # past the relay, for the client to meet the death itself
        path = images.make_random(self.folder, "server-killed.raw", PART * PARTS >> 20)
        process = self.start_publish("server-killed", path)
        upload = self.upload_of(process)
        for count in (PARTS // 16, PARTS // 3, PARTS * 2 // 3):
            self.wait_for_parts(upload, count)
            self.server.kill()
            time.sleep(0.5)
            self.server.start()
        self.assertEqual(process.wait(timeout=120), 0, process.events[-3:])
        process.reader.join()
        self.assertEqual(process.events[-1]["event"], "published")
        blob = self.server.anonymous().get("/v1/blobs/sha256:" + sha256(path))
        self.assertEqual(blob.body, path.read_bytes())

    def test_a_stale_record_is_forgotten(self):
        path = images.make_random(self.folder, "stale.raw", PART * PARTS // 3 >> 20)
        self.relay.hold_after(PART * PARTS // 6)
        process = self.start_publish("stale", path)
        upload = self.upload_of(process)
        self.wait_for_parts(upload, 3)
        process.send_signal(signal.SIGTERM)
        process.wait()
        self.end_connections()
        self.assertEqual(self.server.owner.post(f"/v1/uploads/{upload}/abort").status, 200)
        done = self.server.imgsrv("publish", "stale", "1", *LINUX, "--file", f"raw={path}", "--json", env=self.env)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(named(done, "upload")[0]["resumed_bytes"], 0)
        records = list((self.server.folder / "state/imgsrv/uploads").iterdir())
        self.assertEqual(records, [], "a finished upload leaves no record behind")

    def test_a_file_that_changes_under_way_is_not_published(self):
        path = images.make_random(self.folder, "changing.raw", PART * PARTS >> 20)
        self.relay.hold_after(PART * PARTS // 2)
        process = self.start_publish("changing", path)
        self.wait_for_parts(self.upload_of(process), 3)
        with open(path, "r+b") as file:
            file.seek(PART * PARTS - 100)
            file.write(b"other bytes")
        self.relay.mend()
        self.assertEqual(process.wait(timeout=120), 8)
        process.reader.join()
        self.assertIn("changed", process.events[-1]["message"])
        self.assertEqual(self.server.anonymous().get("/v1/images/changing/versions/1").status, 404)


if __name__ == "__main__":
    main()
