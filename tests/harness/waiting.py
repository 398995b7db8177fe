"""Waiting for what happens elsewhere."""
import time


class NotInTime(AssertionError):
    """Not a TimeoutError: that is an OSError, which tests of lost connections expect."""


def wait_until(question, what, seconds=60.0, pause=0.02):
    """The first true answer; NotInTime, which names `what`, when none came. The limit is for what never happens: wide enough
    for a busy machine."""
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() > deadline
        answer = question()
        if answer:
            return answer
        if late:
            raise NotInTime(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
        pause = min(pause * 1.3, max(pause, 0.1))
