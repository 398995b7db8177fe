#!/usr/bin/env python3
"""On SIGTERM the server is not ready at once, closes its listener, lets requests in flight finish within `shutdown-timeout`,
hands the leases of its steps back and exits with 0; a second SIGTERM ends it now. SIGHUP reloads the TLS certificates."""
import fcntl
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time

from harness.certificates import make_authority
from harness.checks import check
from harness.imgsrv import Server
from harness.pair import EMBEDDED
from harness.waiting import wait_until


class Raw:
    """One connection, byte by byte."""

    def __init__(self, server):
        host, _, port = server.address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def one(self):
        """An answer without a body."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = self.socket.recv(1)
            if not piece:
                raise AssertionError(f"no whole answer: {data!r}")
            data += piece
        return data

    def rest(self):
        """Everything until the server closes, or is gone."""
        data = b""
        try:
            while piece := self.socket.recv(1 << 20):
                data += piece
        except ConnectionResetError:
            pass
        return data


def head(method, target, *fields):
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: test", *fields, "", ""]).encode()


def refused(server):
    try:
        Raw(server).socket.close()
        return False
    except ConnectionError:
        return True


def begun_upload(server, data):
    """A part whose last byte is not sent yet."""
    writer = server.writer()
    upload = writer.new_upload(data)
    raw = Raw(server).send(head("PUT", f"/v1/uploads/{upload}/parts/1", f"Content-Length: {len(data)}",
                                f"Authorization: Bearer {writer.token}") + data[:-1])
    # Once the server counts it, it is in flight.
    wait_until(lambda: server.metric("http_server_active_requests") > 0, "the part is in flight")
    return upload, raw


def test_graceful():
    with Server("--shutdown-timeout", "10m") as server:
        data = os.urandom(3 << 20)
        idle = Raw(server).send(head("GET", "/healthz"))
        check.contains(idle.one().decode(), ["204"], "the idle connection is greeted")
        # The answer to the first request shows that the server has read the second one's beginning, too.
        asking = Raw(server).send(head("GET", "/healthz") + head("GET", "/readyz")[:-2])
        check.contains(asking.one().decode(), ["204"], "the connection that asks")
        upload, part = begun_upload(server, data)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refused(server), "the listener is closed")
        check.equal(idle.rest(), b"", "idle connections are closed")
        answer = asking.send(b"\r\n").rest()
        check.contains(answer.decode(), ["503", "Connection: close"], "not ready from then on")
        check.true(server.process.poll() is None, "it waits for what is in flight")
        answer = part.send(data[-1:]).rest()
        check.contains(answer.decode(), [" 200 ", "Connection: close", '"part_number"'], "the part is accepted")
        check.equal(server.process.wait(timeout=120), 0, "exit 0, at once rather than at the end of shutdown-timeout")
        server.start()
        parts = server.writer().get(f"/v1/uploads/{upload}/parts").expect(200).json["parts"]
        check.equal([p["part_number"] for p in parts], [1], "what was accepted is kept")


def test_timeout():
    with Server("--shutdown-timeout", "500ms") as server:
        _, part = begun_upload(server, os.urandom(1 << 20))
        began = time.monotonic()
        check.equal(server.stop(), 0, "exit 0, with a request that never ends")
        check.true(time.monotonic() - began >= 0.5, "after shutdown-timeout")
        check.true(b" 200 " not in part.rest(), "which is cut off")
        check.true(server.events("some requests did not finish in time"), "and told")


def test_during_start():
    """SIGTERM and SIGINT end a start that waits, here for another node's migrations."""
    with Server(start=False) as server:
        server.data.mkdir(exist_ok=True)
        with open(server.data / "imgsrv.db.migrate", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for sign in (signal.SIGTERM, signal.SIGINT):
                server.spawn()
                open_files = pathlib.Path(f"/proc/{server.process.pid}/fd")
                wait_until(lambda: str(lock.name) in map(os.path.realpath, open_files.iterdir()), "it waits for the lock")
                server.process.send_signal(sign)
                check.equal(server.process.wait(timeout=120), 0, f"{sign.name} ends it with 0")
        server.spawn()
        check.true(server.listening(), "the next start goes on")


def test_second_signal():
    for second in (signal.SIGTERM, signal.SIGINT):
        with Server("--shutdown-timeout", "10m") as server:
            _, part = begun_upload(server, os.urandom(1 << 20))
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: refused(server), "the listener is closed")
            check.true(server.process.poll() is None, "it waits")
            check.equal(server.stop(second), -second, f"a second signal, {second.name}, ends it now")
            check.true(b" 200 " not in part.rest(), "with what was in flight")
            server.start()
            check.equal(server.stop(), 0, "nothing is in the way of the next start")


def test_leases_are_handed_back():
    """Whenever SIGTERM comes, no lease is held afterwards, and the next start goes on without waiting for one to end."""
    with Server() as server:
        for n in range(6):
            writer, data = server.writer(), os.urandom(8 << 20)
            upload = writer.new_upload(data)
            part = writer.put_part(upload, 1, data).expect(200).json
            writer.draft("leased", f"{n}")
            small = os.urandom(1000)
            writer.artifact("leased", f"{n}", writer.upload(small), len(small)).expect(201)
            job = writer.post(f"/v1/images/leased/versions/{n}/publish").expect(202).json["job_id"]
            writer.complete(upload, [part]).expect(200)
            time.sleep(n * 0.004)  # somewhere in the middle of verifying and publishing
            check.equal(server.stop(), 0, f"round {n}: exit 0")
            for table in ("upload_sessions", "publish_steps"):
                held = server.backends.database.query(f"SELECT id, lease_owner FROM {table} WHERE lease_owner IS NOT NULL "
                                                      f"AND lease_expires_us > {int(time.time() * 1e6)}")
                check.equal(held, [], f"round {n}: no lease in {table}")
            server.start()
            began = time.monotonic()
            check.equal(server.writer().settled(upload)["state"], "ready", f"round {n}: the upload goes on")
            check.equal(server.writer().finished_job(job)["state"], "succeeded", f"round {n}: the job goes on")
            check.true(time.monotonic() - began < 25, f"round {n}: without waiting for a lease to end")


def serial(connection):
    return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))


def tls_connection(server):
    host, _, port = server.tls_address.rpartition(":")
    context = ssl.create_default_context(cafile=server.ca)
    return context.wrap_socket(socket.create_connection((host, int(port)), timeout=30), server_hostname="127.0.0.1")


def asked(connection):
    connection.sendall(head("GET", "/healthz"))
    return b"204" in connection.recv(4096)


def test_certificates_are_reloaded():
    with Server(tls=True) as server:
        old = tls_connection(server)
        first = serial(old)

        def reload(message):
            before = len(server.events(message))
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(server.events(message)) > before, message)

        make_authority(server.folder)
        reload("certificates read again")
        new = tls_connection(server)
        check.true(serial(new) != first, "a new certificate is served")
        check.true(asked(old), "the old connection lives on")

        good = serial(new)
        key = server.folder / "server.key"
        kept = key.read_bytes()
        for broken in (b"no key\n", b"", None):
            if broken is None:
                key.unlink()
            else:
                key.write_bytes(broken)
            reload("certificates not read, the old ones stay")
            check.true(serial(tls_connection(server)) == good, f"a key of {broken!r} keeps the old certificate")
        subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key], check=True)
        reload("certificates not read, the old ones stay")
        check.true(serial(tls_connection(server)) == good, "a key of another certificate keeps the old one")
        key.write_bytes(kept)
        reload("certificates read again")
        check.true(asked(new) and asked(tls_connection(server)), "and it goes on")
        check.equal(server.stop(), 0, "exit 0")


def main():
    if EMBEDDED:
        check.run(test_during_start)
    for test in (test_graceful, test_timeout, test_second_signal, test_leases_are_handed_back, test_certificates_are_reloaded):
        check.run(test)
    check.finish()


if __name__ == "__main__":
    main()
