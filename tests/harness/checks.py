"""Counts a test's checks and prints the summary that tests/count_cases.py reads."""
import sys
import threading
import time
import traceback


class Checks:
    """Prints a failed check and goes on. For any thread."""

    def __init__(self):
        self.passed = 0
        self.failures = []
        self.where = ""
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def true(self, condition, what, told=""):
        """`what` names the check, or says what is wrong when it fails."""
        with self._lock:
            if condition:
                self.passed += 1
            else:
                text = f"{self.where + ': ' if self.where else ''}{what}{': ' if told else ''}{told}"
                self.failures.append(text)
                print(f"FAILED {text}", flush=True)
        return bool(condition)

    def equal(self, got, wanted, what):
        return self.true(got == wanted, what, f"got {got!r}, wanted {wanted!r}")

    def contains(self, text, words, what):
        missing = [w for w in words if w not in (text or "")]
        return self.true(not missing, what, f"{text!r} lacks {missing}")

    def run(self, function, *arguments):
        """Runs one test function. An exception counts as one failure."""
        self.where = f"{function.__module__}.{function.__name__}"
        before = time.monotonic()
        try:
            function(*arguments)
        except Exception as error:  # the other tests still run
            traceback.print_exc()
            self.true(False, f"stopped by {type(error).__name__}", str(error))
        print(f"{self.where}: {time.monotonic() - before:.1f} s", flush=True)

    def say(self, text):
        """Prints the test's progress."""
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)

    def summary(self):
        """Prints the last line and returns the exit code."""
        print(f"{self.passed} passed, {len(self.failures)} failed", flush=True)
        return 0 if not self.failures and self.passed > 0 else 1

    def finish(self):
        sys.exit(self.summary())


# For tests that are one program.
check = Checks()
