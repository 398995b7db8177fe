"""What the end-to-end tests share: a real imgsrv in a scratch folder with its own certificate authority, its API, its command
line, and a runner that ends with the line "N passed, N failed"."""
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

BINARY = os.environ.get("IMGSRV_BIN") or sys.exit("IMGSRV_BIN must name the imgsrv program under test")
HERE = Path(__file__).resolve().parent


def wait_until(condition, what, seconds=30):
    """The first true value of condition(); a failure that says what was waited for when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def run(*command, env=None, cwd=None, check=True):
    """Runs a helper program whose failure is a fault of the test's surroundings."""
    done = subprocess.run([str(c) for c in command], env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done


def plain_environment():
    """Ours, without settings of imgsrv's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IMGSRV_")}


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def make_authority(folder):
    """An authority (ca.pem) and a certificate for 127.0.0.1 and localhost (server.pem, server.key)."""
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    for name in ("ca", "server"):
        run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", folder / f"{name}.key")
    run("openssl", "req", "-x509", "-new", "-key", folder / "ca.key", "-days", "2", "-subj", "/CN=imgsrv test", "-out", folder / "ca.pem",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    run("openssl", "req", "-new", "-key", folder / "server.key", "-subj", "/CN=localhost", "-out", folder / "server.csr")
    run("openssl", "x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
        "-days", "2", "-out", folder / "server.pem", "-extfile", folder / "san")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """imgsrv with an empty data folder, listening in plain and with TLS. The ports stay the same over restarts."""

    def __init__(self, *flags, env=None):
        self.folder = Path(tempfile.mkdtemp(prefix="imgsrv-e2e-"))
        self.data = self.folder / "data"
        self.ca = self.folder / "ca.pem"
        self.flags = flags
        self.env = {**plain_environment(), **(env or {})}
        self.plain = self.tls = "127.0.0.1:0"
        self.bootstrap = self.token = None
        self.process = None
        self.log = []
        make_authority(self.folder)
        try:
            self.start()
            self.token = self.make_token("tests", "content-writer", "auth-manager")
        except BaseException:
            self.close()
            raise

    def start(self):
        command = [BINARY, "serve", "--data-dir", str(self.data), "--listen", self.plain, "--tls-listen", self.tls,
                   "--tls-certificate", str(self.folder / "server.pem"), "--tls-key", str(self.folder / "server.key"),
                   "--log-format", "json", *self.flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)
        begin = len(self.log)
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

        def bound():
            if self.process.poll() is not None:
                raise AssertionError("imgsrv ended at its start:\n" + "\n".join(self.log[begin:]))
            events = [json.loads(line) for line in self.log[begin:] if line.startswith("{") and '"listening"' in line]
            return {event["tls"]: event["address"] for event in events} if len(events) == 2 else None

        addresses = wait_until(bound, "imgsrv listens")
        self.plain, self.tls = addresses[False], addresses[True]
        wait_until(lambda: self.api("GET", "/readyz").status == 204, "imgsrv is ready")

    def _read(self, stream):
        for line in stream:
            found = re.match(r"imgsrv bootstrap token \(one-time\): (\S+)", line)
            if found:
                self.bootstrap = found[1]
            self.log.append(line.rstrip("\n"))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def api(self, method, path, document=None, token=None, headers=None, body=None, tls=False):
        """One request; token=None: the server's own; token="": anonymous."""
        if tls:
            connection = http.client.HTTPSConnection(self.tls, timeout=60, context=ssl.create_default_context(cafile=self.ca))
        else:
            connection = http.client.HTTPConnection(self.plain, timeout=60)
        fields = dict(headers or {})
        token = (self.token or "") if token is None else token
        if token:
            fields["Authorization"] = "Bearer " + token
        if document is not None:
            body = json.dumps(document)
            fields["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body=body, headers=fields)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def make_token(self, name, *roles):
        """A token of a new service principal with these roles, valid for an hour."""
        token = self.bootstrap
        principal = self.api("POST", "/v1/auth/principals", {"kind": "service", "display_name": name}, token).json["id"]
        for role in roles:
            if self.api("PUT", f"/v1/auth/principals/{principal}/roles/{role}", token=token).status != 204:
                raise AssertionError(f"the role {role} cannot be assigned")
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        return self.api("POST", f"/v1/auth/principals/{principal}/api-tokens", {"name": name, "expires_at": expires}, token).json["plaintext"]

    def client_env(self, state=None):
        """The environment of a command line client of this server, over TLS."""
        env = plain_environment()
        env.update(IMGSRV_SERVER=f"https://{self.tls}", IMGSRV_TOKEN=self.token, SSL_CERT_FILE=str(self.ca),
                   XDG_STATE_HOME=str(state or self.folder / "state"))
        return env

    def imgsrv(self, *arguments, env=None):
        """Runs the command line client to its end; returncode, stdout, stderr."""
        return subprocess.run([BINARY, *map(str, arguments)], env=env or self.client_env(), capture_output=True, text=True, timeout=600)

    def publish(self, image, version, *arguments):
        """Publishes, and fails the test when that does not succeed."""
        done = self.imgsrv("publish", image, version, "--os", "linux", "--arch", "x86_64", *arguments)
        if done.returncode != 0:
            raise AssertionError(f"publish {image} {version} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done


class ServerTest(unittest.TestCase):
    """A test case whose tests share one server, in self.server, and a scratch folder, in self.folder."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.folder = cls.server.folder / "files"
        cls.folder.mkdir()


def main():
    """Runs the calling module's tests and counts them."""
    result = unittest.main(module="__main__", exit=False, verbosity=2, warnings="ignore", argv=sys.argv).result
    # A test with several failed subtests is one failed test.
    bad = len({id(getattr(test, "test_case", test)) for test, _ in result.failures + result.errors})
    sys.stderr.flush()
    print(f"\n{max(0, result.testsRun - bad)} passed, {bad} failed", flush=True)
    sys.exit(0 if bad == 0 and result.testsRun > 0 else 1)
