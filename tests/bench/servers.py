"""imgsrv and the servers it is compared with: each waits until it answers, or says with its log's end why it does not."""
import contextlib
import http.client
import os
import pathlib
import re
import socket
import subprocess
import time

from harness.client import LOST
from harness.imgsrv import Server
from harness.ports import free_port

START_SECONDS = 60


def request(port, method, path, headers=None):
    """(status, body, headers)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read(), response.headers


def send_file(port, method, path, file, offset, length, headers):
    """One request whose body goes from the file to the socket inside the kernel. Returns (status, body)."""
    with socket.create_connection(("127.0.0.1", port)) as s, open(file, "rb") as f:
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {length}\r\nConnection: close\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        s.sendall(head.encode() + b"\r\n")
        end = offset + length
        while offset < end:
            offset += os.sendfile(s.fileno(), f.fileno(), offset, end - offset)
        response = http.client.HTTPResponse(s)
        response.begin()
        return response.status, response.read()


def until_answered(process, port, path, log):
    """Until a GET is answered with less than 500. An error with the log's end when the server died or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        died = process.poll() is not None
        if not died:
            with contextlib.suppress(*LOST):
                if request(port, "GET", path)[0] < 500:
                    return
        if died or time.monotonic() > deadline:
            end = "\n".join(pathlib.Path(log).read_text(errors="replace").splitlines()[-15:])
            raise SystemExit(f"{process.args[0]} {f'ended with {process.returncode}' if died else 'does not answer'}; its log ends:\n{end}")
        time.sleep(0.001)


class Measured:
    """A server process whose CPU time and peak memory can be read, with those of its children."""

    def pids(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [str(self.process.pid)] + children

    def cpu(self):
        total = 0
        for pid in self.pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a child may end at any time
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def peak_mib(self):
        total = 0
        for pid in self.pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += sum(int(kb) for kb in re.findall(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()))
        return total / 1024


class Imgsrv(Measured, Server):
    def __init__(self, folder, start=True):
        super().__init__("--verbosity", "warn", folder=folder, start=start)
        self.port = int(self.address.rpartition(":")[2])

    def listening(self):
        # Asked for, because at this verbosity the log does not tell.
        until_answered(self.process, int(self.address.rpartition(":")[2]), "/readyz", self.log.path)
        return True


class Peer(Measured):
    """Another server, on a port of its own."""

    def __init__(self, command, port, log, path="/"):
        self.port = port
        with open(log, "ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            until_answered(self.process, port, path, log)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.process.terminate()
        self.process.wait()


class Nginx(Peer):
    def __init__(self, folder, root):
        port = free_port()
        config = folder / "nginx.conf"
        config.write_text(f"""
daemon off; worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; default_type application/json;
  server {{ listen 127.0.0.1:{port}; root {root}; }} }}
""")
        super().__init__(["nginx", "-c", str(config), "-p", str(folder), "-g", "user root;"], port, folder / "nginx.out")


class Registry(Peer):
    def __init__(self, folder):
        port = free_port()
        config = folder / "registry.yml"
        config.write_text(f"""
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/registry}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
""")
        super().__init__(["docker-registry", "serve", str(config)], port, folder / "registry.log", "/v2/")

    def upload(self, file, hex_digest):
        """The seconds it took."""
        start = time.monotonic()
        location = request(self.port, "POST", "/v2/bench/blobs/uploads/")[2]["Location"]
        path = re.sub(r"^https?://[^/]+", "", location) + ("&" if "?" in location else "?") + "digest=sha256:" + hex_digest
        status, body = send_file(self.port, "PUT", path, file, 0, os.path.getsize(file), {"Content-Type": "application/octet-stream"})
        if status != 201:
            raise SystemExit(f"docker-registry: {status} {body.decode()}")
        return time.monotonic() - start
