#!/usr/bin/env python3
"""16 uploads in parts of 64 MiB and 16 readers at 5 MB/s at once: the server's peak memory stays below 128 MiB, and its
descriptors and threads go away with the load.

Uploads of 256 MiB (128 MiB where they go to S3), of 1 GiB with IMGSRV_SOAK=1. Half of the uploads send one part after the other, half send two at a time,
the last ones first. Half of the readers come over TLS.
"""
import concurrent.futures
import hashlib
import http.client
import os
import socket
import ssl
import threading
import time

from harness.build import LONG_FORM
from harness.checks import Checks
from harness.imgsrv import Server
from harness.pair import EMBEDDED

MIB = 1024 * 1024
UPLOADS = READERS = 16
PART = 64 * MIB
SIZE = (1024 if LONG_FORM else 256 if EMBEDDED else 128) * MIB
READ_SIZE = 128 * MIB
BYTES_PER_SECOND = 5_000_000
LIMIT_KIB = 128 * 1024
TRAILER = 16
# What the server keeps after use: connections to the database, with three descriptors each for SQLite, and the configured
# number of idle connections to an S3 store, with their wakeups. Fewer than there are parts, so that a leak per part shows.
FLAGS = () if EMBEDDED else ("--set", "storage.s3.idle_connections=2")
KEPT_DESCRIPTORS = 3 * 16 if EMBEDDED else 16 + 3 * 2


class Content:
    """Objects of random bytes that differ only in their last 16, so that one pass of hashing serves all."""

    def __init__(self, size):
        self.size = size
        self._bytes = os.urandom(PART)
        self.unit = memoryview(self._bytes)
        self._hash = hashlib.sha256()
        for _ in range(size // PART - 1):
            self._hash.update(self.unit)
        self._hash.update(self.unit[:-TRAILER])

    def trailer(self, n):
        return n.to_bytes(TRAILER, "big")

    def digest(self, n):
        whole = self._hash.copy()
        whole.update(self.trailer(n))
        return "sha256:" + whole.hexdigest()

    def holds(self, at, piece):
        """Whether these are the bytes from `at` on, ignoring the trailer."""
        piece = piece[:max(0, self.size - TRAILER - at)]
        first = piece[:PART - at % PART]
        return self._bytes.startswith(first, at % PART) and self._bytes.startswith(piece[len(first):])

    def part(self, n, number):
        """What to send as part `number`, 1 and up, of object n."""
        if number < self.size // PART:
            return [self.unit]
        return [self.unit[:-TRAILER], self.trailer(n)]


def upload(server, token, content, n):
    """Returns the state in which the session ended."""
    client = server.client(token, timeout=600)
    session = client.post("/v1/uploads", json={
        "expected_digest": content.digest(n), "expected_size_bytes": content.size}).expect(201).json
    client.close()  # the parts may take longer than the server keeps an idle connection
    count = content.size // PART
    senders = 2 if n % 2 else 1
    order = range(count, 0, -1) if n % 2 else range(1, count + 1)
    clients = threading.local()

    def put(number):
        if not hasattr(clients, "one"):
            clients.one = server.client(token, timeout=600)
        return clients.one.put_part(session["id"], number, content.part(n, number),
                                    headers={"Content-Length": str(PART)}).expect(200).json

    with concurrent.futures.ThreadPoolExecutor(senders) as pool:
        parts = sorted(pool.map(put, order), key=lambda part: part["part_number"])
    client.complete(session["id"], parts).expect(200)
    state = client.settled(session["id"], seconds=600)["state"]
    client.close()
    return state


class Reader(threading.Thread):
    """Downloads one blob over and over at 5 MB/s, with a small window, and compares each byte."""

    def __init__(self, n, server, content, stop):
        super().__init__(daemon=True)
        self.tls = n % 2 == 1
        self.port = int((server.tls_address if self.tls else server.address).rpartition(":")[2])
        self.content, self.stop = content, stop
        self.path = f"/v1/blobs/{content.digest(0)}"
        self.bytes = 0
        self.wrong = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.download()
        except Exception as e:  # reported by the test
            self.wrong = f"{type(e).__name__}: {e}"

    def download(self):
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        raw.settimeout(600)
        raw.connect(("127.0.0.1", self.port))
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            raw = context.wrap_socket(raw)
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.sock = raw
        connection.request("GET", self.path)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        began, at = time.monotonic(), 0
        while at < self.content.size and not self.stop.is_set():
            piece = answer.read1(128 * 1024)
            assert piece, f"ended after {at} bytes"
            assert self.content.holds(at, piece), f"wrong bytes at {at}"
            at += len(piece)
            self.bytes += len(piece)
            ahead = at / BYTES_PER_SECOND - (time.monotonic() - began)
            if ahead > 0:
                self.stop.wait(ahead)
        connection.close()


def watch(server, stop, peaks):
    while not stop.wait(0.2):
        peaks["threads"] = max(peaks["threads"], server.status("Threads"))
        peaks["descriptors"] = max(peaks["descriptors"], server.descriptors())


def falls_to(value, limit, timeout):
    end = time.monotonic() + timeout
    while value() > limit and time.monotonic() < end:
        time.sleep(0.2)
    return value()


def main():
    tally = Checks()
    with Server(*FLAGS, tls=True) as server:
        run(tally, server)
    tally.finish()


def run(tally, server):
    token = server.token("content-writer")["plaintext"]
    tally.say(f"{server.status('VmHWM') / 1024:.1f} MiB after the start")
    readable, content = Content(READ_SIZE), Content(SIZE)
    tally.true(upload(server, token, readable, 0) == "ready", "the blob to read")
    time.sleep(1)
    calm = {"threads": server.status("Threads"), "descriptors": server.descriptors()}
    tally.say(f"{server.status('VmHWM') / 1024:.1f} MiB after one upload; {calm}")

    began = time.monotonic()
    stop, peaks = threading.Event(), {"threads": 0, "descriptors": 0}
    readers = [Reader(n, server, readable, stop) for n in range(READERS)]
    watcher = threading.Thread(target=watch, args=(server, stop, peaks), daemon=True)
    for thread in (*readers, watcher):
        thread.start()
    with concurrent.futures.ThreadPoolExecutor(UPLOADS) as pool:
        states = list(pool.map(lambda n: upload(server, token, content, n + 1), range(UPLOADS)))
    took = time.monotonic() - began
    stop.set()
    for thread in (*readers, watcher):
        thread.join()

    peak = server.status("VmHWM")
    tally.say(f"{UPLOADS} uploads of {SIZE // MIB} MiB in {took:.1f} s, {UPLOADS * SIZE / took / 1e6:.0f} MB/s; "
              f"{READERS} readers at {sum(r.bytes for r in readers) / took / READERS / 1e6:.1f} MB/s each; {peaks}")
    tally.say(f"peak RSS {peak / 1024:.1f} MiB")
    tally.true(peak < LIMIT_KIB, f"peak RSS is {peak / 1024:.1f} MiB, allowed are {LIMIT_KIB // 1024}")
    tally.true(states == ["ready"] * UPLOADS, f"uploads ended {states}")
    for reader in readers:
        tally.true(reader.wrong is None and reader.bytes > 0, f"reader: {reader.wrong}, {reader.bytes} bytes")
    for what, value, more in (("threads", lambda: server.status("Threads"), 0),
                              ("descriptors", server.descriptors, KEPT_DESCRIPTORS)):
        left = falls_to(value, calm[what] + more, 120)
        tally.say(f"{what}: {calm[what]} before, {peaks[what]} at most, {left} after")
        tally.true(left <= calm[what] + more, f"{left} {what} after the load, {calm[what]} before")
    tally.true(server.stop() == 0, f"the server did not stop well:\n{server.log.tail()}")


if __name__ == "__main__":
    main()
