#!/usr/bin/env python3
"""imgsrv as a service of systemd: what it sends to the manager over the notification socket, and its unit."""
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness.build import BINARY, SOURCE
from harness.checks import check
from harness.imgsrv import Server
from harness.waiting import wait_until

UNIT = SOURCE / "packaging/imgsrv.service"
PERIOD = 3.0


class Manager:
    """The other end of the socket."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.told = []  # (time, fields) of each message
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            text = self.socket.recv(4096).decode()
            self.told.append((time.monotonic(), dict(line.split("=", 1) for line in text.splitlines())))

    def messages(self):
        return self.told[:]

    def wait_for(self, name, count=1):
        def look():
            found = [fields for _, fields in self.messages() if fields.get(name)]
            return found[-1] if len(found) >= count else None
        return wait_until(look, f"{name} is sent")

    def count(self, name):
        return sum(name in fields for _, fields in self.messages())

    def settled_count(self, name):
        """Once everything that was sent has been read: a message of our own comes last."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.connect(self.socket.getsockname())
            mark = str(time.monotonic_ns())
            own.send(f"MARK={mark}".encode())
        wait_until(lambda: any(fields.get("MARK") == mark for _, fields in self.messages()), "the messages are read")
        return self.count(name)


def states(process):
    """Of its threads, as in /proc: T is stopped."""
    return {(thread / "stat").read_text().rsplit(")", 1)[1].split()[0] for thread in pathlib.Path(f"/proc/{process}/task").iterdir()}


def test_what_is_told(folder):
    manager = Manager(str(folder / "notify"))
    with Server(environment={"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(int(PERIOD * 1e6))},
                start=False) as server:
        server.spawn()
        ready = manager.wait_for("READY")
        check.equal(server.anonymous().get("/readyz").status, 204, "READY=1 is sent when it is ready")
        check.contains(ready["STATUS"], [server.address], "STATUS")

        manager.wait_for("WATCHDOG", 3)
        beats = [at for at, fields in manager.messages() if "WATCHDOG" in fields]
        check.true(all(b - a < PERIOD for a, b in zip(beats, beats[1:])), "the watchdog hears of it within its period", beats)

        server.process.send_signal(signal.SIGHUP)
        reloading = manager.wait_for("RELOADING")
        now = time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6
        check.true(0 <= now - int(reloading["MONOTONIC_USEC"]) < 60e6, "MONOTONIC_USEC", reloading)
        manager.wait_for("READY", 2)
        check.equal(manager.count("STOPPING"), 0, "not stopping yet")
        check.equal(server.stop(), 0, "SIGTERM ends it with 0")
        manager.wait_for("STOPPING")
        order = [name for _, fields in manager.messages() for name in ("READY", "RELOADING", "STOPPING") if name in fields]
        check.equal(order, ["READY", "RELOADING", "READY", "STOPPING"], "in this order")


def test_failed_reload(folder):
    """`systemctl status` shows that a reload has failed, and that the next one has not."""
    manager = Manager(str(folder / "reload"))
    config = folder / "imgsrv.toml"
    config.write_text("")
    with Server("--config", str(config), environment={"NOTIFY_SOCKET": str(folder / "reload")}) as server:
        manager.wait_for("READY")
        for text, words in (("verbosity = 'loud'", ["Reload failed", "imgsrv.toml:1", "loud"]), ("", [server.address])):
            before = manager.count("READY")
            config.write_text(text)
            server.process.send_signal(signal.SIGHUP)
            check.contains(manager.wait_for("READY", before + 1)["STATUS"], words, f"STATUS after {text!r}")


def test_frozen(folder):
    """A process that hangs sends no sign of life."""
    manager = Manager(str(folder / "frozen"))
    with Server(environment={"NOTIFY_SOCKET": str(folder / "frozen"), "WATCHDOG_USEC": "200000"}) as server:
        manager.wait_for("WATCHDOG", 2)
        server.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: states(server.process.pid) == {"T"}, "every thread is stopped")
        before = manager.settled_count("WATCHDOG")
        time.sleep(0.5)  # five beats
        check.equal(manager.count("WATCHDOG"), before, "no sign of life while it is stopped")
        server.process.send_signal(signal.SIGCONT)
        wait_until(lambda: manager.count("WATCHDOG") > before, "and then again")


def test_other_surroundings(folder):
    """An abstract address; a watchdog that is another process's; no manager at all."""
    name = f"imgsrv-test-{folder.name}"
    manager = Manager("\0" + name)
    with Server(environment={"NOTIFY_SOCKET": "@" + name, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}) as server:
        manager.wait_for("READY")
        time.sleep(0.5)
        check.equal(manager.count("WATCHDOG"), 0, "nothing for a watchdog that watches another")
        check.equal(server.stop(), 0, "it ends with 0")
    for wrong in (str(folder / "nobody-listens"), "relative", "/" + "x" * 200, ""):
        with Server(environment={"NOTIFY_SOCKET": wrong, "WATCHDOG_USEC": "junk"}) as server:
            check.equal((server.anonymous().get("/readyz").status, server.stop()), (204, 0), f"NOTIFY_SOCKET={wrong[:20]}")


def test_unit(folder):
    """systemd finds no fault with the unit, and little to attack."""
    unit = folder / "imgsrv.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/imgsrv", str(BINARY)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit], capture_output=True, text=True)
    check.equal((done.returncode, done.stdout + done.stderr), (0, ""), "systemd-analyze verify")
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit], capture_output=True, text=True)
    check.equal(done.returncode, 0, "systemd-analyze security: exposure of 2.0 at most: " + done.stdout[-300:])
    settings = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.M))
    check.equal((settings["Type"], settings["WatchdogSec"]), ("notify", "30s"), "the unit waits for what the program sends")


def main():
    with tempfile.TemporaryDirectory(prefix="imgsrv-test-") as name:
        for test in (test_what_is_told, test_failed_reload, test_frozen, test_other_surroundings, test_unit):
            check.run(test, pathlib.Path(name))
    check.finish()


if __name__ == "__main__":
    main()
