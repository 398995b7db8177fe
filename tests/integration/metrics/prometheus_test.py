#!/usr/bin/env python3
"""A real Prometheus scrapes a running server: the histograms give sane values, the dashboard's questions have answers, and
the alerts are sound and quiet.
Both are in packaging/monitoring.
"""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from harness.build import SOURCE
from harness.checks import check
from harness.imgsrv import Server
from harness.ports import free_port
from harness.waiting import wait_until

MONITORING = pathlib.Path(SOURCE) / "packaging/monitoring"
ALERTS, DASHBOARD = MONITORING / "imgsrv-alerts.yaml", MONITORING / "imgsrv-dashboard.json"
HERE = pathlib.Path(__file__).resolve().parent
# Only a server in trouble, or one that has run longer, has these.
QUIET = ("imgsrv_background_job_consecutive_failures",)


class Prometheus:
    def __init__(self, folder, target):
        self.address = f"127.0.0.1:{free_port()}"
        config = pathlib.Path(folder) / "prometheus.yaml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(ALERTS)],
            "scrape_configs": [{"job_name": "imgsrv", "static_configs": [{"targets": [target]}]}]}))
        self.log = open(pathlib.Path(folder) / "prometheus.log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb",
             f"--web.listen-address={self.address}"], stdout=self.log, stderr=self.log)

    def get(self, path, **parameters):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """[(labels, number)] of now."""
        return [(one["metric"], float(one["value"][1])) for one in self.get("query", query=expression)["result"]]

    def answer(self, expression):
        """Once there is one: most need two scrapes."""
        return wait_until(lambda: self.query(expression), f"{expression} has an answer")

    def healthy(self):
        try:
            return [t["health"] for t in self.get("targets")["activeTargets"]] == ["up"]
        except OSError:
            return False

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.log.close()


class Readers(threading.Thread):
    """Sends requests all the time and expects 200."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.count, self.going, self.error = server, 0, True, None
        self.start()

    def run(self):
        try:
            while self.going:
                for path in ("/v1/images", "/streams/v1/images.json"):
                    self.server.anonymous().get(path).expect(200)
                    self.count += 1
                time.sleep(0.02)
        except Exception as error:
            self.error = error

    def end(self):
        self.going = False
        self.join()
        check.true(self.error is None and self.count > 0, "requests are answered", self.error)


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def test_rules():
    sound, told = promtool("check", "rules", ALERTS)
    check.true(sound, "promtool check rules", told)
    with tempfile.TemporaryDirectory() as folder:
        cases = pathlib.Path(folder) / "cases.yaml"
        cases.write_text((HERE / "alerts_cases.yaml").read_text().replace("@ALERTS@", str(ALERTS)))
        fired, told = promtool("test", "rules", cases)
        check.true(fired, "promtool test rules", told)


def questions():
    """(panel, expression) of the dashboard, with its variables put in."""
    board = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in board["panels"]]
    check.equal(len(ids), len(set(ids)), "each panel has an id of its own")
    for member in ("title", "uid", "schemaVersion", "templating", "time", "panels"):
        check.true(member in board, f"the dashboard has {member}")
    for panel in board["panels"]:
        grid = panel["gridPos"]
        check.true(0 <= grid["x"] and grid["x"] + grid["w"] <= 24 and grid["h"] > 0, f"{panel['title']} has its place")
        for target in panel.get("targets", []):
            yield panel["title"], (target["expr"].replace("$__rate_interval", "5s").replace("$job", "imgsrv")
                                   .replace("$instance", ".*"))


def test_running_server():
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        prometheus = Prometheus(folder, server.metrics_address)
        try:
            server.writer().published("seen", "1", b"x" * 100_000)
            wait_until(prometheus.healthy, "Prometheus scrapes the server")
            readers = Readers(server)
            for name in ("http_server_request_duration_seconds", "http_request_duration_seconds"):
                (_, quantile), = prometheus.answer(f"histogram_quantile(0.9, sum by (le) (rate({name}_bucket[5s]))) > 0")
                check.true(0 < quantile < 10, f"{name}: 90 % are answered within {quantile:.4f} s")
                (_, rate), = prometheus.answer(f"sum(rate({name}_count[5s])) > 0")
                check.true(0 < rate < 1.5 * readers.count, f"{name}: {rate:.0f} requests a second")
            for title, expression in questions():
                quiet = (any(q in expression for q in QUIET) or "5.." in expression or 'outcome=~"error' in expression
                         or "step_oldest" in expression)
                found = prometheus.query(expression) if quiet else prometheus.answer(expression)
                check.true(bool(found) or quiet, f"{title} has an answer", expression)
            readers.end()
            alerts = prometheus.get("alerts")["alerts"]
            loud = [a["labels"]["alertname"] for a in alerts if a["state"] == "firing"]
            check.equal([a for a in loud if a != "ImgsrvDiskFull"], [], "no alert of a server that is well")
            rules = prometheus.get("rules")["groups"][0]["rules"]
            check.equal([r["name"] for r in rules if r["health"] != "ok"], [], "every rule can be evaluated")
        finally:
            prometheus.close()


if __name__ == "__main__":
    check.run(test_rules)
    check.run(test_running_server)
    check.finish()
