"""A server that is killed and started again on the same port, and a client that says when an answer was lost.

harness.py's client sends again by itself what it can; tests that kill the server have to know what may have been served.
"""
import base64
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from harness import BINARY, clean_environment

LONG_FORM = os.environ.get("IMGSRV_SOAK") == "1"

# What a request can end in when the server goes away under it.
LOST = (OSError, http.client.HTTPException)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Refused(Exception):
    """An answer with a status that the caller did not expect."""

    def __init__(self, method, path, status, body):
        super().__init__(f"{method} {path}: {status} {body[:500].decode(errors='replace')}")
        self.status = status


class Server:
    """One `imgsrv serve` on a data folder. Starts again on the same port after kill() or stop()."""

    def __init__(self, data_dir, *flags, port=None, log=None):
        self.data_dir = pathlib.Path(data_dir)
        self.port = port or free_port()
        self.flags = list(flags)
        self.log = pathlib.Path(log or f"{data_dir}.log")
        self.bootstrap_token = None
        self.process = None
        self._heard = threading.Event()

    def spawn(self, **environment):
        """Starts the process without waiting for it."""
        command = [BINARY, "serve", "--data-dir", self.data_dir,
                   "--listen", f"127.0.0.1:{self.port}", *self.flags]
        self._log_offset = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=clean_environment() | environment)
        self._heard = threading.Event()
        threading.Thread(target=self._read_stdout, args=(self.process, self._heard), daemon=True).start()

    def _read_stdout(self, process, heard):
        for line in process.stdout:
            found = re.search(rb"imgsrv_at_\S+", line)
            if found:
                self.bootstrap_token = found[0].decode()
        heard.set()

    def listening(self):
        with open(self.log, "rb") as log:
            log.seek(self._log_offset)
            return b"listening address=" in log.read()

    def wait_ready(self, timeout=60):
        """False when the process ended instead."""
        end = time.monotonic() + timeout
        while not self.listening():
            if self.process.poll() is not None:
                return False
            if time.monotonic() > end:
                raise AssertionError(f"the server does not listen after {timeout} s; its log is {self.log}")
            time.sleep(0.005)
        return True

    def start(self, **environment):
        self.spawn(**environment)
        if not self.wait_ready():
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_tail()}")
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.wait_ended()

    def wait_ended(self, timeout=60):
        code = self.process.wait(timeout)
        self._heard.wait(5)  # all it printed was read
        return code

    def stop(self):
        """Asks it to end, as an operator does. Returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_ended()

    def log_tail(self, lines=15):
        return b"\n".join(self.log.read_bytes().splitlines()[-lines:]).decode(errors="replace")

    def status(self, field):
        """A number of /proc/PID/status, such as VmHWM (KiB) or Threads."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def client(self, token=None, timeout=60):
        return Client(self.port, token, timeout)

    def issue_writer(self, days=3650):
        """With the bootstrap token: the token of a new principal that may write content."""
        manager = self.client(self.bootstrap_token)
        principal = manager.json("POST", "/v1/auth/principals", {"kind": "service", "display_name": "test"})["id"]
        manager.json("PUT", f"/v1/auth/principals/{principal}/roles/content-writer")
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86400))
        return manager.json("POST", f"/v1/auth/principals/{principal}/api-tokens",
                            {"name": "test", "expires_at": expires})["plaintext"]


class Client:
    """One connection, kept alive and made anew when it was lost. Not for several threads at once."""

    def __init__(self, port, token=None, timeout=60):
        self.port = port
        self.token = token
        self.timeout = timeout
        self._connection = None

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection = None

    def send(self, method, path, body=None, headers=None, chunked=False):
        """(status, headers, body). Raises one of LOST when there is no whole answer; the request may have been served."""
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            if not self._connection:
                self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
            self._connection.request(method, path, body, headers, encode_chunked=chunked)
            answer = self._connection.getresponse()
            content = answer.read()
        except BaseException:
            self.close()
            raise
        if answer.will_close:
            self.close()
        return answer.status, answer.headers, content

    def json(self, method, path, document=None, accept=(200, 201, 202, 204)):
        """The answer's document. Raises Refused for a status that is not in `accept`."""
        body = None if document is None else json.dumps(document)
        headers = {} if document is None else {"Content-Type": "application/json"}
        status, _, content = self.send(method, path, body, headers)
        if status not in accept:
            raise Refused(method, path, status, content)
        return json.loads(content) if content else {"status": status}

    def put_part(self, upload_id, number, data, chunked=False, sha256=None):
        """The accepted part. `data`: bytes, or with `chunked` an iterable of bytes."""
        headers = {"Content-Type": "application/octet-stream"}
        if sha256:
            headers["Content-Digest"] = f"sha-256=:{base64.b64encode(sha256).decode()}:"
        path = f"/v1/uploads/{upload_id}/parts/{number}"
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        status, _, content = self.send("PUT", path, data, headers, chunked)
        if status != 200:
            raise Refused("PUT", path, status, content)
        return json.loads(content)


class Tally:
    """Counts what was checked and ends a test with the line that tests/run.sh reads."""

    def __init__(self):
        self.passed = 0
        self.failures = []
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def check(self, good, what):
        with self._lock:
            if good:
                self.passed += 1
            else:
                self.failures.append(what)
                print(f"FAILED: {what}", flush=True)
        return good

    def say(self, text):
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {len(self.failures)} failed", flush=True)
        sys.exit(1 if self.failures or not self.passed else 0)
