"""An HTTP client of imgsrv. Sends exactly what a test wants, including what no real client should."""
import base64
import hashlib
import http.client
import json
import ssl
import threading

from harness.pair import LEAST_PART
from harness.waiting import wait_until

# What a request can raise when the server goes away during it.
LOST = (OSError, http.client.HTTPException)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Refused(AssertionError):
    """A response with a status that the caller did not expect."""

    def __init__(self, response):
        super().__init__(f"{response.method} {response.target}: {response.status} {response.body[:500]!r}")
        self.status = response.status


class Response:
    def __init__(self, status, headers, body, method, target):
        self.status, self.headers, self.body = status, headers, body
        self.method, self.target = method, target

    def header(self, name):
        """The field's value, or None."""
        return self.headers.get(name)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        """What a problem document says; "" in any other response."""
        if not (self.header("Content-Type") or "").startswith("application/problem+json"):
            return ""
        return self.json.get("detail", "")

    def expect(self, *statuses):
        """Returns itself or raises Refused. For the steps that lead up to the test."""
        if self.status not in statuses:
            raise Refused(self)
        return self


class Client:
    """One caller of `server`, even after its address changes. Keeps a connection per thread. Targets are sent exactly as given.

    resend: if the kept connection turns out to be closed, send the request again where that is safe. Without it, one of LOST
    is raised whenever there is no complete response; the server may have processed the request.
    """

    def __init__(self, server, token=None, observe=None, resend=True, timeout=120, tls=False):
        self.server, self.token, self.observe = server, token, observe
        self.resend, self.timeout, self.tls = resend, timeout, tls
        self._local = threading.local()

    def connect(self):
        host, _, port = (self.server.tls_address if self.tls else self.server.address).rpartition(":")
        if self.tls:
            context = ssl.create_default_context(cafile=self.server.ca)
            return http.client.HTTPSConnection(host, int(port), timeout=self.timeout, context=context)
        return http.client.HTTPConnection(host, int(port), timeout=self.timeout)

    def close(self):
        """This thread's connection; the next request makes a new one."""
        kept, self._local.connection = getattr(self._local, "connection", None), None
        if kept:
            kept.close()

    def request(self, method, target, body=None, headers=None, **json_body):
        """json=VALUE sends VALUE. body= sends bytes, or an iterable of bytes, which goes in chunks unless the headers give its length."""
        fields = {} if self.token is None else {"Authorization": "Bearer " + self.token}
        if "json" in json_body:
            body = json.dumps(json_body["json"]).encode()
            fields["Content-Type"] = "application/json"
        fields.update(headers or {})
        fields = {k: v for k, v in fields.items() if v is not None}
        pieces = body is not None and not isinstance(body, bytes)
        chunked = pieces and "Content-Length" not in fields
        if chunked:
            fields["Transfer-Encoding"] = "chunked"
        elif body is not None or method in ("POST", "PUT"):
            fields.setdefault("Content-Length", str(len(body or b"")))
        if pieces and self.resend:  # can be sent only once, so not on a connection that may be closed
            self.close()
        kept, self._local.connection = getattr(self._local, "connection", None), None
        connection = kept or self.connect()
        try:
            answer, data = self._exchange(connection, method, target, fields, body, chunked)
        except BaseException as error:
            connection.close()
            if not (kept and self.resend and isinstance(error, (http.client.RemoteDisconnected, ConnectionError))):
                raise
            connection = self.connect()
            answer, data = self._exchange(connection, method, target, fields, body, chunked)
        if answer.will_close:
            connection.close()
        else:
            self._local.connection = connection
        response = Response(answer.status, answer.headers, data, method, target)
        if self.observe:
            self.observe(response)
        return response

    def _exchange(self, connection, method, target, fields, body, chunked):
        # Not connection.request(), which refuses some targets that the tests need.
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in fields.items():
            connection.putheader(name, value)
        connection.endheaders()
        try:
            for piece in [body or b""] if body is None or isinstance(body, bytes) else body:
                if chunked:
                    connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                elif piece:
                    connection.send(piece)
            if chunked:
                connection.send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # answered before the end of the body
        answer = connection.getresponse()
        return answer, answer.read()

    def get(self, target, **arguments):
        return self.request("GET", target, **arguments)

    def head(self, target, **arguments):
        return self.request("HEAD", target, **arguments)

    def post(self, target, **arguments):
        return self.request("POST", target, **arguments)

    def put(self, target, **arguments):
        return self.request("PUT", target, **arguments)

    def delete(self, target, **arguments):
        return self.request("DELETE", target, **arguments)

    # The first steps of most tests.

    def put_part(self, upload, number, data, sha256=None, **arguments):
        if sha256:
            arguments["headers"] = {"Content-Digest": f"sha-256=:{base64.b64encode(sha256).decode()}:"}
        return self.put(f"/v1/uploads/{upload}/parts/{number}", body=data, **arguments)

    def new_upload(self, data):
        """The id of a new session for these bytes."""
        return self.post("/v1/uploads", json={
            "expected_digest": digest_of(data), "expected_size_bytes": len(data)}).expect(201).json["id"]

    def complete(self, upload, parts):
        return self.post(f"/v1/uploads/{upload}/complete", json={"parts": [
            {"number": p["part_number"], "etag": p["etag"], "size_bytes": p["size_bytes"]} for p in parts]})

    def settled(self, upload, seconds=60):
        """The session once it is ready, failed or aborted."""
        def look():
            session = self.get(f"/v1/uploads/{upload}").expect(200).json
            return session if session["state"] in ("ready", "failed", "aborted") else None
        return wait_until(look, f"upload {upload} settles", seconds)

    def upload(self, data, part_size=1 << 20):
        """Uploads the bytes unless the server has them. Returns the digest."""
        part_size = max(part_size, LEAST_PART)
        session = self.post("/v1/uploads", json={
            "expected_digest": digest_of(data), "expected_size_bytes": len(data)}).expect(200, 201).json
        if session["state"] != "ready":
            pieces = [data[at:at + part_size] for at in range(0, len(data), part_size)] or [b""]
            parts = [self.put_part(session["id"], n, piece).expect(200).json for n, piece in enumerate(pieces, 1)]
            self.complete(session["id"], parts).expect(200)
            state = self.settled(session["id"])
            if state["state"] != "ready":
                raise AssertionError(f"the upload ended as {state}")
        return session["expected_digest"]

    def draft(self, image, version):
        self.post("/v1/images", json={"name": image}).expect(201, 409)
        return self.post(f"/v1/images/{image}/versions", json={"version": version}).expect(201).json

    def artifact(self, image, version, digest, size, **members):
        """Adds an artifact, by default a raw one for linux/x86_64."""
        body = {"operating_system": "linux", "architecture": "x86_64", "format": "raw",
                "primary_blob_digest": digest, "primary_blob_size_bytes": size,
                "primary_media_type": "application/octet-stream", **members}
        return self.post(f"/v1/images/{image}/versions/{version}/artifacts", json=body)

    def finished_job(self, job):
        """The job once it has succeeded or failed."""
        def look():
            state = self.get(f"/v1/publish-jobs/{job}").expect(200).json
            return state if state["state"] in ("succeeded", "failed", "abandoned") else None
        return wait_until(look, f"job {job} ends")

    def publish(self, image, version):
        """Publishes and returns the finished job."""
        started = self.post(f"/v1/images/{image}/versions/{version}/publish").expect(200, 202).json
        return self.finished_job(started["job_id"])

    def published(self, image, version, data):
        """Publishes a version with one raw artifact of these bytes. Returns the artifact."""
        self.draft(image, version)
        artifact = self.artifact(image, version, self.upload(data), len(data)).expect(201).json
        job = self.publish(image, version)
        if job["state"] != "succeeded":
            raise AssertionError(f"the job ended as {job}")
        return artifact
