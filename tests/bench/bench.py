#!/usr/bin/env python3
"""imgsrv beside nginx and docker-registry on this machine, in turn, in one run: medians, ratios, CPU seconds, peak memory.

    bench.py [--tiny] [CASE...]     download json upload start; all by default

ROUNDS (5) are measured; about 12 GB of disk are used below BENCH_DIR, by default the build folder IMGSRV_BUILD. A case fails
when its ratio is below its floor. --tiny shows in seconds that each case runs, on a few MiB, and asserts nothing on time.
"""
import argparse
import concurrent.futures
import contextlib
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from harness.build import BUILD
from harness.checks import check
from servers import Imgsrv, Nginx, Registry, request, send_file

MIB = 1 << 20


class Sizes:
    def __init__(self, tiny):
        self.tiny = tiny
        self.rounds = 2 if tiny else int(os.environ.get("ROUNDS", "5"))
        self.download_mib, self.upload_mib, self.part_mib = (8, 4, 1) if tiny else (2048, 1024, 64)
        self.clients = (1, 2) if tiny else (1, 8)
        self.wrk_seconds = 1 if tiny else 4


def make_file(path, mebibytes, seed):
    """Bytes that look random, on disk when this returns. The SHA-256."""
    digest, run = hashlib.sha256(), min(mebibytes, 64)
    with open(path, "wb") as f:
        for i in range(mebibytes // run):
            block = hashlib.shake_256(f"{seed}/{i}".encode()).digest(MIB) * run
            f.write(block)
            digest.update(block)
        f.flush()
        os.fsync(f.fileno())
    return digest.hexdigest()


class Bench:
    def __init__(self, sizes, folder, stack):
        self.sizes, self.folder = sizes, folder
        self.www = folder / "www"
        self.www.mkdir()
        self.imgsrv = Imgsrv(folder / "imgsrv")
        stack.callback(self.imgsrv.close)
        self.writer = self.imgsrv.writer()

    def upload(self, file, hex_digest, parallel=4):
        """To imgsrv, until the blob is trusted; the seconds it took."""
        size, part = os.path.getsize(file), self.sizes.part_mib * MIB
        start = time.monotonic()
        session = self.writer.post("/v1/uploads", json={
            "expected_digest": "sha256:" + hex_digest, "expected_size_bytes": size}).expect(201).json["id"]

        def put(number):
            offset = (number - 1) * part
            status, body = send_file(self.imgsrv.port, "PUT", f"/v1/uploads/{session}/parts/{number}", file, offset,
                                     min(part, size - offset), {"Authorization": "Bearer " + self.writer.token})
            if status != 200:
                raise SystemExit(f"imgsrv: part {number}: {status} {body.decode()}")
            return json.loads(body)

        with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
            parts = list(pool.map(put, range(1, (size + part - 1) // part + 1)))
        state = self.writer.complete(session, parts).expect(200).json["state"]
        while state not in ("ready", "failed"):
            time.sleep(0.005)
            state = self.writer.get(f"/v1/uploads/{session}").expect(200).json["state"]
        if state != "ready":
            raise SystemExit("imgsrv: the upload failed")
        return time.monotonic() - start

    def compare(self, title, unit, theirs, peer, floor, measure):
        """measure(name) -> figure, higher is better; in turn; prints medians, ratio, CPU and peak memory."""
        servers = {"imgsrv": self.imgsrv, theirs: peer}
        figures, cpu = {name: [] for name in servers}, dict.fromkeys(servers, 0.0)
        for _ in range(self.sizes.rounds):
            for name in (theirs, "imgsrv"):
                before = servers[name].cpu()
                figures[name].append(measure(name))
                cpu[name] += servers[name].cpu() - before
        medians = {name: statistics.median(values) for name, values in figures.items()}
        ratio = medians["imgsrv"] / medians[theirs]
        print(f"\n{title}")
        for name, server in servers.items():
            spread = f"{min(figures[name]):.0f}..{max(figures[name]):.0f}"
            print(f"  {name:16s} {medians[name]:10.1f} {unit}  ({spread})   CPU {cpu[name] / self.sizes.rounds:6.2f} s a round"
                  f"   peak RSS {server.peak_mib():6.1f} MiB")
            self.sane(server.peak_mib(), f"{title}: peak RSS of {name}")
        print(f"  ratio {ratio:.2f} (floor {floor})", flush=True)
        self.judge(title, ratio, floor)

    def judge(self, title, ratio, floor):
        if self.sizes.tiny:
            self.sane(ratio, f"{title}: ratio")
        else:
            check.true(ratio >= floor, f"{title}: {ratio:.2f} of {floor}")

    def sane(self, figure, what):
        if self.sizes.tiny:
            check.true(math.isfinite(figure) and figure > 0, what, figure)


def download(bench, stack):
    nginx = Nginx(bench.folder, bench.www)
    stack.callback(nginx.close)
    big, size = bench.www / "big", bench.sizes.download_mib
    digest = make_file(big, size, "big")
    bench.upload(big, digest)
    ports = {"imgsrv": bench.imgsrv.port, "nginx": nginx.port}
    paths = {"imgsrv": f"/v1/blobs/sha256:{digest}", "nginx": "/big"}
    for clients in bench.sizes.clients:
        def measure(name):
            return float(subprocess.run([BUILD / "tests/bench/bench_download", str(ports[name]), paths[name], str(clients), str(size * MIB)],
                                        stdout=subprocess.PIPE, text=True, check=True).stdout)
        bench.compare(f"download of {size} MiB, {clients} client(s)", "MiB/s", "nginx", nginx, 0.9, measure)


def wrk(port, path, seconds):
    out = subprocess.run(["wrk", "-t2", "-c64", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE,
                         text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


def json_document(bench, stack):
    nginx = Nginx(bench.folder, bench.www)
    stack.callback(nginx.close)
    bench.writer.published("bench", "1", b"x" * 1000)
    paths = {"imgsrv": "/v1/images/bench/versions/1", "nginx": "/small.json"}
    status, document, _ = request(bench.imgsrv.port, "GET", paths["imgsrv"])
    check.equal((status, json.loads(document)["version"]["state"]), (200, "published"), "the document to compare with")
    (bench.www / "small.json").write_bytes(document)
    ports = {"imgsrv": bench.imgsrv.port, "nginx": nginx.port}
    bench.compare(f"JSON of {len(document)} bytes, 64 connections", "req/s", "nginx", nginx, 0.3,
                  lambda name: wrk(ports[name], paths[name], bench.sizes.wrk_seconds))


def upload(bench, stack):
    registry = Registry(bench.folder)
    stack.callback(registry.close)
    file, size = bench.folder / "one", bench.sizes.upload_mib
    digests = []

    def measure(name):
        if name == "docker-registry":  # each pair gets the same new bytes
            digests.append(make_file(file, size, f"one{len(digests)}"))
        os.sync()
        return size / (registry if name == "docker-registry" else bench).upload(file, digests[-1])

    bench.compare(f"upload of {size} MiB until stored for good", "MiB/s", "docker-registry", registry, 2.0, measure)
    for digest in digests:
        stored = request(bench.imgsrv.port, "HEAD", f"/v1/blobs/sha256:{digest}")
        check.equal((stored[0], stored[2]["Content-Length"]), (200, str(size * MIB)), "what was uploaded is stored")


def start(bench, stack):
    """From exec to the first 204 of /readyz."""
    server, times = Imgsrv(bench.folder / "started", start=False), []
    stack.callback(server.close)
    for _ in range(bench.sizes.rounds + 1):
        began = time.monotonic()
        server.start()
        times.append((time.monotonic() - began) * 1000)
        check.equal(server.stop(), 0, "the server stops well")
    ready, limit = statistics.median(times[1:]), 300
    print(f"\nstart to ready: {ready:.0f} ms (first start {times[0]:.0f} ms; limit {limit} ms)")
    bench.judge("start to ready", limit / ready, 1.0)


CASES = {"download": download, "json": json_document, "upload": upload, "start": start}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=" ".join(CASES))
    wanted = parser.parse_args()
    if unknown := set(wanted.cases) - set(CASES):
        parser.error(f"no such case: {' '.join(sorted(unknown))}")
    sizes = Sizes(wanted.tiny)
    print(f"{os.cpu_count()} cores, {sizes.rounds} rounds in turn", flush=True)
    for name in wanted.cases or CASES:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("BENCH_DIR", BUILD)))
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            CASES[name](Bench(sizes, folder, stack), stack)
    check.finish()


if __name__ == "__main__":
    main()
