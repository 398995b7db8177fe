#!/usr/bin/env python3
"""What an authenticated request costs the server in CPU time: an API token, and JWTs of a real issuer whose key is cached.

1,000 requests a second on 8 connections, in rounds that take turns, so that other load on the machine hits all alike.
Prints microseconds of the server's CPU for each request, and how much more that is than with an API token.
"""
import argparse
import pathlib
import socket
import statistics
import sys
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "integration/oidc")]

from harness.checks import check  # noqa: E402
from issuer import RULES, Issuer, rule_for, trusting_server  # noqa: E402


def cpu_seconds(pid):
    """Of the whole process, ended threads included: the kernel's clock for it (clock_getcpuclockid)."""
    return time.clock_gettime(~pid << 3 | 2)


def send(address, target, token, requests, rate, started, failures):
    host, _, port = address.rpartition(":")
    request = (f"GET {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n").encode()
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(requests):
            pause = started + n / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            connection.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = connection.recv(65536)
                if not piece:
                    failures.append(answer)
                    return
                answer += piece
            head, _, body = answer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            while len(body) < length and (piece := connection.recv(65536)):
                body += piece
            if not head.startswith(b"HTTP/1.1 200") or len(body) != length:
                failures.append(head[:100])


def one_round(server, target, token, seconds, rate, connections):
    failures, started, before = [], time.monotonic() + 0.05, cpu_seconds(server.process.pid)
    threads = [threading.Thread(target=send, args=[server.address, target, token, seconds * rate // connections,
                                                   rate / connections, started, failures]) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"{len(failures)} requests failed: {failures[0]}")
    return (cpu_seconds(server.process.pid) - before) * 1e6 / (seconds * rate // connections * connections)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=5, help="of each round")
    arguments.add_argument("--rate", type=int, default=1000, help="requests a second")
    arguments.add_argument("--tiny", action="store_true", help="a few requests, to show that it runs")
    wanted = arguments.parse_args()
    if wanted.tiny:
        wanted.rounds, wanted.seconds, wanted.rate = 1, 1, 80
    with Issuer() as issuer, trusting_server("--verbosity", "info") as server:
        server.manager().post(RULES, json=rule_for(issuer)).expect(201)
        writer = server.writer()
        target = f"/v1/uploads/{writer.new_upload(b'never sent')}"
        tokens = {"API token": writer.token, "JWT RS256": issuer.sign(), "JWT ES256": issuer.sign({"alg": "ES256"})}
        costs = {name: [] for name in tokens}
        for _ in range(wanted.rounds + 1):
            for name, token in tokens.items():
                costs[name].append(one_round(server, target, token, wanted.seconds, wanted.rate, 8))
        # The first round warms up.
        medians = {name: statistics.median(values[1:]) for name, values in costs.items()}
        for name, cost in medians.items():
            spread = f"{min(costs[name][1:]):.0f} to {max(costs[name][1:]):.0f}"
            more = 100 * (cost / medians["API token"] - 1)
            print(f"{name}: {cost:.0f} us CPU a request ({spread}), {more:+.0f} %")
            check.true(cost > 0, f"{name}: CPU time of a request", cost)
    check.finish()


if __name__ == "__main__":
    main()
