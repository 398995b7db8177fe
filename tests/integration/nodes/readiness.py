"""Whether each node's /readyz told the truth: at most 5 s late when a backend goes away and when it comes back."""
import threading
import time

from harness.client import LOST, Client

LATE = 5.0


class Readiness(threading.Thread):
    """Asks one node all the time."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node = node
        self.stopped = threading.Event()
        self.told = []  # (time asked, time answered, ready; None: no answer)

    def run(self):
        client = Client(self.node, timeout=4)
        while not self.stopped.is_set():
            asked = time.monotonic()
            try:
                ready = client.get("/readyz").status == 204
            except LOST:
                client.close()
                ready = None
            self.told.append((asked, time.monotonic(), ready))
            time.sleep(0.1)

    def asked_since(self, moment):
        """Whether it was asked after that, and the answer has come or is known to be lost."""
        return any(asked >= moment for asked, _, _ in self.told[-20:])

    def end(self):
        self.stopped.set()
        self.join()

    def wrong(self, begin, end, ready, alive):
        """The first answer between begin + LATE and end that is not `ready`, or that there was none while the node was `alive`."""
        seen = [one for one in self.told if one[0] >= begin + LATE and one[1] <= end and alive(one[0], one[1])]
        if not seen:
            return f"never asked between {LATE:g} and {end - begin:.1f} s after"
        return next((f"{asked - begin:.1f} s after: {told}, wanted {ready}" for asked, _, told in seen if told is not ready), None)
