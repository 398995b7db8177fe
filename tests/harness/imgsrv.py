"""An imgsrv process: starts, watches, stops, kills and restarts it."""
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.request

from harness import pair
from harness.build import BINARY, clean_environment
from harness.certificates import make_authority
from harness.client import Client
from harness.ports import free_port
from harness.waiting import wait_until


class Log:
    """The server's log file, one JSON event a line."""

    def __init__(self, path):
        self.path = path
        self.path.touch()
        self._read = 0
        self._events = []
        self._lock = threading.Lock()

    @property
    def events(self):
        """All events so far, as dicts; a line that is no JSON is the message of one. For any thread."""
        with self._lock, open(self.path, "rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # still being written
                self._read += len(line)
                try:
                    self._events.append(json.loads(line))
                except ValueError:
                    self._events.append({"msg": line.decode(errors="replace").rstrip("\n")})
            return self._events[:]

    def tail(self, lines=15):
        return b"\n".join(self.path.read_bytes().splitlines()[-lines:]).decode(errors="replace")


class Server:
    """`imgsrv serve` on fresh backends of the chosen pair. Keeps its ports over restarts. A context manager.

    folder: holds data/, log and output. A folder that the caller gives is not removed.
    tls: also listen with TLS, with a certificate of the authority in `ca`.
    backends: another server's, instead of fresh ones.
    rate_limit: 0 is none, because all callers here have one address; None is the program's default.
    """

    program = BINARY

    def __init__(self, *flags, folder=None, observe=None, environment=None, tls=False, backends=None,
                 rate_limit=0, start=True):
        self.flags = [] if rate_limit is None else ["--rate-limit", str(rate_limit)]
        self.flags += [str(f) for f in flags]
        self.observe = observe
        self.environment = {**clean_environment(), **(environment or {})}
        self.own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="imgsrv-test-"))
        self.folder.mkdir(exist_ok=True)
        self.data, self.ca = self.folder / "data", self.folder / "ca.pem"
        self.log, self.output = Log(self.folder / "log"), self.folder / "output"
        self.output.touch()
        self.address = f"127.0.0.1:{free_port()}"
        self.metrics_address = f"127.0.0.1:{free_port()}"
        self.tls_address = f"127.0.0.1:{free_port()}" if tls else None
        if tls:
            make_authority(self.folder)
            self.flags += ["--tls-listen", self.tls_address, "--tls-certificate", str(self.folder / "server.pem"),
                           "--tls-key", str(self.folder / "server.key")]
        self.process = None
        self.clients = {}
        self._begin = 0
        self.backends = backends or pair.fresh(self.folder)
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    # Its process.

    def spawn(self, *flags, **environment):
        """Starts it without waiting. Flags and environment are for this time only."""
        self._begin = len(self.log.events)
        with open(self.log.path, "ab") as log, open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                [self.program, "serve", "--data-dir", self.data, "--listen", self.address, "--metrics-listen",
                 self.metrics_address, "--log-format", "json",
                 *self.backends.flags, *self.flags, *flags],
                env={**self.environment, **environment}, cwd=self.folder, stdout=output, stderr=log)

    def listening(self):
        """Waits until it listens. False when it ended instead."""
        wanted = 2 if self.tls_address else 1

        def look():
            ended = self.process.poll() is not None
            return sum(e.get("msg") == "listening" for e in self.log.events[self._begin:]) >= wanted or ended
        wait_until(look, f"imgsrv listens (its log is {self.log.path})", pause=0.005)
        return self.process.poll() is None

    def start(self, *flags, **environment):
        self.spawn(*flags, **environment)
        if not self.listening():
            raise AssertionError(f"imgsrv ended with {self.process.returncode}:\n{self.log.tail()}")
        return self

    def stop(self, how=signal.SIGTERM):
        """Ends it, by SIGTERM unless told; the exit code, which is its own when it had ended before."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=120)

    def _end(self, how):
        """An error when it did not end of this signal, or not well."""
        code = self.stop(how)
        if code != (0 if how == signal.SIGTERM else -how):
            raise AssertionError(f"imgsrv ended with {code}, not of {how.name}:\n{self.log.tail()}")

    def kill(self):
        self._end(signal.SIGKILL)

    def restart(self, how=signal.SIGTERM, *flags):
        self._end(how)
        return self.start(*flags)

    def close(self):
        """Kills it and removes its backends and its folder."""
        if self.process:
            self.stop(signal.SIGKILL)
        self.backends.close()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def end(self, checks, folder, told=""):
        """Ends a test that is one program. Closes the server and removes the folder, or keeps both when a check failed."""
        if checks.failures:
            print(f"kept: {folder} {told}")
        else:
            self.close()
            shutil.rmtree(folder)
        checks.finish()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def command(self, *words):
        """Runs `imgsrv WORDS` on this server's data and returns the completed process."""
        return subprocess.run([self.program, *words, "--data-dir", self.data, *self.backends.flags], env=clean_environment(),
                              cwd=self.folder, capture_output=True, text=True, timeout=300)

    def events(self, message):
        return [event for event in self.log.events if event.get("msg") == message]

    def status(self, field):
        """A number of /proc/PID/status, such as VmHWM (KiB) or Threads."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def connections(self, address):
        """To one of its addresses: how many it has not closed yet."""
        port = int(address.rpartition(":")[2])
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        # Established, or closed by the client alone.
        return sum(int(row[1].rpartition(":")[2], 16) == port and row[3] in ("01", "08") for row in rows)

    def metric(self, name, **labels):
        """The sum of the samples of this name that have these labels; 0 when there are none."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        return sum(float(value) for found, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.M)
                   if wanted <= set(found.split(",")))

    def wait_for_attempts(self, job, count=2):
        """Until the background job has run this often again. After two, at least one has begun since the call."""
        def attempts():
            return self.metric("imgsrv_background_job_attempts_total", job=job)
        before = attempts()
        wait_until(lambda: attempts() >= before + count, f"{job} runs {count} times")

    # Callers.

    @property
    def bootstrap(self):
        """The last bootstrap token that it printed, or None."""
        found = re.findall(r"imgsrv_at_\S+", self.output.read_text())
        return found[-1] if found else None

    def client(self, token=None, **options):
        return Client(self, token, self.observe, **options)

    def _kept(self, name, token=lambda: None):
        if name not in self.clients:
            self.clients[name] = self.client(token())
        return self.clients[name]

    def anonymous(self):
        return self._kept("anonymous")

    def manager(self):
        """Has the bootstrap token: the role auth-manager only."""
        return self._kept("manager", lambda: wait_until(lambda: self.bootstrap, "the bootstrap token is printed"))

    def writer(self):
        return self._kept("writer", lambda: self.token("content-writer")["plaintext"])

    def nobody(self):
        """Has a valid token without any role."""
        return self._kept("nobody", lambda: self.token()["plaintext"])

    def token(self, *roles, lifetime=datetime.timedelta(days=30), name=None):
        """Creates a principal with these roles and returns its token."""
        manager = self.manager()
        principal = manager.post("/v1/auth/principals", json={
            "kind": "service", "display_name": name or "-".join(roles) or "nobody"}).expect(201).json["id"]
        for role in roles:
            manager.put(f"/v1/auth/principals/{principal}/roles/{role}").expect(204)
        return manager.post(f"/v1/auth/principals/{principal}/api-tokens", json={
            "expires_at": (datetime.datetime.now(datetime.timezone.utc) + lifetime).isoformat()}).expect(201).json
