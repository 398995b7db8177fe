"""A relay of TCP connections that a test can cut or hold, so that one side loses the other, which lives on."""
import contextlib
import socket
import threading


class Relay:
    """Listens on `address` and forwards to `target`, both "host:port"."""

    def __init__(self, target):
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        self._pairs = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._whole = True
        self._asks, self._answers = threading.Event(), threading.Event()
        self._budget = None
        self.mend()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if not self._whole:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(self.target)
                except OSError:
                    near.close()
                    continue
                self._pairs.add((near, far))
            for source, sink, flows in ((near, far, self._asks), (far, near, self._answers)):
                threading.Thread(target=self._copy, args=(source, sink, flows), daemon=True).start()

    def _spend(self, size):
        with self._lock:
            if self._budget is not None:
                self._budget -= size
                if self._budget < 0:
                    self._asks.clear()

    def _copy(self, source, sink, flows):
        try:
            while data := source.recv(1 << 16):
                if flows is self._asks:
                    self._spend(len(data))
                flows.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # one side is gone: the other learns it at once
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Closes all connections. New ones are closed at once."""
        with self._lock:
            self._whole = False
            for pair in self._pairs:
                for one in pair:
                    with contextlib.suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)
                    one.close()
            self._pairs.clear()

    def hold_after(self, size):
        """After so many more bytes, from all connections together, no request comes through until mend()."""
        with self._lock:
            self._budget = size

    def hang(self):
        """Connections stay and new ones are accepted, but nothing comes through."""
        self._asks.clear()
        self._answers.clear()

    def hold_answers(self):
        """Requests come through, and nothing comes back."""
        self._answers.clear()

    def mend(self):
        with self._lock:
            self._budget = None
        self._asks.set()
        self._answers.set()
        with self._lock:
            self._whole = True

    def close(self):
        self._asks.set()
        self._answers.set()
        self.cut()
        self._listener.close()
