#!/usr/bin/env python3
"""The installed unit under a real systemd, which is the first process in its own namespaces. As root.

systemd starts it, hears that it is ready and alive, reloads, restarts and stops it.
"""
import contextlib
import os
import pathlib
import re
import subprocess
import tempfile

from harness.build import BUILD
from harness.checks import check
from harness.client import Client, digest_of
from harness.ports import free_port
from harness.waiting import wait_until

WATCHDOG = 2

# Changes below these folders stay in memory. Only the unit is started.
BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
for tree in usr etc var; do
    mkdir -p /run/changes/$tree /run/changes/work.$tree
    mount -t overlay overlay -o lowerdir=/$tree,upperdir=/run/changes/$tree,workdir=/run/changes/work.$tree /$tree
done
cmake --install {build} --prefix /usr >/dev/null
systemd-sysusers /usr/lib/sysusers.d/imgsrv.conf
mkdir -p /etc/imgsrv /run/systemd/system/imgsrv.service.d
printf 'listen = "127.0.0.1:{port}"\\n' >/etc/imgsrv/imgsrv.toml
printf '[Unit]\\nDefaultDependencies=no\\n[Service]\\nWatchdogSec={watchdog}\\nStandardOutput=append:/run/output\\n' >/run/systemd/system/imgsrv.service.d/test.conf
printf '[Unit]\\nDefaultDependencies=no\\n' >/run/systemd/system/test.target
exec env -i PATH="$PATH" container=imgsrv-test /lib/systemd/systemd --system --unit=test.target
"""


class Systemd:
    """A context manager."""

    def __init__(self, folder, port):
        self.log, self.port = folder / "systemd.log", port
        script = BOOT.format(build=BUILD, port=port, watchdog=WATCHDOG)
        with open(self.log, "wb") as log:
            self.outer = subprocess.Popen(["unshare", "--fork", "--kill-child", "--pid", "--mount", "--ipc", "--uts",
                                           "--cgroup", "--mount-proc", "bash", "-c", script], stdout=log, stderr=log)
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        self.pid = wait_until(lambda: self.outer.poll() is None and children.read_text().strip(), "the namespace")
        wait_until(lambda: self.systemctl("is-system-running").stdout.strip() in ("running", "degraded"), "systemd is up")

    def inside(self, *command, **options):
        return subprocess.run(["nsenter", "-t", self.pid, "-m", "-p", "-i", "-u", "-C", *command], capture_output=True, text=True,
                              timeout=60, **options)

    def systemctl(self, *arguments):
        return self.inside("systemctl", *arguments)

    def do(self, verb):
        done = self.systemctl(verb, "imgsrv")
        check.equal(done.returncode, 0, f"systemctl {verb}: {done.stderr} {self.log.read_text()[-2000:]}")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def shows(self, name):
        return self.systemctl("show", "imgsrv", "--value", "-p", name).stdout.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.outer.kill()
        self.outer.wait()
        # Its folders in systemd's control groups, if there are any: they have no process any more.
        for place in ("system.slice/imgsrv.service", "system.slice", "init.scope"):
            with contextlib.suppress(OSError):
                os.rmdir(f"/sys/fs/cgroup/systemd/{place}")


def status_of(systemd, pid):
    text = systemd.inside("cat", f"/proc/{pid}/status").stdout
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_life(systemd):
    anonymous = Client(systemd)

    def ready():
        with contextlib.suppress(OSError):
            return anonymous.get("/readyz").status == 204

    def restarted(count):
        wait_until(lambda: systemd.shows("NRestarts") == str(count) and systemd.shows("ActiveState") == "active", "it is restarted")
        check.true(ready(), "and ready as soon as it is active")

    systemd.do("start")
    check.true(ready(), "start returns when it is ready")
    check.contains(systemd.shows("StatusText"), [systemd.address], "its status")
    pid = systemd.shows("MainPID")
    status = status_of(systemd, pid)
    user = systemd.inside("id", "-u", "imgsrv").stdout.strip()
    check.true(user not in ("", "0"), "there is a user for it", user)
    check.equal(status["Uid"].split()[0], user, "it runs as that user")
    check.equal((int(status["CapBnd"], 16), status["NoNewPrivs"], status["Seccomp"]), (1 << 10, "1", "2"),
                "it can do no more than bind low ports, and calls are filtered")

    printed = systemd.inside("cat", "/run/output").stdout
    created = systemd.inside("env", "IMGSRV_TOKEN=" + re.search(r"imgsrv_at_\S+", printed)[0], "imgsrv", "token", "create",
                             "--server", f"http://{systemd.address}", "--name", "writer", "--role", "content-writer")
    writer, data = Client(systemd, re.search(r"imgsrv_at_\S+", created.stdout)[0]), os.urandom(100_000)
    writer.published("image", "v1", data)

    systemd.do("reload")
    check.equal((systemd.shows("ActiveState"), systemd.shows("MainPID"), ready()), ("active", pid, True), "reload ends nothing")

    systemd.inside("kill", "-STOP", pid)
    restarted(1)  # by the watchdog
    systemd.inside("kill", "-KILL", systemd.shows("MainPID"))
    restarted(2)
    check.true(writer.get(f"/v1/blobs/{digest_of(data)}").body == data, "what was published is still there")

    systemd.do("stop")
    check.equal((systemd.shows("ActiveState"), systemd.shows("Result"), ready()), ("inactive", "success", None), "stop ends it well")


def main():
    with tempfile.TemporaryDirectory(prefix="imgsrv-systemd-") as name:
        with Systemd(pathlib.Path(name), free_port()) as systemd:
            check.run(test_life, systemd)
    check.finish()


if __name__ == "__main__":
    main()
