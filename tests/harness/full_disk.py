"""Filling a disk that a server uses at the same time."""
import contextlib


def fill(path, leave):
    """Makes a file of all the space that there is, and gives `leave` bytes back: what was free a moment ago may be taken now."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
        file.truncate(max(0, file.tell() - leave))
