#!/usr/bin/env python3
"""Each client address may send `rate-limit` requests a minute (1200; 0: no limit), health and metrics not counted. Beyond that
it gets 429 with Retry-After and a problem document that also has statusCode, error and message. X-Forwarded-For is believed
only as far as `trust-proxy` (false, true, or a number of hops) allows."""
import lzma
import os
import signal
import subprocess
import time

from harness.build import BINARY, clean_environment
from harness.checks import check
from harness.client import digest_of
from harness.imgsrv import Server
from harness.waiting import wait_until


def statuses(client, target, count, **headers):
    return [client.get(target, headers=headers).status for _ in range(count)]


def test_default():
    """The default."""
    with Server(rate_limit=None) as server:
        began = time.monotonic()
        seen = statuses(server.anonymous(), "/v1/images", 1200)
        check.equal(set(seen), {200}, "1200 requests pass")
        more = 0
        while server.anonymous().get("/v1/images").status != 429:
            more += 1
        # 20 were allowed in each second that has gone by since the first.
        allowance = (time.monotonic() - began) * 20 + 1
        check.true(more <= allowance, "then it is 429", f"after {more} more, {allowance:.0f} were allowed")
        # Another request is allowed every 50 ms, which may have gone by.
        answers = (server.anonymous().get("/v1/images/none") for _ in range(200))
        answer = next((a for a in answers if a.status == 429), None)
        if not check.true(answer, "a path without anything is counted, too"):
            return
        check.equal((answer.header("Retry-After"), answer.header("Cache-Control")), ("1", "no-store"), "Retry-After")
        check.equal(answer.header("Content-Type"), "application/problem+json", "a problem document")
        document = answer.json
        check.equal((document["status"], document["title"], document["statusCode"], document["error"], document["message"]),
                    (429, "Too Many Requests", 429, "Too Many Requests", document["detail"]), "its members")
        check.contains(document["detail"], ["1200", "minute"], "detail names the limit")
        check.equal(document["instance"], answer.header("X-Request-Id"), "instance")
        for probe, status in (("/healthz", 204), ("/readyz", 204), ("/health", 200)):
            check.equal(set(statuses(server.anonymous(), probe, 50)), {status}, f"{probe} is exempt")
        manager = server.manager()
        check.true(429 in (manager.get("/v1/auth/principals").status for _ in range(200)), "a token does not help")
        wait_until(lambda: server.anonymous().get("/v1/images").status == 200, "requests pass again")


def test_off():
    with Server("--rate-limit", "0") as server:
        check.equal(set(statuses(server.anonymous(), "/v1/images", 2000)), {200}, "no limit")


def test_forwarded_for():
    for trust, forwarded, clients in (
            ("false", ["1.1.1.1", "2.2.2.2", "3.3.3.3"], ["127.0.0.1"] * 3),
            ("1", ["6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1", "unknown", "[2001:db8::1]:80"],
             ["1.1.1.1", "1.1.1.1", "127.0.0.1", "2001:db8::1"]),
            ("2", ["6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1, 10.0.0.2"], ["1.1.1.1", "1.1.1.1"]),
            ("true", ["1.1.1.1, 10.0.0.2, 10.0.0.1", "<script>, 10.0.0.1"], ["1.1.1.1", "10.0.0.1"])):
        with Server("--rate-limit", "2", "--trust-proxy", trust) as server:
            used = {}
            for value, client in zip(forwarded, clients):
                for _ in range(3):
                    used[client] = used.get(client, 0) + 1
                    answer = server.anonymous().get("/v1/images", headers={"X-Forwarded-For": value})
                    check.equal(answer.status, 200 if used[client] <= 2 else 429,
                                f"trust-proxy {trust}: {value!r}, request {used[client]} of {client}")
            wait_until(lambda: len(server.events("request")) >= 3 * len(clients), "all is logged")
            logged = [e["client"] for e in server.events("request")]
            check.equal(logged, [c for c in clients for _ in range(3)], f"trust-proxy {trust}: the client in the log")


def test_wrong_settings():
    for flags, words in ((("--trust-proxy", "perhaps"), ["trust-proxy", "perhaps", "true", "hops"]),
                         (("--rate-limit", "2000000"), ["rate-limit", "1000000"])):
        done = subprocess.run([BINARY, "config", "check", *flags], env=clean_environment(), capture_output=True, text=True)
        check.true(done.returncode != 0, f"{flags} are refused")
        check.contains(done.stderr, words, f"{flags}: the error")


def test_publisher_waits():
    """`imgsrv publish` of many parts meets 429 again and again, waits as long as it is told, and succeeds."""
    with Server(rate_limit=None) as server:
        token = server.token("content-writer")["plaintext"]
        server.restart(signal.SIGTERM, "--rate-limit", "240")
        root, metadata = server.folder / "root.squashfs", server.folder / "incus.tar.xz"
        data = b"hsqs" + os.urandom(12 << 20)
        root.write_bytes(data)
        metadata.write_bytes(lzma.compress(b"metadata"))
        while server.anonymous().get("/v1/images").status != 429:
            pass
        publish = subprocess.Popen(
            [BINARY, "publish", "throttled", "1", "--os", "linux", "--arch", "x86_64", "--rootfs", root,
             "--metadata", metadata, "--part-size", "1MiB"],
            env={**clean_environment(), "IMGSRV_SERVER": f"http://{server.address}", "IMGSRV_TOKEN": token,
                 "XDG_STATE_HOME": str(server.folder / "state")}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def refused():
            return any(e["status"] == 429 and e["route"] != "/v1/images" for e in server.events("request"))
        # Until it is, these requests take most of what is allowed.
        while publish.poll() is None and not refused():
            for _ in range(25):
                server.anonymous().get("/v1/images")
        told, _ = publish.communicate(timeout=300)
        check.equal(publish.returncode, 0, f"publish: {told}")
        check.true(refused(), "it was refused now and then")
        body = wait_until(lambda: (a := server.anonymous().get(f"/v1/blobs/{digest_of(data)}")).status == 200 and a.body,
                          "the blob is served")
        check.true(body == data, "with the right bytes")


def main():
    for test in (test_default, test_off, test_forwarded_for, test_wrong_settings, test_publisher_waits):
        check.run(test)
    check.finish()


if __name__ == "__main__":
    main()
