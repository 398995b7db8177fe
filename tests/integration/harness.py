"""Runs real imgsrv servers and speaks to them, for tests in Python. Standard library only.

    with Server() as server:                      # an empty data folder, a free port on loopback
        writer = server.writer()                  # a client with the role content-writer
        check.equal(writer.get("/v1/images").status, 200, "the catalogue is readable")
    sys.exit(check.summary())                     # prints "N passed, N failed"

The binary is that of the build folder IMGSRV_BUILD, by default build/dev of the source tree.
"""
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("IMGSRV_BUILD") or SOURCE / "build/dev").resolve()
BINARY = BUILD / "bin/imgsrv"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def clean_environment():
    """Without IMGSRV_* of the tests, which the server would take for settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith("IMGSRV_") and k != "LOG_LEVEL"}


def wait_until(question, what, seconds=60.0, pause=0.02):
    """The first true answer; an error that names what did not come."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


class Checks:
    """Counts what was checked; a failed check is printed and the test goes on."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.where = ""

    def true(self, condition, what, told=""):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {self.where}: {what}{': ' if told else ''}{told}", flush=True)
        return bool(condition)

    def equal(self, got, wanted, what):
        return self.true(got == wanted, what, f"got {got!r}, wanted {wanted!r}")

    def contains(self, text, words, what):
        missing = [w for w in words if w not in (text or "")]
        return self.true(not missing, what, f"{text!r} lacks {missing}")

    def run(self, function, *arguments):
        """One test function; an exception is one failure."""
        self.where = f"{function.__module__}.{function.__name__}"
        before = time.monotonic()
        try:
            function(*arguments)
        except Exception as error:  # the others still tell something
            import traceback
            traceback.print_exc()
            self.true(False, f"stopped by {type(error).__name__}", str(error))
        print(f"{self.where}: {time.monotonic() - before:.1f} s", flush=True)

    def summary(self):
        """Prints the line that tests/count_cases.py reads; the exit code."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1


check = Checks()


class Response:
    def __init__(self, status, headers, body, method, target):
        self.status, self.headers, self.body = status, headers, body
        self.method, self.target = method, target

    def header(self, name):
        """The field's value; None when it is absent."""
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
        """Itself, or an error: for steps that lead up to what is tested."""
        if self.status not in statuses:
            raise AssertionError(f"{self.method} {self.target}: {self.status} {self.body[:500]!r}")
        return self


class Client:
    """One caller. Keeps a connection for each thread. Targets are sent exactly as given."""

    def __init__(self, address, token=None, observe=None):
        self.address, self.token, self.observe = address, token, observe
        self.local = threading.local()

    def connect(self):
        host, _, port = self.address.rpartition(":")
        return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=120)

    def request(self, method, target, body=None, headers=None, **json_body):
        """json=VALUE sends VALUE; body= sends bytes, or an iterable of bytes in chunks."""
        fields = {} if self.token is None else {"Authorization": "Bearer " + self.token}
        if "json" in json_body:
            body = json.dumps(json_body["json"]).encode()
            fields["Content-Type"] = "application/json"
        fields.update(headers or {})
        fields = {k: v for k, v in fields.items() if v is not None}
        # A body that can be read only once is not risked on a connection that may have been closed.
        again = body is None or isinstance(body, bytes)
        kept = getattr(self.local, "connection", None) if again else None
        for connection in [kept, self.connect()] if kept else [self.connect()]:
            try:
                # Not connection.request(): it would refuse targets that the tests are about.
                connection.putrequest(method, target, skip_accept_encoding=True)
                chunked = body is not None and not isinstance(body, bytes)
                if chunked:
                    fields["Transfer-Encoding"] = "chunked"
                elif body is not None or method in ("POST", "PUT"):
                    fields.setdefault("Content-Length", str(len(body or b"")))
                for name, value in fields.items():
                    connection.putheader(name, value)
                connection.endheaders()
                try:
                    if chunked:
                        for piece in body:
                            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                        connection.send(b"0\r\n\r\n")
                    elif body:
                        connection.send(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # answered before the body was over
                answer = connection.getresponse()
                data = answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                if connection is not kept:
                    raise
                continue
            self.local.connection = None if answer.will_close else connection
            response = Response(answer.status, answer.headers, data, method, target)
            if self.observe:
                self.observe(response)
            return response

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

    # The steps that most tests begin with.

    def put_part(self, upload, number, data, **arguments):
        return self.put(f"/v1/uploads/{upload}/parts/{number}", body=data, **arguments)

    def new_upload(self, data):
        """The id of a session for these bytes."""
        return self.post("/v1/uploads", json={
            "expected_digest": digest_of(data), "expected_size_bytes": len(data)}).expect(201).json["id"]

    def complete(self, upload, parts):
        return self.post(f"/v1/uploads/{upload}/complete", json={"parts": [
            {"number": p["part_number"], "etag": p["etag"], "size_bytes": p["size_bytes"]} for p in parts]})

    def settled(self, upload):
        """The session once it is ready, failed or aborted."""
        def look():
            session = self.get(f"/v1/uploads/{upload}").expect(200).json
            return session if session["state"] in ("ready", "failed", "aborted") else None
        return wait_until(look, f"upload {upload} settles")

    def upload(self, data, part_size=1 << 20):
        """Brings the bytes here, unless they are; the digest."""
        session = self.post("/v1/uploads", json={
            "expected_digest": digest_of(data), "expected_size_bytes": len(data)}).expect(200, 201).json
        if session["state"] != "ready":
            pieces = [data[at:at + part_size] for at in range(0, len(data), part_size)] or [b""]
            parts = [self.put_part(session["id"], n, piece).expect(200).json for n, piece in enumerate(pieces, 1)]
            self.complete(session["id"], parts).expect(200)
            state = self.settled(session["id"])
            if state["state"] != "ready":
                raise AssertionError(f"upload ended {state}")
        return session["expected_digest"]

    def draft(self, image, version):
        self.post("/v1/images", json={"name": image}).expect(201, 409)
        return self.post(f"/v1/images/{image}/versions", json={"version": version}).expect(201).json

    def artifact(self, image, version, digest, size, **members):
        """Adds an artifact; a raw one for linux/x86_64 unless members say otherwise."""
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
        """Publishes; the finished job."""
        started = self.post(f"/v1/images/{image}/versions/{version}/publish").expect(200, 202).json
        return self.finished_job(started["job_id"])

    def published(self, image, version, data):
        """A published version with one raw artifact of these bytes; the artifact."""
        self.draft(image, version)
        artifact = self.artifact(image, version, self.upload(data), len(data)).expect(201).json
        job = self.publish(image, version)
        if job["state"] != "succeeded":
            raise AssertionError(f"publishing ended {job}")
        return artifact


class Server:
    """One imgsrv process on a data folder of its own, or on `folder`, which is left behind. A context manager."""

    def __init__(self, *flags, folder=None, observe=None, environment=None):
        self.flags, self.observe = list(flags), observe
        self.environment = {**clean_environment(), **(environment or {})}
        self.own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="imgsrv-test-"))
        self.process, self.address, self.bootstrap = None, None, None
        self.log = []  # every event of the log, as a dict
        self.clients = {}
        self.start()

    @property
    def data(self):
        return self.folder / "data"

    def start(self, *flags):
        """Returns once it listens; more flags may be given for this start."""
        self.address = None
        begin = len(self.log)
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data-dir", self.data, "--listen", "127.0.0.1:0", "--log-format", "json",
             "--verbosity", "debug", *self.flags, *flags],
            env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace")
        self.readers = [threading.Thread(target=self._read_log, args=[self.process.stderr], daemon=True),
                        threading.Thread(target=self._read_output, args=[self.process.stdout], daemon=True)]
        for reader in self.readers:
            reader.start()

        def listening():
            for event in self.log[begin:]:
                if event.get("msg") == "listening":
                    return event["address"]
            if self.process.poll() is not None:
                raise RuntimeError(f"imgsrv ended with {self.process.returncode}: {self.log[begin:][-5:]}")
            return None
        self.address = wait_until(listening, "imgsrv listens")
        for client in self.clients.values():
            client.address, client.local = self.address, threading.local()
        return self

    def _read_log(self, stream):
        for line in stream:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.log.append({"msg": line.rstrip("\n")})

    def _read_output(self, stream):
        for line in stream:
            found = re.search(r"imgsrv_at_\w+", line)
            if found:
                self.bootstrap = found[0]

    def events(self, message):
        return [event for event in self.log if event.get("msg") == message]

    def stop(self, how=signal.SIGTERM):
        """Ends it, by SIGTERM unless told; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        for reader in self.readers:
            reader.join(timeout=10)
        return code

    def restart(self, how=signal.SIGTERM, *flags):
        self.stop(how)
        return self.start(*flags)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Callers. Their addresses follow restarts.

    def client(self, token=None):
        key = token or ""
        if key not in self.clients:
            self.clients[key] = Client(self.address, token, self.observe)
        return self.clients[key]

    def anonymous(self):
        return self.client()

    def manager(self):
        """Holds the bootstrap token: auth-manager only."""
        return self.client(wait_until(lambda: self.bootstrap, "the bootstrap token is printed"))

    def token(self, *roles, lifetime=datetime.timedelta(hours=1), name=None):
        """A new principal's token, with these roles."""
        manager = self.manager()
        principal = manager.post("/v1/auth/principals", json={
            "kind": "service", "display_name": name or "-".join(roles) or "nobody"}).expect(201).json["id"]
        for role in roles:
            manager.put(f"/v1/auth/principals/{principal}/roles/{role}").expect(204)
        return manager.post(f"/v1/auth/principals/{principal}/api-tokens", json={
            "expires_at": (datetime.datetime.now(datetime.timezone.utc) + lifetime).isoformat()}).expect(201).json

    def writer(self):
        if "writer" not in self.clients:
            self.clients["writer"] = Client(self.address, self.token("content-writer")["plaintext"], self.observe)
        return self.clients["writer"]

    def nobody(self):
        """A valid token without any role."""
        if "nobody" not in self.clients:
            self.clients["nobody"] = Client(self.address, self.token()["plaintext"], self.observe)
        return self.clients["nobody"]
