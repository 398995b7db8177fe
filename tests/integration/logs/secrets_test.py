#!/usr/bin/env python3
"""Tokens, passwords, JWTs and S3 keys are never printed. Canaries go in by every way, at the most talkative level, and none comes out: not in the log, an answer, the metrics, `config show` or the process's arguments."""
import base64
import json
import os
import pathlib
import re
import subprocess
import tempfile
import urllib.request

from harness.build import BINARY, clean_environment
from harness.checks import check
from harness.imgsrv import Server
from harness.pair import EMBEDDED

CREDENTIAL_FIELDS = ("Authorization", "Cookie", "Set-Cookie", "X-Registry-Token", "Proxy-Authorization")


def web_token(claim):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    return f"{part({'alg': 'RS256', 'kid': 'k'})}.{part({'iss': 'https://issuer.example', 'sub': claim})}.c2lnbmF0dXJl"


class Canaries:
    """Secrets, and every text in which they might appear."""

    def __init__(self):
        self.secrets, self.places = {}, {}

    def add(self, name, value):
        self.secrets[name] = value
        return value

    def search(self):
        for place, text in self.places.items():
            check.true(len(text) > 0, f"there is something to search: {place}")
            for name, secret in self.secrets.items():
                found = text.find(secret)
                check.true(found < 0, f"{name} is not in {place}", text[max(0, found - 120):found + 20])


def arguments_of(process):
    return pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def send_everywhere(server, token, answers):
    """Puts a credential into each part of a request where a client may put it by mistake."""
    client = server.anonymous()
    sent = [client.get("/v1/publish-jobs", headers={field: f"Bearer {token}"}) for field in CREDENTIAL_FIELDS]
    sent += [client.get("/v1/images", headers={"X-Request-Id": token}),
             client.get(f"/v1/images?after={token}"), client.get(f"/v1/images?access_token={token}"),
             client.get(f"/v1/images/{token}"), client.get(f"/v1/blobs/{token}"), client.get(f"/{token}"),
             client.get("/v1/images", headers={"Accept": token, "User-Agent": token, "msg": token})]
    writer = server.writer()
    sent += [writer.post("/v1/uploads", json=body) for body in (
        {token: 1}, {"expected_digest": token, "expected_size_bytes": 1},
        {"expected_digest": "sha256:" + "0" * 64, "expected_size_bytes": token})]
    sent += [writer.post("/v1/images", json={"name": "x", "nmae": token}), writer.post("/v1/uploads", body=token.encode())]
    answers += [a.body.decode(errors="replace") for a in sent]


def test_running_server():
    canaries, answers = Canaries(), []
    # Of drivers that the embedded pair does not use; the other one has secrets of its own among its arguments.
    unused = ("--set", "storage.s3.secret_access_key=" + canaries.add("a secret argument", "canary-argument"),
              "--set=storage.s3.session_token=" + canaries.add("a secret in one argument with --set", "canary-equals"),
              "--set", "database.postgres.url=postgresql://me:" + canaries.add("a password in one", "canary-url") + "@db/x"
              ) if EMBEDDED else ()
    with Server("--verbosity", "trace", "--auth-drivers", "bearer,oidc", *unused) as server:
        api = server.token("content-writer", name="canary")["plaintext"]
        canaries.add("the bootstrap token", re.search(r"imgsrv_at_\S+", server.output.read_text())[0].rsplit("_", 1)[1])
        canaries.add("an API token", api.rsplit("_", 1)[1])
        guessed = "imgsrv_at_" + "0" * 32 + "_" + "deadbeef" * 8
        canaries.add("a token that is none", "deadbeef" * 8)
        jwt = web_token("somebody")
        canaries.add("a JWT", jwt.split(".")[1])
        for token in (api, guessed, jwt):
            send_everywhere(server, token, answers)
        check.equal(server.client(api).get("/v1/publish-jobs").status, 200, "the token is a good one")
        if not EMBEDDED:
            canaries.add("the S3 secret", server.backends.store.secret_key)
        with urllib.request.urlopen(f"http://{server.metrics_address}/metrics") as metrics:
            canaries.places["the metrics"] = metrics.read().decode()
        canaries.places["the arguments"] = arguments_of(server.process)
        headers = server.events("request headers")
        check.true(any(e.get("header.Authorization") == "[REDACTED]" for e in headers), "headers are logged, this one hidden")
        check.equal({e["msg"] for e in headers}, {"request headers"}, "no client writes over a field of the event")
        shown = {k.split(".")[1].lower(): e[k] for e in headers for k in e if k.startswith("header.")}
        check.equal({shown.get(f.lower()) for f in CREDENTIAL_FIELDS}, {"[REDACTED]"}, "the credentials' fields")
        server.stop()
        canaries.places["the log"] = server.log.path.read_text()
        canaries.places["the answers"] = "\n".join(answers)
        canaries.search()


def test_config_show_and_arguments():
    """Secrets by flag, environment, file of settings and file of its own; with dashes and underscores; of a plugin that is
    not there."""
    canaries = Canaries()
    with tempfile.TemporaryDirectory() as folder:
        file, secret_file = pathlib.Path(folder) / "imgsrv.toml", pathlib.Path(folder) / "password"
        secret_file.write_text(canaries.add("a secret of a file", "canary-own-file"))
        file.write_text(f'postgres-url = "postgresql://me:{canaries.add("a password of a URL", "canary-toml")}@db/x"\n'
                        f'[storage.s3]\nsecret_access_key_file = "{secret_file}"\n')
        environment = {**clean_environment(),
                       "IMGSRV_STORAGE_S3_SESSION_TOKEN": canaries.add("a secret of the environment", "canary-env"),
                       "IMGSRV_STORAGE_S3_ENDPOINT":
                           f"https://me:{canaries.add('a password of a setting that is no secret', 'canary-endpoint')}@s3",
                       "IMGSRV_STORAGE_NEWSTORE_PIN": canaries.add("a plugin that is not there", "canary-unknown")}
        told = subprocess.run([BINARY, "config", "show", "--config", file], env=environment, capture_output=True, text=True)
        canaries.places["config show"] = told.stdout + told.stderr
        for line in ("database.postgres.url = [REDACTED]", f'storage.s3.secret_access_key_file = "{secret_file}"',
                     "storage.s3.session_token = [REDACTED]"):
            check.contains(told.stdout, [line], "config show")
        short = {**clean_environment(), "IMGSRV_S3_SECRET_ACCESS_KEY": canaries.add("a short name", "canary-short")}
        told = subprocess.run([BINARY, "config", "show"], env=short, capture_output=True, text=True)
        canaries.places["config show, short names"] = told.stdout + told.stderr
        canaries.search()


def test_backends_that_refuse():
    """The error of a backend that refuses does not repeat what was sent to it."""
    canaries = Canaries()
    secret = canaries.add("the S3 secret", "canary/S3+secret=key")
    session = canaries.add("the S3 session token", "canary-session")
    password = canaries.add("the database's password", "canary:db@password")
    cases = {
        "s3": ["--storage-driver", "s3", "--set", "storage.s3.endpoint=http://127.0.0.1:1", "--set", "storage.s3.bucket=b",
               "--set", "storage.s3.access_key_id=id", "--set", f"storage.s3.secret_access_key={secret}",
               "--set", f"storage.s3.session_token={session}"],
        "postgres": ["--database-driver", "postgres",
                     "--set", f"database.postgres.url=postgresql://me:{password}@127.0.0.1:1/x"],
        "postgres, by words": ["--database-driver", "postgres",
                               "--set", f"database.postgres.url=host=127.0.0.1 port=1 user=me password={password}"],
        "a URL that is none": ["--database-driver", "postgres",
                               "--set", f"database.postgres.url=postgresql://me:{password}@[::1/x"],
    }
    for name, flags in cases.items():
        server = Server(start=False)
        try:
            server.spawn("--verbosity", "trace", *flags)
            check.equal(server.listening(), False, f"{name}: no start")
            canaries.places[f"the log, {name}"] = server.log.path.read_text()
        finally:
            server.close()
    canaries.search()


if __name__ == "__main__":
    os.umask(0o077)
    check.run(test_running_server)
    if EMBEDDED:
        check.run(test_config_show_and_arguments)
        check.run(test_backends_that_refuse)
    check.finish()
