#!/usr/bin/env python3
"""SIGHUP reopens the log file and reloads the log level."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import urllib.request

from harness.build import BINARY, clean_environment
from harness.checks import check
from harness.imgsrv import Server
from harness.ports import free_port
from harness.waiting import wait_until


def messages(path):
    return [json.loads(line)["msg"] for line in path.read_text().splitlines()] if path.exists() else []


def test_reopen_and_level():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        config, log, moved = folder / "imgsrv.toml", folder / "imgsrv.log", folder / "imgsrv.log.1"
        config.write_text('verbosity = "info"\n')
        address = f"127.0.0.1:{free_port()}"
        server = subprocess.Popen([BINARY, "serve", "--config", config, "--data-dir", folder / "data", "--listen", address,
                                   "--metrics-listen", "", "--log-format", "json", "--log-file", log],
                                  env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            def ask():
                with urllib.request.urlopen(f"http://{address}/v1/images") as answer:
                    answer.read()
            wait_until(lambda: "listening" in messages(log), "the server listens")
            ask()
            wait_until(lambda: "request" in messages(log), "the request is in the file")
            check.equal(oct(log.stat().st_mode & 0o777 & ~0o040), "0o600", "others cannot read the file")
            log.rename(moved)
            before = len(messages(moved))
            config.write_text('verbosity = "warn"\n')
            server.send_signal(signal.SIGHUP)
            wait_until(log.exists, "a new file is begun")
            ask()
            config.write_text('verbosity = "debug"\n')
            server.send_signal(signal.SIGHUP)
            wait_until(lambda: "verbosity" in messages(log), "the level is read again")
            ask()
            wait_until(lambda: messages(log).count("request") == 1, "requests are logged again")
            check.equal(len(messages(moved)), before, "nothing goes to the file that was moved")
            check.true("request headers" in messages(log), "as much as the level wants")
            config.write_text('verbosity = "loud"\n')
            server.send_signal(signal.SIGHUP)
            wait_until(lambda: "the configuration is not read again" in messages(log), "a wrong file is reported")
            ask()
            check.equal(server.poll(), None, "and the server goes on")
        finally:
            server.terminate()
            server.wait(timeout=30)
        check.equal(server.stderr.read(), b"", "nothing is left for stderr")


def test_no_file():
    told = subprocess.run([BINARY, "serve", "--log-file", "/no/such/folder/log"], env=clean_environment(),
                          capture_output=True, text=True)
    check.equal(told.returncode, 1, "no start without the log")
    check.contains(told.stderr, ["log-file", "/no/such/folder/log", "No such file or directory"], "why")


def test_folder_gone():
    """The file in use has lost its folder: the error must go where an operator can see it."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        log = folder / "logs/imgsrv.log"
        log.parent.mkdir()
        with Server("--log-file", str(log), start=False) as server:
            server.spawn()
            wait_until(lambda: "listening" in messages(log), "the server listens")
            log.parent.rename(folder / "away")
            server.process.send_signal(signal.SIGHUP)
            told = f"the log stays where it is: the log file '{log}' cannot be opened: No such file or directory"
            wait_until(lambda: told in server.log.path.read_text(), "stderr reports it")
            wait_until(lambda: "certificates read again" in messages(folder / "away/imgsrv.log"), "the log goes on")
            check.equal(server.anonymous().get("/readyz").status, 204, "and the server does")


def test_closed_descriptors():
    """Started with stdin, stdout and stderr closed, it writes the log into none of its own files."""
    with tempfile.TemporaryDirectory() as name:
        data, address = pathlib.Path(name) / "data", f"127.0.0.1:{free_port()}"
        server = subprocess.Popen(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', BINARY, "serve", "--data-dir", data, "--listen",
                                   address, "--metrics-listen", ""], env=clean_environment())
        try:
            def is_there():
                try:
                    with urllib.request.urlopen(f"http://{address}/v1/images") as answer:
                        return answer.status == 200
                except OSError:
                    return False
            wait_until(is_there, "the server answers")
            for number in range(3):
                check.equal(os.readlink(f"/proc/{server.pid}/fd/{number}"), "/dev/null", f"descriptor {number}")
            for file in filter(pathlib.Path.is_file, data.rglob("*")):
                check.true(b"listening" not in file.read_bytes(), f"no log in {file.name}")
        finally:
            server.terminate()
            server.wait(timeout=30)


if __name__ == "__main__":
    check.run(test_closed_descriptors)
    check.run(test_folder_gone)
    check.run(test_reopen_and_level)
    check.run(test_no_file)
    check.finish()
