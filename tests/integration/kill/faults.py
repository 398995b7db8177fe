"""The test's end of fault_shim.c: how many calls changed what the server keeps, and at which one it shall die."""
import mmap
import os
import pathlib
import struct

from harness import pair
from harness.build import BUILD

SHIM = BUILD / "tests" / "integration" / "kill" / "libkill_fault_shim.so"
KINDS = ("none", "write", "sync", "rename", "link", "unlink", "truncate", "allocate", "mkdir", "create", "copy", "send")
RECENT = 4096
CALLS, KILL_AT, TORN, KIND, KINDS_AT = 0, 8, 16, 20, 24


class Faults:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.write_bytes(bytes(KINDS_AT + RECENT))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def environment(self):
        sends = {} if pair.EMBEDDED else {"FAULT_SHIM_SENDS": "1"}
        return {**sends, "LD_PRELOAD": str(SHIM), "FAULT_SHIM_CONTROL": str(self.path),
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def reset(self):
        self.map[:] = bytes(len(self.map))

    @property
    def calls(self):
        return struct.unpack_from("Q", self.map, CALLS)[0]

    def kill_after(self, more, torn=False):
        """The server dies just before the call that comes after `more` others, or, if it is a write and `torn`, in its middle."""
        struct.pack_into("I", self.map, TORN, torn)
        at = self.calls + more + 1
        struct.pack_into("Q", self.map, KILL_AT, at)
        return at

    def disarm(self):
        struct.pack_into("Q", self.map, KILL_AT, 0)

    def last_kind(self):
        """What kind of call the server died at."""
        return KINDS[struct.unpack_from("I", self.map, KIND)[0]]

    def kinds(self):
        """Of the calls so far, the kinds in order. Whole only as long as they are at most RECENT."""
        return [KINDS[k] for k in self.map[KINDS_AT:KINDS_AT + min(self.calls, RECENT)]]
