"""A relay of TCP connections that a test can cut or hold, to let a server lose what others go on using."""
import socket
import threading


class Relay:
    """Listens on `address` and hands on to `target`, both "host:port"."""

    def __init__(self, target):
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        self._pairs = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._whole = True
        self._flows = threading.Event()
        self._flows.set()
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
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        try:
            while data := source.recv(1 << 16):
                self._flows.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        """Ends all connections; new ones end at once."""
        with self._lock:
            self._whole = False
            for pair in self._pairs:
                for one in pair:
                    try:
                        one.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
                    one.close()
            self._pairs.clear()

    def hang(self):
        """Connections stay and new ones are accepted, but nothing comes through."""
        self._flows.clear()

    def mend(self):
        self._flows.set()
        with self._lock:
            self._whole = True

    def close(self):
        self._flows.set()
        self.cut()
        self._listener.close()
