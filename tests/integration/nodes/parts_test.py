#!/usr/bin/env python3
"""One part of an upload sent through two nodes: the blob has the bytes of its digest, whichever of them the store keeps, and
whichever node is killed. A running hash does not count if the store may have replaced its bytes by others with the same etag.

Only verified bytes become a trusted blob, and parts sent in order are not read again at completion.
"""
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import shutil
import tempfile

from harness import pair
from harness.checks import check
from harness.client import LOST, digest_of
from harness.imgsrv import Server
from harness.relay import Relay
from harness.waiting import wait_until

# Two blocks with one MD5 (Wang and Yu, "How to Break MD5 and Other Hash Functions", 2005), and with any bytes that follow both.
BLOCK = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a"
    "085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70")
OTHER_BLOCK = bytes(byte ^ (0x80 if at in (19, 45, 59, 83, 109, 123) else 0) for at, byte in enumerate(BLOCK))


@contextlib.contextmanager
def two_nodes():
    """Two nodes on one database and one store, and the relay between the first and the store."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="imgsrv-parts-"))
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: check.failures or shutil.rmtree(folder))
        backends = pair.fresh(folder)
        stack.callback(backends.close)
        relay = Relay(backends.store.host)
        stack.callback(relay.close)
        through = backends.through(backends.database.address, f"http://{relay.address}")
        slow, quick = (stack.enter_context(Server("--set", f"node-name={name}", folder=folder / name, backends=Shared(backends, flags)))
                       for name, flags in (("slow", through), ("quick", backends.flags)))
        token = slow.writer().token
        slow.clients["writer"], quick.clients["writer"] = slow.client(token, resend=False), quick.client(token)
        yield slow, quick, relay


class Shared:
    """Backends as one of several nodes reaches them; it leaves them open."""

    def __init__(self, backends, flags):
        self.flags, self.database, self.store = flags, backends.database, backends.store

    def close(self):
        pass


@contextlib.contextmanager
def sent_and_unanswered(slow, relay, upload, number, data):
    """The store has the part, and the node that sent it does not know. The future of what the client is answered."""
    store = slow.backends.store
    before = store.stored_parts()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        relay.hold_answers()
        sending = pool.submit(slow.writer().put_part, upload, number, data)
        try:
            wait_until(lambda: store.stored_parts() - before, "the store has the part")
            yield sending
        finally:
            relay.mend()


def hashed_parts(node, upload):
    """How many parts promotion did not have to read."""
    return node.backends.database.query(f"SELECT hashed_parts FROM upload_sessions WHERE id = '{upload}'")[0][0]


def test_equal_etags():
    rest = os.urandom(pair.LEAST_PART)
    sent, stored = BLOCK + rest, OTHER_BLOCK + rest
    check.true(sent != stored and hashlib.md5(sent).digest() == hashlib.md5(stored).digest(), "other bytes with the same MD5")
    with two_nodes() as (slow, quick, relay):
        upload = slow.writer().new_upload(sent)
        with sent_and_unanswered(slow, relay, upload, 1, sent) as sending:
            second = quick.writer().put_part(upload, 1, stored).expect(200).json
            relay.mend()
            first = sending.result().expect(200).json
        check.equal(first["etag"], second["etag"], "the etags")
        quick.writer().complete(upload, [first]).expect(200)
        session = quick.writer().settled(upload)
        check.equal(session["state"], "failed", "the store has other bytes than those that were hashed")
        check.contains(session.get("failure_message", ""), [digest_of(sent), digest_of(stored)], "failure_message")
        for digest in (digest_of(sent), digest_of(stored)):
            check.equal(quick.anonymous().get(f"/v1/blobs/{digest}").status, 404, "no blob came of it")


def test_killed_sender():
    data, rest = os.urandom(pair.LEAST_PART), os.urandom(1000)
    with two_nodes() as (slow, quick, relay):
        upload = slow.writer().new_upload(data + rest)
        with sent_and_unanswered(slow, relay, upload, 1, data) as sending:
            slow.kill()
            check.true(isinstance(sending.exception(), LOST), "the client has no answer", sending.exception())
        parts = [quick.writer().put_part(upload, n, d).expect(200).json for n, d in ((1, data), (2, rest))]
        quick.writer().complete(upload, parts).expect(200)
        check.equal(quick.writer().settled(upload)["state"], "ready", "the part sent again")
        check.equal(hashed_parts(quick, upload), 0, "parts hashed when they came, after one was sent twice")
        check.true(quick.anonymous().get(f"/v1/blobs/{digest_of(data + rest)}").body == data + rest, "the blob")


def test_sent_once():
    pieces = [os.urandom(pair.LEAST_PART), os.urandom(pair.LEAST_PART), os.urandom(1000)]
    with two_nodes() as (slow, quick, _):
        upload = quick.writer().new_upload(b"".join(pieces))
        parts = [node.writer().put_part(upload, n, piece).expect(200).json
                 for n, (node, piece) in enumerate(zip((slow, quick, slow), pieces), 1)]
        quick.writer().complete(upload, parts).expect(200)
        check.equal(quick.writer().settled(upload)["state"], "ready", "parts through both nodes")
        check.equal(hashed_parts(quick, upload), 3, "parts hashed when they came")


def main():
    for test in (test_equal_etags, test_killed_sender, test_sent_once):
        check.run(test)
    check.finish()


if __name__ == "__main__":
    main()
