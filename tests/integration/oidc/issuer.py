"""The real issuer of harness/oidc, and servers that trust it."""
import fcntl
import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

from harness.build import BUILD, SOURCE as TREE
from harness.imgsrv import Server
from harness.ports import free_port

SOURCE = TREE / "tests/harness/oidc"
INSTALLED = BUILD / "test-issuer"
RULES = "/v1/auth/oidc-provisioning-rules"


def install():
    """Installs its packages, as locked, into the build folder, once."""
    INSTALLED.mkdir(exist_ok=True)
    with open(INSTALLED / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = INSTALLED / "package-lock.json.installed"
        wanted = (SOURCE / "package-lock.json").read_bytes()
        if not done.exists() or done.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(SOURCE / name, INSTALLED / name)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=INSTALLED, check=True)
            done.write_bytes(wanted)
        shutil.copy(SOURCE / "issuer.mjs", INSTALLED / "issuer.mjs")


class Issuer:
    """A context manager."""

    def __init__(self):
        install()
        self.port = free_port()
        self.start()

    def start(self):
        """At the same address as before, with new keys."""
        self.process = subprocess.Popen(["node", INSTALLED / "issuer.mjs", str(self.port)], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if line.startswith("up "):
                self.url = line.split()[1]
                return
        raise RuntimeError(f"the issuer ended with {self.process.wait()}")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ask(self, path, body=None, headers=None):
        request = urllib.request.Request(self.url + path, body, headers or {})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def token(self, algorithm="RS256"):
        """From the token endpoint, like a CI job."""
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "publish",
                                       "resource": f"urn:{algorithm.lower()}"}).encode()
        return json.loads(self.ask("/token", form, {"Authorization": "Basic Y2k6c2VjcmV0"}))["access_token"]

    def claims(self, **changed):
        """Valid claims with these changes; None omits a claim."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": "job-1", "aud": "images", "iat": now, "exp": now + 300, "groups": ["builders"],
                  **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, header=None, **changed):
        """A token with these claims, signed with the issuer's key."""
        return self.ask("/sign", json.dumps({"header": {"alg": "RS256", **(header or {})},
                                             "claims": self.claims(**changed)}).encode())

    def rotate(self):
        self.ask("/rotate", b"")

    def serve(self, path, status=None, body="", **headers):
        """Sets the answer to GET path. Without a status, the issuer answers itself again."""
        self.ask("/serve", json.dumps({"path": path, "status": status, "body": body, "headers": headers}).encode())

    def fetches(self):
        return json.loads(self.ask("/fetches"))


def rule_for(issuer, **changed):
    return {"display_name": "CI", "issuer_url": issuer.url, "audience": "images", "forwarded_claims": ["groups", "sub"],
            "condition": "'builders' in claims.groups", "enabled": True, **changed}


def trusting_server(*flags, start=True, **environment):
    """A server with the oidc driver, and no rule yet."""
    return Server("--auth-drivers", "bearer,oidc", "--verbosity", "debug", *flags, environment=environment, start=start)


def holder(server, token):
    """A client with this token."""
    return server.client(token)


def may_write(server, token):
    """The status of a request that needs content.write and changes nothing."""
    return holder(server, token).get("/v1/publish-jobs").status
