"""A publisher: uploads blobs, edits a draft, publishes it and moves an alias, over and over, on a server that dies often."""
import threading
import time

from harness.pair import EMBEDDED, LEAST_PART
from ledger import Blob
from uploads import KIB, Patient, Upload

# Several parts.
LARGEST = 3072 * KIB if EMBEDDED else 3 * LEAST_PART

MAGIC = {"raw": b"", "qcow2": b"QFI\xfb", "squashfs": b"hsqs"}


class Publisher(threading.Thread):
    def __init__(self, name, server, token, moments, ledger, random, keep_going, largest=LARGEST):
        super().__init__(name=name, daemon=True)
        self.image = name
        self.server, self.token, self.moments, self.ledger = server, token, moments, ledger
        self.random = random
        self.keep_going = keep_going
        self.largest = largest
        self.patient = Patient(server, token, moments)
        self.error = None
        self.versions = 0

    def run(self):
        try:
            self._retry_or_exists("image", "/v1/images", {"name": self.image})
            while self.keep_going():
                self.versions += 1
                self.publish_version(f"v{self.versions}")
        except Exception as e:  # told by the test
            self.error = e
            self.ledger.violation(f"{self.image} v{self.versions}: {type(e).__name__}: {e}")

    def blob(self, magic=b"", least=1):
        size = self.random.choice((least, 3000, 90 * KIB, self.random.randrange(KIB, self.largest)))
        return Blob(magic + self.random.randbytes(size))

    def upload(self, blob):
        """Until it is trusted. An upload that the client itself aborted starts over."""
        while Upload(self.server, self.token, self.moments, self.ledger, blob, self.random).run() == "aborted":
            pass

    def upload_wrong_bytes(self):
        data = self.random.randbytes(self.random.randrange(1, 600 * KIB))
        if self.random.random() < 0.7:
            blob = Blob(data, declared=Blob(data + b"?").true_digest)
        else:
            blob = Blob(data, declared_size=len(data) + 1)
        Upload(self.server, self.token, self.moments, self.ledger, blob, self.random).run()

    def _retry_or_exists(self, phase, path, document):
        """The created thing, or None when an earlier try, whose answer was lost, had created it."""
        answer, lost = self.patient.json(phase, "POST", path, document, accept=(201, 409))
        created = "id" in answer
        if not created and not lost:
            raise AssertionError(f"{path}: 409 at the first try")
        return answer if created else None

    def remove(self, phase, path):
        self.patient.json(phase, "DELETE", path, accept=(204, 404))

    def publish_version(self, version):
        image = f"/v1/images/{self.image}"
        path = f"{image}/versions/{version}"
        if self.random.random() < 0.35:
            self.upload_wrong_bytes()

        self._retry_or_exists("draft", f"{image}/versions", {"version": version})
        if self.random.random() < 0.2:
            self._add_artifact(path, "raw", Blob(b"thrown away"), "i386")
            self._clear(path)
            self.remove("delete-draft", path)
            self._retry_or_exists("draft", f"{image}/versions", {"version": version})

        blobs = []
        late = self.random.random() < 0.15
        for architecture in self.random.sample(("x86_64", "aarch64", "riscv64"), self.random.choice((1, 1, 2))):
            form = self.random.choice(tuple(MAGIC))
            disk, metadata = self.blob(MAGIC[form], least=3000), self.blob()
            if not late:
                self.upload(disk)
            self.upload(metadata)
            artifact = self._add_artifact(path, form, disk, architecture)
            if self.random.random() < 0.2:  # changes its mind
                self.remove("delete-artifact", f"{path}/artifacts/{artifact}")
                artifact = self._add_artifact(path, form, disk, architecture)
            self._retry_or_exists("attachment", f"{path}/artifacts/{artifact}/attachments", {
                "name": "incus.tar.xz", "media_type": "application/x-xz",
                "blob_digest": metadata.digest, "blob_size_bytes": metadata.size})
            blobs += [disk, metadata]

        job = self._publish(path)
        if late:
            job = self._publish_late(path, job, blobs)
        self.ledger.tally.true(job["state"] == "succeeded", f"{path}: the job ended as {job}")
        with self.ledger.lock:
            self.ledger.published[self.image, version] = {b.digest for b in blobs}
        self._move_alias(image, "latest", version)

    def _add_artifact(self, path, form, blob, architecture):
        added = self._retry_or_exists("artifact", f"{path}/artifacts", {
            "operating_system": "linux", "architecture": architecture, "format": form,
            "primary_blob_digest": blob.digest, "primary_blob_size_bytes": blob.size,
            "primary_media_type": "application/octet-stream"})
        if added:
            return added["id"]
        listed, _ = self.patient.json("look", "GET", f"{path}/artifacts")
        return next(a["id"] for a in listed["artifacts"] if a["architecture"] == architecture)

    def _clear(self, path):
        listed, _ = self.patient.json("look", "GET", f"{path}/artifacts")
        for artifact in listed["artifacts"]:
            self.remove("delete-artifact", f"{path}/artifacts/{artifact['id']}")

    def _publish(self, path):
        started, _ = self.patient.json("publish", "POST", f"{path}/publish")
        return self._follow(started["job_id"])

    def _follow(self, job_id):
        end = time.monotonic() + 240
        while True:
            job, _ = self.patient.json("follow", "GET", f"/v1/publish-jobs/{job_id}")
            if job["state"] in ("succeeded", "failed", "abandoned"):
                return job
            running = [s["name"] for s in job["steps"] if s["state"] == "running"]
            self.moments.at("step:" + (running[0] if running else "queued"))
            if time.monotonic() > end:
                raise AssertionError(f"publish job after 240 s: {job}")
            time.sleep(0.005)

    def _publish_late(self, path, job, blobs):
        """The first job lacked its disk. Uploads it, then retries the job or abandons it and publishes again."""
        self.ledger.tally.true(job["state"] == "failed" and job.get("failed_step") == "validate_catalog",
                                f"{path}: published without its blobs: {job}")
        abandon = self.random.random() < 0.5
        if abandon:
            job, _ = self.patient.json("abandon", "POST", f"/v1/publish-jobs/{job['id']}/abandon")
            self.ledger.tally.true(job["state"] == "abandoned", f"{path}: an abandoned job is {job['state']}")
            self.ledger.add("abandoned_jobs")
        for blob in blobs:
            self.upload(blob)
        if abandon:
            return self._publish(path)
        self.ledger.add("retried_jobs")
        answer, lost = self.patient.json("retry", "POST", f"/v1/publish-jobs/{job['id']}/retry", accept=(202, 412))
        if "id" not in answer and not lost:
            raise AssertionError(f"{path}: a failed job cannot be retried: {answer}")
        return self._follow(job["id"])

    def _move_alias(self, image, alias, version):
        key = (self.image, alias)
        with self.ledger.lock:
            self.ledger.aliases.setdefault(key, {None}).add(version)
        self.patient.json("alias", "PUT", f"{image}/aliases/{alias}", {"version": version})
        with self.ledger.lock:
            self.ledger.aliases[key] = {version}


class Watcher(threading.Thread):
    """A reader that checks every answer: what is served must be right, and what was promised must stay."""

    def __init__(self, server, ledger, random, stop):
        super().__init__(name="watcher", daemon=True)
        self.patient = Patient(server, None, NoMoments())
        self.ledger, self.random, self.stop = ledger, random, stop
        self.reads = 0

    def run(self):
        while not self.stop.is_set():
            self.look()
            self.reads += 1
            time.sleep(0.01)

    def look(self):
        with self.ledger.lock:
            blobs, ready = list(self.ledger.planned.values()), set(self.ledger.ready)
            never, published = list(self.ledger.never), list(self.ledger.published.items())
        if never:
            digest = self.random.choice(never)
            status = self.get(f"/v1/blobs/{digest}").status
            if status != 404:
                self.ledger.violation(f"{digest} was never verified and is answered {status}")
        if blobs:
            blob = self.random.choice(blobs)
            answer = self.get(f"/v1/blobs/{blob.digest}")
            status, body = answer.status, answer.body
            if status == 200 and body != blob.data:
                self.ledger.violation(f"{blob.digest}: other bytes were served")
            elif status != 200 and (status != 404 or blob.digest in ready):
                self.ledger.violation(f"{blob.digest} is answered {status}, it was {'ready' if blob.digest in ready else 'on its way'}")
        if published:
            (image, version), digests = self.random.choice(published)
            answer = self.get(f"/v1/images/{image}/versions/{version}")
            status, body = answer.status, answer.body
            if status != 200 or not all(d.encode() in body for d in digests):
                self.ledger.violation(f"{image} {version} was published and is answered {status} {body[:300]}")

    def get(self, path):
        answer, _ = self.patient.until_answered("read", lambda: self.patient.client.get(path))
        return answer


class NoMoments:
    def at(self, phase):
        pass
