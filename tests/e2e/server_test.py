"""What the end-to-end tests share: a server with TLS and the command line client of it, and a runner that ends with the line
"N passed, N failed"."""
import subprocess
import sys
import unittest

from harness import imgsrv
from harness.build import BINARY, clean_environment
from harness.waiting import wait_until


class Server(imgsrv.Server):
    """Listens with and without TLS, and is ready. `owner` is a client that may write content and manage access."""

    def __init__(self, *flags):
        super().__init__(*flags, tls=True)
        try:
            self.owner = self.client(self.token("content-writer", "auth-manager")["plaintext"])
        except BaseException:
            self.close()
            raise

    def start(self, *flags, **environment):
        super().start(*flags, **environment)
        wait_until(lambda: self.anonymous().get("/readyz").status == 204, "imgsrv is ready")
        return self

    def client_env(self, state=None):
        """The environment of a command line client of this server, over TLS."""
        return {**clean_environment(), "IMGSRV_SERVER": f"https://{self.tls_address}", "IMGSRV_TOKEN": self.owner.token,
                "SSL_CERT_FILE": str(self.ca), "XDG_STATE_HOME": str(state or self.folder / "state")}

    def imgsrv(self, *arguments, env=None):
        """Runs the command line client to its end; returncode, stdout, stderr."""
        return subprocess.run([BINARY, *map(str, arguments)], env=env or self.client_env(), capture_output=True, text=True,
                              timeout=600)

    def publish(self, image, version, *arguments):
        """Publishes, and fails the test if that fails."""
        done = self.imgsrv("publish", image, version, "--os", "linux", "--arch", "x86_64", *arguments)
        if done.returncode != 0:
            raise AssertionError(f"publish {image} {version} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done


class ServerTest(unittest.TestCase):
    """A test case whose tests share one server, in self.server, and a scratch folder, in self.folder."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.folder = cls.server.folder / "files"
        cls.folder.mkdir()


def main():
    """Runs the calling module's tests and counts them."""
    result = unittest.main(module="__main__", exit=False, verbosity=2, warnings="ignore", argv=sys.argv).result
    # A test with several failed subtests is one failed test.
    bad = len({id(getattr(test, "test_case", test)) for test, _ in result.failures + result.errors})
    sys.stderr.flush()
    print(f"\n{max(0, result.testsRun - bad)} passed, {bad} failed", flush=True)
    sys.exit(0 if bad == 0 and result.testsRun > 0 else 1)
