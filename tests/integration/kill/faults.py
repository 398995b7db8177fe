"""The test's end of fault_shim.c: counts the calls that change stored data, and plans the one at which the server dies.

A plan is armed, and then taken once: by the call that dies, or by disarm(). Which of the two it was is disarm()'s answer, so
that no test has to guess from a process that may be dying while it looks.
"""
import ctypes
import mmap
import os
import pathlib
import struct

from harness import pair
from harness.build import BUILD

SHIM = BUILD / "tests" / "integration" / "kill" / "libkill_fault_shim.so"
KINDS = ("none", "write", "sync", "rename", "link", "unlink", "truncate", "allocate", "mkdir", "create", "copy", "send")
RECENT = 4096
CALLS, KIND, KINDS_AT = 0, 20, 24


class Faults:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.write_bytes(bytes(KINDS_AT + RECENT))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)
        self._shim = ctypes.CDLL(str(SHIM))
        self._shim.fault_shim_arm.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32]
        self._shim.fault_shim_disarm.argtypes = [ctypes.c_void_p]
        self._control = ctypes.addressof(ctypes.c_char.from_buffer(self.map))

    def environment(self):
        sends = {} if pair.EMBEDDED else {"FAULT_SHIM_SENDS": "1"}
        return {**sends, "LD_PRELOAD": str(SHIM), "FAULT_SHIM_CONTROL": str(self.path),
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def reset(self):
        """Between servers: forgets the plan and all calls."""
        self.map[:] = bytes(len(self.map))

    @property
    def calls(self):
        return struct.unpack_from("Q", self.map, CALLS)[0]

    def arm(self, more, torn=False):
        """The server dies just before the call that comes after `more` others, or, if it is a write and `torn`, in its middle."""
        self._shim.fault_shim_arm(self._control, more, torn)

    def disarm(self):
        """True: too late, the server has died of the plan or is dying of it. False: no plan kills it any more."""
        return bool(self._shim.fault_shim_disarm(self._control))

    def kind(self):
        """The kind of call at which a server that has died of its plan did so."""
        return KINDS[struct.unpack_from("I", self.map, KIND)[0]]

    def kinds(self):
        """Of the calls so far, the kinds in order. Whole only as long as they are at most RECENT."""
        return [KINDS[k] for k in self.map[KINDS_AT:KINDS_AT + min(self.calls, RECENT)]]
