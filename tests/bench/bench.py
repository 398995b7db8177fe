"""imgsrv beside nginx and docker-registry: see run.sh. Needs about 12 GB of disk below BENCH_DIR (default: the build)."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
ROUNDS = int(os.environ.get("ROUNDS", "5"))
WORK = pathlib.Path(os.environ.get("BENCH_DIR", BUILD / "bench"))
MIB = 1 << 20
FLOORS = []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A server process whose CPU time and peak memory can be read, children included."""

    def __init__(self, command, port, log, path="/"):
        self.port = port
        self.process = subprocess.Popen(command, stdout=open(log, "ab"), stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while True:
            try:
                status, _ = request(port, "GET", path)
                if status < 500:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"{command[0]} did not start: see {log}")
            time.sleep(0.01)

    def pids(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [str(self.process.pid)] + children

    def cpu(self):
        total = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def peak_mib(self):
        text = "".join(pathlib.Path(f"/proc/{pid}/status").read_text() for pid in self.pids())
        return sum(int(kb) for kb in re.findall(r"VmHWM:\s+(\d+)", text)) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def request(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, data


def send_file(port, method, path, file, offset, length, headers):
    """One request whose body goes from the file to the socket inside of the kernel. Returns (status, headers, body)."""
    with socket.create_connection(("127.0.0.1", port)) as s, open(file, "rb") as f:
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {length}\r\nConnection: close\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        s.sendall(head.encode() + b"\r\n")
        end = offset + length
        while offset < end:
            offset += os.sendfile(s.fileno(), f.fileno(), offset, end - offset)
        response = http.client.HTTPResponse(s)
        response.begin()
        return response.status, dict(response.getheaders()), response.read()


def make_file(path, size, seed):
    """Random bytes, written once; returns the SHA-256."""
    digest = hashlib.sha256()
    with open(path, "wb") as f:
        for i in range(size // (64 * MIB)):
            block = hashlib.shake_256(f"{seed}/{i}".encode()).digest(MIB) * 64
            f.write(block)
            digest.update(block)
        f.flush()
        os.fsync(f.fileno())
    return digest.hexdigest()


class Imgsrv(Server):
    def __init__(self):
        data = WORK / "imgsrv"
        data.mkdir(exist_ok=True)
        port = free_port()
        log = WORK / "imgsrv.log"
        super().__init__([str(BUILD / "bin/imgsrv"), "serve", "--data-dir", str(data), "--listen", f"127.0.0.1:{port}",
                          "--verbosity", "warn", "--rate-limit", "0"], port, log, "/readyz")
        bootstrap = re.findall(r"imgsrv_at_\w+", log.read_text())[-1]
        manager = {"Authorization": f"Bearer {bootstrap}", "Content-Type": "application/json"}
        _, body = request(port, "POST", "/v1/auth/principals", '{"kind":"service","display_name":"bench"}', manager)
        principal = json.loads(body)["id"]
        request(port, "PUT", f"/v1/auth/principals/{principal}/roles/content-writer", None, manager)
        _, body = request(port, "POST", f"/v1/auth/principals/{principal}/api-tokens",
                          '{"expires_at":"2099-01-01T00:00:00Z"}', manager)
        self.auth = {"Authorization": f"Bearer {json.loads(body)['plaintext']}"}

    def call(self, method, path, document=None):
        body = None if document is None else json.dumps(document)
        status, data = request(self.port, method, path, body, {**self.auth, "Content-Type": "application/json"})
        if status >= 400:
            sys.exit(f"imgsrv: {method} {path}: {status} {data.decode()}")
        return json.loads(data) if data else None

    def upload(self, file, hex_digest, part=64 * MIB, parallel=4):
        """Until the blob is trusted; returns the seconds."""
        size = os.path.getsize(file)
        start = time.monotonic()
        session = self.call("POST", "/v1/uploads", {"expected_digest": "sha256:" + hex_digest, "expected_size_bytes": size})
        path = "/v1/uploads/" + session["id"]

        def put(number):
            offset = (number - 1) * part
            status, _, body = send_file(self.port, "PUT", f"{path}/parts/{number}", file, offset,
                                        min(part, size - offset), self.auth)
            if status != 200:
                sys.exit(f"imgsrv: part {number}: {status} {body.decode()}")
            document = json.loads(body)
            return {"number": number, "etag": document["etag"], "size_bytes": document["size_bytes"]}

        with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
            parts = list(pool.map(put, range(1, (size + part - 1) // part + 1)))
        state = self.call("POST", path + "/complete", {"parts": parts})["state"]
        while state not in ("ready", "failed"):
            time.sleep(0.005)
            state = self.call("GET", path)["state"]
        if state != "ready":
            sys.exit("imgsrv: the upload failed")
        return time.monotonic() - start


class Nginx(Server):
    def __init__(self):
        root = WORK / "www"
        root.mkdir(exist_ok=True)
        port = free_port()
        config = WORK / "nginx.conf"
        config.write_text(f"""
daemon off; worker_processes auto; pid {WORK}/nginx.pid; error_log {WORK}/nginx.log;
events {{ worker_connections 4096; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; default_type application/json;
  server {{ listen 127.0.0.1:{port}; root {root}; }} }}
""")
        super().__init__(["nginx", "-c", str(config), "-p", str(WORK), "-g", "user root;"], port, WORK / "nginx.out")


class Registry(Server):
    def __init__(self):
        port = free_port()
        config = WORK / "registry.yml"
        config.write_text(f"""
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {WORK}/registry}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
""")
        super().__init__(["docker-registry", "serve", str(config)], port, WORK / "registry.log", "/v2/")

    def upload(self, file, hex_digest):
        start = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", "/v2/bench/blobs/uploads/")
        location = connection.getresponse().getheader("Location")
        connection.close()
        path = re.sub(r"^https?://[^/]+", "", location) + ("&" if "?" in location else "?") + "digest=sha256:" + hex_digest
        status, _, body = send_file(self.port, "PUT", path, file, 0, os.path.getsize(file),
                                    {"Content-Type": "application/octet-stream"})
        if status != 201:
            sys.exit(f"docker-registry: {status} {body.decode()}")
        return time.monotonic() - start


def compare(title, unit, ours, theirs, floor, servers, measure):
    """measure(server) -> figure, higher is better; in turn; prints medians, ratio, CPU and peak memory."""
    figures = {ours: [], theirs: []}
    cpu = {ours: 0.0, theirs: 0.0}
    for _ in range(ROUNDS):
        for name in (theirs, ours):
            before = servers[name].cpu()
            figures[name].append(measure(name))
            cpu[name] += servers[name].cpu() - before
    medians = {name: statistics.median(values) for name, values in figures.items()}
    ratio = medians[ours] / medians[theirs]
    FLOORS.append((title, ratio, floor))
    print(f"\n{title}")
    for name in (ours, theirs):
        spread = f"{min(figures[name]):.0f}..{max(figures[name]):.0f}"
        print(f"  {name:16s} {medians[name]:10.1f} {unit}  ({spread})   CPU {cpu[name] / ROUNDS:6.2f} s a round"
              f"   peak RSS {servers[name].peak_mib():6.1f} MiB")
    print(f"  ratio {ratio:.2f} (floor {floor})", flush=True)


def wrk(port, path):
    out = subprocess.run(["wrk", "-t2", "-c64", "-d4s", f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                         check=True).stdout
    if "Non-2xx" in out:
        sys.exit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def start_to_ready():
    """Milliseconds from exec to the first 204 of /readyz, on an existing database."""
    data = WORK / "ready"
    port = free_port()
    times = []
    for _ in range(ROUNDS + 1):
        start = time.monotonic()
        process = subprocess.Popen([str(BUILD / "bin/imgsrv"), "serve", "--data-dir", str(data), "--listen",
                                    f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                if request(port, "GET", "/readyz")[0] == 204:
                    break
            except OSError:
                time.sleep(0.001)
        times.append((time.monotonic() - start) * 1000)
        process.terminate()
        process.wait()
    return statistics.median(times[1:]), times[0]


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    imgsrv, nginx, registry = Imgsrv(), Nginx(), Registry()
    servers = {"imgsrv": imgsrv, "nginx": nginx, "docker-registry": registry}
    try:
        print(f"{os.cpu_count()} cores, {ROUNDS} rounds in turn", flush=True)
        big = WORK / "www/big"
        digest = make_file(big, 2048 * MIB, "big")
        imgsrv.upload(big, digest)
        paths = {"imgsrv": f"/v1/blobs/sha256:{digest}", "nginx": "/big"}
        for clients in (1, 8):
            def download(name):
                out = subprocess.run([str(BUILD / "tests/bench/bench_download"), str(servers[name].port), paths[name],
                                      str(clients)], capture_output=True, text=True, check=True).stdout
                return float(out)
            compare(f"download of 2 GiB, {clients} client(s)", "MiB/s", "imgsrv", "nginx", 0.9, servers, download)

        imgsrv.call("POST", "/v1/images", {"name": "bench"})
        imgsrv.call("POST", "/v1/images/bench/versions", {"version": "1"})
        imgsrv.call("POST", "/v1/images/bench/versions/1/artifacts",
                    {"operating_system": "linux", "architecture": "x86_64", "format": "raw",
                     "primary_blob_digest": "sha256:" + digest, "primary_blob_size_bytes": 2048 * MIB,
                     "primary_media_type": "application/octet-stream"})
        job = imgsrv.call("POST", "/v1/images/bench/versions/1/publish")["job_id"]
        while (state := imgsrv.call("GET", "/v1/publish-jobs/" + job)["state"]) != "succeeded":
            if state == "failed":
                sys.exit("publishing failed")
            time.sleep(0.05)
        document = request(imgsrv.port, "GET", "/v1/images/bench/versions/1")[1]
        (WORK / "www/small.json").write_bytes(document)
        small = {"imgsrv": "/v1/images/bench/versions/1", "nginx": "/small.json"}
        compare(f"JSON of {len(document)} bytes, 64 connections", "req/s", "imgsrv", "nginx", 0.3, servers,
                lambda name: wrk(servers[name].port, small[name]))

        one = WORK / "one"
        seeds = iter(range(1000))
        digests = {}

        def upload(name):
            if name == "docker-registry":  # each pair gets the same new bytes
                digests["now"] = make_file(one, 1024 * MIB, f"one{next(seeds)}")
            os.sync()
            return 1024 / servers[name].upload(one, digests["now"])

        compare("upload of 1 GiB until stored for good", "MiB/s", "imgsrv", "docker-registry", 2.0, servers, upload)

        ready, first = start_to_ready()
        print(f"\nstart to ready: {ready:.0f} ms (first start {first:.0f} ms; limit 300 ms)")
        FLOORS.append(("start to ready", 300 / ready, 1.0))
    finally:
        for server in servers.values():
            server.stop()
        shutil.rmtree(WORK, ignore_errors=True)
    missed = [f"{title}: {ratio:.2f} of {floor}" for title, ratio, floor in FLOORS if ratio < floor]
    print("\n" + "\n".join("missed: " + m for m in missed) if missed else "\nevery floor is met")
    print(f"{len(FLOORS) - len(missed)} passed, {len(missed)} failed")
    sys.exit(1 if missed else 0)


main()
