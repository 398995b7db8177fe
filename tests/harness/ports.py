"""Ports that this process alone uses, for as long as it lives, also while what listens on them is being restarted.

Ports are shared out in blocks by locked files, which ports.sh uses in the same way. All blocks are below the ports that the
kernel gives to outgoing connections.
"""
import fcntl
import os
import pathlib
import random
import socket
import threading

# As in ports.sh.
LOCKS = pathlib.Path(f"/tmp/imgsrv-test-ports-{os.geteuid()}")
BLOCKS, SIZE = range(10000, 31952, 64), 64

_lock = threading.Lock()
_held = []  # descriptors of locked files
_free = []


def _take_block():
    LOCKS.mkdir(exist_ok=True)
    for first in random.SystemRandom().sample(BLOCKS, len(BLOCKS)):
        file = os.open(LOCKS / str(first), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        _held.append(file)
        return list(range(first, first + SIZE))
    raise AssertionError(f"every block of ports in {LOCKS} is taken")


def _is_free(port):
    """Programs that know nothing of the locks may have it."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("", port))
            return True
        except OSError:
            return False


def free_port():
    with _lock:
        while True:
            if not _free:
                _free.extend(_take_block())
            port = _free.pop(0)
            if _is_free(port):
                return port
