#!/usr/bin/env python3
"""Settings whose effect no other test shows."""
import datetime
import signal
import time
import urllib.error
import urllib.request

from harness.checks import check
from harness.client import Client
from harness.imgsrv import Server
from harness.ports import free_port
from harness.waiting import wait_until


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_upload_ttl():
    """upload-ttl: how long an upload session lives (24h)."""
    with Server() as server:
        for flags, wanted in (((), 24 * 3600), (("--upload-ttl", "90m"), 90 * 60), (("--upload-ttl", "1s"), 1)):
            server.restart(signal.SIGTERM, *flags)
            writer = server.writer()
            upload = writer.new_upload(b"%d" % wanted)
            session = writer.get(f"/v1/uploads/{upload}").expect(200).json
            lifetime = (moment(session["expires_at"]) - moment(session["created_at"])).total_seconds()
            check.equal(round(lifetime), wanted, f"a session lives as long as {flags or 'the default'} says")
        time.sleep(1.1)
        answer = writer.put_part(upload, 1, b"1")
        check.true(400 <= answer.status < 500 and "expired" in answer.detail, f"it has expired: {answer.status} {answer.detail}")


def test_listen():
    """listen = ":8080" means every address."""
    with Server(start=False) as server:
        port = free_port()
        server.spawn("--listen", f":{port}")
        check.true(server.listening(), "it listens")
        for server.address in (f"127.0.0.1:{port}", f"127.0.0.2:{port}"):
            check.equal(Client(server).get("/healthz").status, 204, server.address)


def test_metrics_off():
    """An empty metrics-listen turns the metrics off; the API's listener has them only if a setting says so."""
    with Server() as server:
        wanted = f"http://{server.metrics_address}/metrics"
        with urllib.request.urlopen(wanted, timeout=10) as answer:
            check.equal(answer.status, 200, "on")
        check.equal(server.anonymous().get("/metrics").status, 404, "not for the API's clients")
        server.restart(signal.SIGTERM, "--metrics-listen", "")
        try:
            urllib.request.urlopen(wanted, timeout=10).close()
            check.true(False, "off")
        except urllib.error.URLError as error:
            check.true(isinstance(error.reason, ConnectionRefusedError), "off", error)


def test_node_name():
    """node-name: what a node of that name held when it died, it takes up again at once."""
    with Server("--cas-promotion-enabled", "false") as server:
        writer = server.writer()
        session = writer.new_upload(b"held")
        part = writer.put_part(session, 1, b"held").expect(200).json
        writer.complete(session, [part]).expect(200)
        server.stop()
        server.backends.database.execute(
            f"UPDATE upload_sessions SET state = 'ingesting', lease_owner = 'one/earlier process', attempt = 1, "
            f"lease_expires_us = {int((time.time() + 3600) * 1e6)} WHERE id = '{session}'")
        server.start("--cas-promotion-enabled", "true", "--node-name", "two", "--cas-promotion-poll-interval", "50ms")
        writer.upload(b"of no node")
        check.equal(writer.get(f"/v1/uploads/{session}").json["state"], "ingesting", "another node's lease is left alone")
        server.restart(signal.SIGTERM, "--cas-promotion-enabled", "true", "--node-name", "one")
        wait_until(lambda: writer.get(f"/v1/uploads/{session}").json["state"] == "ready", "its own goes on")
        check.true(True, "an hour before the lease ends")


def main():
    for test in (test_upload_ttl, test_listen, test_metrics_off, test_node_name):
        check.run(test)
    check.finish()


if __name__ == "__main__":
    main()
