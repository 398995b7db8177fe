"""What the server has promised to the clients of a test, and must keep."""
import hashlib
import threading


class Blob:
    """Bytes to upload, and what must become of them."""

    def __init__(self, data, declared=None, declared_size=None):
        self.data = data
        self.true_digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.digest = declared or self.true_digest
        self.size = len(data) if declared_size is None else declared_size
        self.honest = self.digest == self.true_digest and self.size == len(data)


class Ledger:
    """Shared by all clients of a test. Holds only what the server has answered."""

    def __init__(self, tally):
        self.tally = tally
        self.lock = threading.RLock()
        self.ready = {}         # digest -> Blob: answered `ready`
        self.planned = {}       # digest -> Blob, from before its upload begins
        self.never = set()      # digests that must not be served, ever
        self.published = {}     # (image, version) -> set of digests: job answered `succeeded`
        self.aliases = {}       # (image, alias) -> versions it may point to; several while a move is in doubt
        self.failed_uploads = 0
        self.aborted_uploads = 0
        self.kept_parts = 0     # parts found accepted after an answer was lost, and not sent again
        self.resumed_parts = 0  # accepted parts that were still there after a kill
        self.retried_jobs = 0
        self.abandoned_jobs = 0
        self.violations = 0

    def violation(self, what):
        with self.lock:
            self.violations += 1
        self.tally.true(False, what)

    def plan(self, blob):
        with self.lock:
            if blob.honest:
                self.planned[blob.digest] = blob
            else:
                self.never.add(blob.digest)
                self.never.add(blob.true_digest)
                self.never -= self.planned.keys()

    def add(self, counter, n=1):
        with self.lock:
            setattr(self, counter, getattr(self, counter) + n)
