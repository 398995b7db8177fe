"""Traffic on a server during housekeeping."""
import os
import threading

from harness.checks import check
from harness.waiting import wait_until


class Traffic(threading.Thread):
    """Publishes, and releases blobs that the collector removes at once."""

    def __init__(self, server):
        super().__init__()
        self.server, self.writer, self.going = server, server.client(server.writer().token), True
        self.versions, self.error = {}, None

    def run(self):
        try:
            n = 0
            while self.going:
                n += 1
                data = os.urandom(20_000)
                self.writer.published("busy", f"v{n}", data)
                self.versions["busy", f"v{n}"] = data
                self.writer.upload(os.urandom(5000))
                self.server.backends.database.execute("UPDATE upload_sessions SET expires_us = 1 WHERE state = 'ready'")
                if n % 5 == 0:
                    self.server.command("gc", "--grace", "0s")
        except Exception as error:
            self.error = error

    def wait_for_more(self):
        before = len(self.versions)
        wait_until(lambda: len(self.versions) > before or self.error, "there is traffic")

    def end(self):
        self.going = False
        self.join()
        check.true(self.error is None and self.versions, "there was traffic", self.error)
