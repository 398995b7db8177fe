"""Waiting for what happens elsewhere."""
import time


def wait_until(question, what, seconds=60.0, pause=0.02):
    """The first true answer; an error that names what did not come."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
