"""An upload by a client that never gives up and never sends an accepted part again."""
import concurrent.futures
import threading
import time

from harness.client import LOST, Refused
from harness.pair import EMBEDDED, LEAST_PART

KIB = 1024
INVERTED = bytes(255 - byte for byte in range(256))


class Patient:
    """Sends requests until they are answered, through any number of restarts of the server."""

    def __init__(self, server, token, moments):
        self.client = server.client(token, timeout=30, resend=False)
        self.moments = moments

    def until_answered(self, phase, ask):
        """(answer, lost): lost when an earlier try may have been processed without an answer."""
        lost = False
        end = time.monotonic() + 180
        while True:
            self.moments.at(phase)
            try:
                return ask(), lost
            except LOST:
                lost = True
            except Refused as refused:
                if refused.status not in (503, 429):
                    raise
                # From a node that died, or whose database did, before it could say how the request ended.
                lost = lost or refused.status == 503
            if time.monotonic() > end:
                raise AssertionError(f"no answer for 180 s at {phase}")
            time.sleep(0.01)

    def json(self, phase, method, path, document=None, accept=(200, 201, 202, 204)):
        """The answer's document, {} when it has none."""
        body = {} if document is None else {"json": document}
        answer, lost = self.until_answered(phase, lambda: self.client.request(method, path, **body).expect(*accept))
        return (answer.json if answer.body else {}), lost


def cut(random, size):
    """[(number, offset, size)]: equal parts as clients send them, or odd ones."""
    sizes = []
    if random.random() < 0.6:
        unit = random.choice((64, 128, 256, 1024)) * KIB if EMBEDDED else LEAST_PART + random.choice((0, 0, 64)) * KIB
        sizes = [min(unit, size - at) for at in range(0, size, unit)] or [0]
    else:
        left = size
        while left > 0:
            sizes.append(min(left, LEAST_PART + random.randrange(0, 700 * KIB)))
            left -= sizes[-1]
    parts, at, number = [], 0, 0
    for n in sizes:
        # Numbers may have gaps.
        number += 1 if random.random() < 0.97 else 2
        parts.append((number, at, n))
        at += n
    return parts


class Upload:
    """One session. Safe for several threads that put different parts."""

    def __init__(self, server, token, moments, ledger, blob, random):
        self.server, self.token, self.moments, self.ledger = server, token, moments, ledger
        self.blob = blob
        self.random = random
        self.lock = threading.Lock()
        self.accepted = {}  # number -> (etag, size): its 200 was seen, or it was listed
        self.content = {}   # number -> what was accepted
        self.in_flight = set()
        self.id = None
        self.patient = Patient(server, token, moments)

    def run(self):
        """Brings the blob to its end: `ready`, `failed` or `aborted`."""
        self.ledger.plan(self.blob)
        session, _ = self.patient.json("create", "POST", "/v1/uploads", {
            "expected_digest": self.blob.digest, "expected_size_bytes": self.blob.size})
        self.id = session["id"]
        if session["state"] == "ready":
            return self._ended(session)
        parts = cut(self.random, len(self.blob.data))
        order = parts[:]
        kind = self.random.choice(("ascending", "shuffled", "descending"))
        if kind == "shuffled":
            self.random.shuffle(order)
        elif kind == "descending":
            order.reverse()
        abort = self.random.random() < 0.06
        if abort:
            order = order[:len(order) // 2]
        self._send_all(order)
        if abort:
            session, _ = self.patient.json("abort", "POST", f"/v1/uploads/{self.id}/abort")
            self.ledger.tally.true(session["state"] == "aborted", f"an aborted upload is {session['state']}")
            self.ledger.add("aborted_uploads")
            return session["state"]
        return self._complete([number for number, _, _ in parts])

    def _send_all(self, order):
        senders = self.random.choice((1, 1, 2, 3))
        seeds = {number: self.random.random() for number, _, _ in order}
        if senders == 1:
            patient = self.patient
            for part in order:
                self._send(patient, part, seeds[part[0]])
            return
        patients = threading.local()

        def send(part):
            if not hasattr(patients, "one"):
                patients.one = Patient(self.server, self.token, self.moments)
            self._send(patients.one, part, seeds[part[0]])

        with concurrent.futures.ThreadPoolExecutor(senders) as pool:
            for done in [pool.submit(send, part) for part in order]:
                done.result()

    def _send(self, patient, part, chance):
        number, at, size = part
        data = self.blob.data[at:at + size]
        if chance < 0.08 and size:  # first a wrong part, then the right one in its place
            self._put(patient, number, data[:max(1 + size // 2, LEAST_PART)].translate(INVERTED))
        self._put(patient, number, data, chunked=chance > 0.85)
        if 0.08 <= chance < 0.16:  # once more the same, like a client that missed the answer
            self._put(patient, number, data)

    def _put(self, patient, number, data, chunked=False):
        with self.lock:
            before, content_before = self.accepted.get(number), self.content.get(number)
            self.in_flight.add(number)
        try:
            accepted = self._until_accepted(patient, number, data, chunked, before, content_before)
            with self.lock:
                self.accepted[number] = accepted
                self.content[number] = data
        finally:
            with self.lock:
                self.in_flight.discard(number)

    def _until_accepted(self, patient, number, data, chunked, before, content_before):
        end = time.monotonic() + 180
        while time.monotonic() < end:
            self.moments.at("replace" if before else "part")
            try:
                body = [data[:1000], data[1000:]] if chunked and len(data) > 1000 else data
                part = patient.client.put_part(self.id, number, body).expect(200).json
                return part["etag"], part["size_bytes"]
            except LOST:
                listed = self._listed_after_loss(patient).get(number)
                # A listed part is accepted: the bytes just sent if its etag is new, else those of before.
                if listed and (listed != before or data == content_before):
                    self.ledger.add("kept_parts")
                    return listed
            except Refused as refused:
                if refused.status != 503:
                    raise
            time.sleep(0.01)
        raise AssertionError(f"part {number} of upload {self.id} was not accepted in 180 s")

    def _listed_after_loss(self, patient):
        """The accepted parts as the server lists them. Every part whose 200 was seen must be among them, unless it is being
        replaced."""
        with self.lock:
            known = {n: p for n, p in self.accepted.items() if n not in self.in_flight}
        answer, _ = patient.json("list", "GET", f"/v1/uploads/{self.id}/parts")
        listed = {p["part_number"]: (p["etag"], p["size_bytes"]) for p in answer["parts"]}
        with self.lock:
            known = {n: p for n, p in known.items() if n not in self.in_flight and self.accepted.get(n) == p}
        for number, part in known.items():
            if listed.get(number) != part:
                self.ledger.violation(f"upload {self.id}: part {number} was accepted as {part} and is now {listed.get(number)}")
        self.ledger.add("resumed_parts", len(known))
        return listed

    def _complete(self, numbers):
        named = [{"number": n, "etag": self.accepted[n][0], "size_bytes": self.accepted[n][1]} for n in sorted(numbers)]
        session, lost = self.patient.json("complete", "POST", f"/v1/uploads/{self.id}/complete", {"parts": named},
                                          accept=(200, 412))
        if "state" not in session:
            # The completion whose answer was lost has already ended the session.
            refusal = session
            session, _ = self.patient.json("look", "GET", f"/v1/uploads/{self.id}")
            if not lost or session["state"] != "failed":
                raise AssertionError(f"upload {self.id} is {session['state']} and its completion is refused: {refusal}")
        end = time.monotonic() + 180
        while session["state"] not in ("ready", "failed", "aborted"):
            self.moments.at(session["state"])
            if time.monotonic() > end:
                raise AssertionError(f"upload {self.id} is {session['state']} after 180 s")
            time.sleep(0.01)
            session, _ = self.patient.json("look", "GET", f"/v1/uploads/{self.id}")
        return self._ended(session)

    def _ended(self, session):
        if self.blob.honest:
            good = self.ledger.tally.true(session["state"] == "ready", f"upload of the right bytes ended as {session}")
            if good:
                with self.ledger.lock:
                    self.ledger.ready[self.blob.digest] = self.blob
        else:
            self.ledger.tally.true(session["state"] == "failed" and session.get("failure_message"),
                                    f"upload of wrong bytes ended as {session}")
            self.ledger.add("failed_uploads")
        return session["state"]
