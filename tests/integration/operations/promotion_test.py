#!/usr/bin/env python3
"""The promotion worker, promise by promise. That what it claims is verified: api/uploads_test.py and kill/."""
import time

from harness.checks import check
from harness.imgsrv import Server
from harness.waiting import wait_until

# From now on no blob is recorded.
REFUSE = "CREATE TRIGGER refuse BEFORE INSERT ON blobs BEGIN SELECT RAISE(ABORT, 'not now'); END"
QUICK = ("--cas-promotion-poll-interval", "100ms")


def completed(server, data):
    """The id of a session that is completed."""
    writer = server.writer()
    session = writer.new_upload(data)
    part = writer.put_part(session, 1, data).expect(200).json
    writer.complete(session, [part]).expect(200)
    return session


def left_completed(*flags):
    """A server without a promotion worker, and a session that waits in it."""
    server = Server("--cas-promotion-enabled", "false", *flags)
    session = completed(server, b"left")
    return server, session


def state(server, session):
    return server.writer().get(f"/v1/uploads/{session}").expect(200).json["state"]


def metric(server, name):
    return server.metric(f"imgsrv_background_job_{name}", job="cas-promotion")


def failures(server):
    return [e for e in server.events("background job failed") if e["job"] == "cas-promotion"]


def test_disabled():
    """With cas-promotion-enabled = false a node promotes nothing."""
    server, session = left_completed(*QUICK)
    with server:
        time.sleep(0.5)
        check.equal(state(server, session), "completed", "no worker promotes it")
        server.stop()
        server.start("--cas-promotion-enabled", "true")
        check.equal(server.writer().settled(session)["state"], "ready", "until a worker does")


def test_woken():
    """A completion on the same node wakes it at once."""
    with Server("--cas-promotion-poll-interval", "1h") as server:
        for n in range(3):
            server.writer().upload(b"%d" % n)
        check.true(True, "three uploads are ready long before the interval ends")


def test_polls():
    """While idle it looks once each interval."""
    server, session = left_completed()
    with server:
        server.stop()
        due = int((time.time() + 1.5) * 1e6)
        server.backends.database.execute(f"UPDATE upload_sessions SET not_before_us = {due} WHERE id = '{session}'")
        server.start("--cas-promotion-enabled", "true", *QUICK)
        check.equal(server.writer().settled(session)["state"], "ready", "it is found without a wake-up")
        ended = server.backends.database.query(f"SELECT updated_us FROM upload_sessions WHERE id = '{session}'")[0][0]
        check.true(ended >= due, "at a later look than the first", ended - due)


def test_backs_off():
    """After failures it pauses, each time twice as long, up to a maximum."""
    with Server(*QUICK, "--cas-promotion-error-backoff", "20ms", "--cas-promotion-error-backoff-max", "100ms",
                "--cas-promotion-circuit-breaker-failures", "0") as server:
        database = server.backends.database
        server.writer().upload(b"before")
        database.execute(REFUSE)
        session = completed(server, b"later")
        wait_until(lambda: len(failures(server)) >= 6, "it is tried over and over")
        database.execute("DROP TRIGGER refuse")
        for event in failures(server):
            count = event["consecutive_failures"]
            check.equal(event["pause_ms"], min(20 * 2 ** (count - 1), 100), f"the pause after {count} failures")
        check.equal(server.writer().settled(session)["state"], "ready", "it goes through in the end")
        wait_until(lambda: metric(server, "consecutive_failures") == 0, "which ends the row of failures")
        check.equal(metric(server, "circuit_open_total"), 0, "without a breaker")


def test_breaker():
    """After N failures in a row the breaker opens for the cooldown."""
    with Server(*QUICK, "--cas-promotion-error-backoff", "10ms", "--cas-promotion-circuit-breaker-failures", "3",
                "--cas-promotion-circuit-breaker-cooldown", "2s") as server:
        database = server.backends.database
        database.execute(REFUSE)
        session = completed(server, b"later")
        wait_until(lambda: metric(server, "circuit_open_total") == 1, "the breaker opens")
        check.equal(server.anonymous().get("/health").json["checks"]["worker-cas-promotion"]["status"], "error", "/health tells")
        database.execute("DROP TRIGGER refuse")
        check.equal(server.writer().settled(session)["state"], "ready", "after the cooldown it goes on")
        told = failures(server)
        # One from the third failure on, unless the trigger was dropped so late that the next try met it, too.
        openings = [e for e in told if e["consecutive_failures"] >= 3]
        check.equal([e["pause_ms"] for e in told if e["consecutive_failures"] < 3], [10, 20], "before the breaker opens")
        check.equal({e["pause_ms"] for e in openings}, {2000}, "the cooldown")
        trusted = server.events("blob trusted")[0]
        for one, following in zip(openings, [*openings[1:], trusted]):
            check.true(following["time"] - one["time"] >= 1000, "nothing is tried during the cooldown", following["time"] - one["time"])
        wait_until(lambda: server.anonymous().get("/health").json["checks"]["worker-cas-promotion"] == {"status": "ok"}, "it is closed")
        check.equal(metric(server, "circuit_open_total"), len(openings), "it opened as often as it was tried in vain")


def test_stale_lease():
    """A session left `ingesting` by a worker that died is taken over when its lease ends."""
    server, session = left_completed()
    with server:
        server.stop()
        ends = int((time.time() + 1.5) * 1e6)
        server.backends.database.execute(
            f"UPDATE upload_sessions SET state = 'ingesting', lease_owner = 'another node/process', lease_expires_us = {ends}, "
            f"attempt = 1 WHERE id = '{session}'")
        server.start("--cas-promotion-enabled", "true", *QUICK)
        check.equal(server.writer().settled(session)["state"], "ready", "it is taken over")
        ended = server.backends.database.query(f"SELECT updated_us FROM upload_sessions WHERE id = '{session}'")[0][0]
        check.true(ended >= ends, "when its lease has ended, not before", ended - ends)


def test_bad_session():
    """One bad session never blocks the others: neither one that is refused, nor one that fails each time and opens the breaker
    again and again."""
    with Server(*QUICK, "--cas-promotion-error-backoff", "10ms", "--cas-promotion-circuit-breaker-failures", "2",
                "--cas-promotion-circuit-breaker-cooldown", "300ms") as server:
        writer = server.writer()
        wrong = writer.new_upload(b"right")
        part = writer.put_part(wrong, 1, b"wrong").expect(200).json
        bad = writer.new_upload(b"bad")
        kept = writer.put_part(bad, 1, b"bad").expect(200).json
        server.backends.database.execute(
            f"CREATE TRIGGER bad BEFORE UPDATE ON upload_sessions WHEN NEW.id = '{bad}' AND NEW.state = 'ready' "
            "BEGIN SELECT RAISE(ABORT, 'never'); END")
        writer.complete(bad, [kept]).expect(200)
        writer.complete(wrong, [part]).expect(200)
        check.equal(writer.settled(wrong)["state"], "failed", "wrong bytes are refused, once")
        wait_until(lambda: metric(server, "circuit_open_total") > 0, "the bad one fails on and on")
        for n in range(5):
            writer.upload(b"good %d" % n)
        check.true(state(server, bad) in ("completed", "ingesting"), "five others went by, and the bad one still fails")
        before = len(failures(server))
        wait_until(lambda: len(failures(server)) > before, "the bad one is tried on")
        server.backends.database.execute("DROP TRIGGER bad")
        check.equal(writer.settled(bad)["state"], "ready", "until what was wrong with it is gone")


def test_unreadable_session():
    """Nor does a session whose bytes cannot be read, as from a bad sector: that says nothing of the others and opens no
    breaker."""
    server, bad = left_completed(*QUICK, "--cas-promotion-error-backoff", "10ms", "--cas-promotion-error-backoff-max", "50ms",
                                 "--cas-promotion-circuit-breaker-failures", "2",
                                 "--cas-promotion-circuit-breaker-cooldown", "1h")
    with server:
        server.stop()
        server.backends.database.execute("UPDATE upload_sessions SET hash_state = NULL, hashed_parts = 0")
        staged = server.backends.store._path(f"staging/{bad}")
        data = staged.read_bytes()
        staged.unlink()
        staged.mkdir()
        server.start("--cas-promotion-enabled", "true")
        wait_until(lambda: len(server.events("upload postponed")) > 5, "it is tried over and over")
        told = [e for e in server.events("upload postponed") if e["upload_id"] == bad]
        check.equal([e["pause_ms"] for e in told][:5], [10, 20, 40, 50, 50], "after pauses that grow to the maximum")
        for n in range(3):
            server.writer().upload(b"good %d" % n)
        check.equal((metric(server, "circuit_open_total"), state(server, bad) in ("completed", "ingesting")), (0, True),
                    "others go by, no breaker opens, and it waits")
        staged.rmdir()
        staged.write_bytes(data)
        check.equal(server.writer().settled(bad)["state"], "ready", "until its bytes can be read again")


def main():
    for test in (test_disabled, test_woken, test_polls, test_backs_off, test_breaker, test_stale_lease, test_bad_session,
                 test_unreadable_session):
        check.run(test)
    check.finish()


if __name__ == "__main__":
    main()
