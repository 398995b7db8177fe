#!/usr/bin/env python3
"""The shape of log lines in both formats, levels, and the fields of a request's line. That no secret is in them, and SIGHUP:
integration/logs."""
import re
import socket
import time

from harness.checks import check
from harness.imgsrv import Server
from harness.waiting import wait_until

PINO = ["level", "time", "pid", "hostname", "msg"]


def request_line(server, identifier):
    def look():
        return next((e for e in server.events("request") if e.get("request_id") == identifier), None)
    return wait_until(look, f"the line of the request {identifier}")


def test_json():
    """A JSON line is one object in pino's shape: level 10…60, time in epoch ms, pid, hostname, msg, then the fields."""
    began = time.time() * 1000
    with Server("--verbosity", "trace") as server:
        server.anonymous().get("/v1/images/a%22%0Ab")
        wait_until(lambda: server.events("request"), "a line")
        server.stop()
        lines = server.log.path.read_text().splitlines()
        events = server.log.events
        check.equal(len(events), len(lines), "one line for each event")
        for event in events:
            if not check.equal(list(event)[:5], PINO, f"the first fields of {event}"):
                continue
            check.true(event["level"] in (10, 20, 30, 40, 50, 60) and isinstance(event["level"], int), "level", event)
            check.true(isinstance(event["time"], int) and began - 1000 <= event["time"] <= time.time() * 1000 + 1000, "time", event)
            check.equal((event["pid"], event["hostname"]), (server.process.pid, socket.gethostname()), "pid and hostname")
            check.true(isinstance(event["msg"], str) and event["msg"], "msg", event)


def test_node():
    """config/imgsrv.toml: node-name is "the node's name in leases and logs"."""
    with Server("--node-name", "one") as server:
        check.equal({e.get("node") for e in server.log.events if "level" in e}, {"one"}, "each event names the node")
    with Server("--node-name", "two words", "--log-format", "text", start=False) as server:
        server.spawn()
        wait_until(lambda: 'node="two words"' in server.log.path.read_text(), "also as text")


def test_request():
    """A request's line has method, route, status, bytes, duration, client address, principal id and request id."""
    with Server() as server:
        token = server.token("content-writer")
        client = server.client(token["plaintext"])
        answer = client.get("/v1/images?limit=3", headers={"X-Request-Id": "one"}).expect(200)
        line = request_line(server, "one")
        check.equal({k: line.get(k) for k in ("level", "method", "route", "status", "bytes_in", "bytes_out", "client", "principal")},
                    {"level": 30, "method": "GET", "route": "/v1/images", "status": 200, "bytes_in": 0,
                     "bytes_out": len(answer.body), "client": "127.0.0.1", "principal": token["principal_id"]}, "a reader")
        check.true(isinstance(line.get("duration_ms"), (int, float)) and 0 <= line["duration_ms"] < 60000, "duration", line)
        body = b'{"name": "logged"}'
        client.post("/v1/images", body=body, headers={"X-Request-Id": "two", "Content-Type": "application/json"}).expect(201)
        line = request_line(server, "two")
        check.equal((line["method"], line["status"], line["bytes_in"]), ("POST", 201, len(body)), "a writer")
        server.anonymous().get("/v1/images/none", headers={"X-Request-Id": "three"}).expect(404)
        line = request_line(server, "three")
        check.equal((line["route"], line["status"], line["principal"]), ("/v1/images/{name}", 404, ""), "the route is the pattern")
        server.anonymous().get("/healthz", headers={"X-Request-Id": "four"}).expect(204)
        check.equal(request_line(server, "four")["route"], "/healthz", "probes, too")


def test_levels():
    """The levels are trace, debug, info (the default), warn, error and fatal."""
    for verbosity, least in ((None, 30), ("warn", 40), ("error", 50), ("fatal", 60), ("debug", 20)):
        with Server(start=False) as server:
            server.spawn(*(() if verbosity is None else ("--verbosity", verbosity)))
            # At warn and above nothing is logged when it listens.
            wait_until(lambda: ready(server), "it is ready")
            server.anonymous().get("/v1/images")
            server.stop()
            levels = {e["level"] for e in server.log.events}
            check.true(all(level >= least for level in levels), f"verbosity {verbosity}", levels)
            check.equal(bool(server.events("request")), least <= 30, f"verbosity {verbosity}: requests are logged")


def ready(server):
    try:
        return server.anonymous().get("/readyz").status == 204
    except OSError:
        return False


def test_text():
    """The text format, for people: one line for each event, on stderr."""
    with Server(start=False) as server:
        server.spawn("--log-format", "text")
        wait_until(lambda: ready(server), "it is ready")
        server.anonymous().get("/v1/images/none", headers={"X-Request-Id": "text"}).expect(404)
        wait_until(lambda: "request_id=text" in server.log.path.read_text(), "the request's line")
        server.stop()
        lines = server.log.path.read_text().splitlines()
        for line in lines:
            check.true(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (trace|debug|info|warn|error|fatal) +\S.*", line), "a line", line)
        told = [line for line in lines if "request_id=text" in line]
        check.equal(len(told), 1, "one line for the request")
        check.contains(told[0], ["request method=GET", "route=/v1/images/{name}", "status=404", "client=127.0.0.1"], "its fields")
        # Standard output has nothing but the bootstrap token, which is printed once.
        check.true("request" not in server.output.read_text(), "not on standard output")


def main():
    for test in (test_json, test_node, test_request, test_levels, test_text):
        check.run(test)
    check.finish()


if __name__ == "__main__":
    main()
