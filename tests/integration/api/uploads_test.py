"""Upload sessions: the happy path in all its orders, and every way to get it wrong.

The promotion worker claims a completed session, verifies its bytes and records the trusted blob.
"""
import base64
import concurrent.futures
import contextlib
import hashlib
import os
import random

from harness.checks import check
from harness.client import digest_of
from harness.pair import EMBEDDED, LEAST_PART
from harness.slow_part import SlowPart
from harness.waiting import NotInTime, wait_until
from world import NO_ID


def sha256_base64(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def staged(world):
    """What unfinished uploads have in the object store."""
    return world.server.backends.store.unfinished()


def nothing_left(world, before):
    """Checks that nothing new is in staging."""
    with contextlib.suppress(NotInTime):
        wait_until(lambda: not staged(world) - before, "staging is empty")
    check.equal(staged(world) - before, set(), "nothing is left in staging")


def test_parts_in_any_order_and_in_parallel(world):
    draw, before = random.Random(1), staged(world)
    rounds = ((1 << 16, 12), (70001, 9), (1 << 20, 5)) if EMBEDDED else ((LEAST_PART, 4), (LEAST_PART + 70001, 3))
    for round_, (part, count) in enumerate(rounds):
        data = draw.randbytes(part * (count - 1) + part // 3)
        pieces = list(enumerate((data[at:at + part] for at in range(0, len(data), part)), 1))
        upload = world.writer.new_upload(data)
        draw.shuffle(pieces)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda p: world.writer.put_part(upload, *p).expect(200).json, pieces))
        parts = sorted(answers, key=lambda p: p["part_number"])
        listed = world.writer.get(f"/v1/uploads/{upload}/parts").expect(200).json["parts"]
        check.equal(listed, parts, f"round {round_}: the accepted parts are listed in order")
        session = world.writer.get(f"/v1/uploads/{upload}").expect(200).json
        check.equal((session["state"], session["bytes_received"]), ("uploading", len(data)), "all bytes are received")
        check.true(world.writer.complete(upload, parts).expect(200).json["state"] in ("completed", "ingesting", "ready"),
                   "the completed session waits for verification")
        check.equal(world.writer.settled(upload)["state"], "ready", f"round {round_}: verified")
        blob = world.anonymous.get(f"/v1/blobs/{digest_of(data)}").expect(200)
        check.true(blob.body == data, f"round {round_}: the same bytes come back")
        check.true(world.writer.complete(upload, parts).expect(200).json["state"] == "ready", "completing again is safe")
    nothing_left(world, before)


def test_part_is_replaced(world):
    size = max(1000, LEAST_PART)
    data = os.urandom(size + 2000)
    upload = world.writer.new_upload(data)
    second = world.writer.put_part(upload, 2, data[size:]).expect(200).json
    first = world.writer.put_part(upload, 1, b"x" * size).expect(200).json
    again = world.writer.put_part(upload, 1, data[:size]).expect(200)
    check.equal(again.header("ETag"), f'"{again.json["etag"]}"', "ETag of a part")
    check.true(again.json["etag"] != first["etag"], "other bytes have another etag")
    answer = world.writer.complete(upload, [first, second])
    check.equal(answer.status, 400, "the etag of the replaced part")
    check.contains(answer.detail, ["part 1", again.json["etag"], first["etag"]], "the etag of the replaced part: detail")
    world.writer.complete(upload, [again.json, second]).expect(200)
    check.equal(world.writer.settled(upload)["state"], "ready", "the replacement counts")
    sends = world.server.backends.database.query(
        f"SELECT number, sends FROM upload_part_sends WHERE upload_id = '{upload}' ORDER BY number")
    check.equal(sends, [] if EMBEDDED else [[1, 2], [2, 1]], "sends that were recorded, where etags may repeat")


def test_empty_blob(world):
    world.writer.upload(b"")
    blob = world.anonymous.get(f"/v1/blobs/{digest_of(b'')}")
    check.equal((blob.status, blob.body, blob.header("Content-Length")), (200, b"", "0"), "the empty blob")
    ranged = world.anonymous.get(f"/v1/blobs/{digest_of(b'')}", headers={"Range": "bytes=0-"})
    check.equal((ranged.status, ranged.header("Content-Range")), (416, "bytes */0"), "a range of the empty blob")


def test_trusted_already(world):
    answer = world.writer.post("/v1/uploads", json={"expected_digest": digest_of(world.data),
                                                    "expected_size_bytes": len(world.data)})
    check.equal((answer.status, answer.json["state"]), (200, "ready"), "what is here need not be sent")
    check.equal(answer.header("Location"), f"/v1/uploads/{answer.json['id']}", "Location")
    late = world.writer.put_part(answer.json["id"], 1, b"x")
    check.equal(late.status, 412, "a part for a session that is ready")
    wrong = world.writer.post("/v1/uploads", json={"expected_digest": digest_of(world.data), "expected_size_bytes": 1})
    check.equal(wrong.status, 400, "the digest with another size")
    check.contains(wrong.detail, ["expected_size_bytes", "1", str(len(world.data))], "the digest with another size: detail")


def test_bad_announcements(world):
    good = {"expected_digest": digest_of(b"announced"), "expected_size_bytes": 9}

    def refused(status, words, **members):
        answer = world.writer.post("/v1/uploads", json={**good, **members})
        check.equal(answer.status, status, f"announcing {members}"[:80])
        check.contains(answer.detail, words, f"announcing {members}: detail"[:80])

    hex_digits = hashlib.sha256().hexdigest()
    for digest in ("", "sha256:", hex_digits, "md5:" + hex_digits[:32], "sha256:" + hex_digits.upper(),
                   "SHA256:" + hex_digits, "sha256:" + hex_digits[:-1], "sha256:" + hex_digits + "0",
                   "sha256:" + "g" * 64, " sha256:" + hex_digits, "sha256:../../" + hex_digits[:58]):
        refused(400, ["expected_digest", "sha256:", "64"], expected_digest=digest)
    refused(400, ["expected_size_bytes", "-1"], expected_size_bytes=-1)
    refused(413, ["expected_size_bytes", str(1 << 62)], expected_size_bytes=1 << 62)
    refused(400, ["expected_size_bytes", "9223372036854775807"], expected_size_bytes=1 << 63)
    refused(400, ["media_type_hint", "nonsense"], media_type_hint="nonsense")
    refused(400, ["media_type_hint", "255"], media_type_hint="text/" + "x" * 300)
    refused(400, ["filename_hint", "255"], filename_hint="x" * 256)
    refused(400, ["filename_hint", "control"], filename_hint="a\x00b")


def test_bad_part_numbers(world):
    upload = world.writer.new_upload(b"part")
    for number in ("0", "10001", "-1", "99999999999999999999", "one", "1.0", "0x1", "%31%20"):
        answer = world.writer.put_part(upload, number, b"part")
        check.equal(answer.status, 400, f"part number {number}")
        check.contains(answer.detail, ["part number", "10000"], f"part number {number}: detail")
    check.equal(world.writer.put_part(upload, 10000, b"part").status, 200, "part number 10000")


def test_parts_that_do_not_fit(world):
    data = os.urandom(1000)
    upload = world.writer.new_upload(data)
    world.writer.put_part(upload, 1, data[:600]).expect(200)
    for body, what in ((data[:401], "a part too long"), ([data[:300], data[:300]], "a part too long, in chunks")):
        answer = world.writer.put_part(upload, 2, body)
        check.equal(answer.status, 413, what)
        check.contains(answer.detail, ["part 2", "1000", "600"], f"{what}: detail")
    check.equal([p["part_number"] for p in world.writer.get(f"/v1/uploads/{upload}/parts").json["parts"]], [1],
                "a refused part is not listed")
    check.equal(world.writer.put_part(upload, 1, data).status, 200, "a replacement may take the place of the old part")


def test_part_digests(world):
    data = os.urandom(5000)
    upload = world.writer.new_upload(data)
    right, wrong = sha256_base64(data), sha256_base64(b"other")
    for name, value, status, words in (
            ("Content-Digest", f"sha-256=:{wrong}:", 400, [hashlib.sha256(data).hexdigest(),
                                                           hashlib.sha256(b"other").hexdigest()]),
            ("Digest", f"SHA-256={wrong}", 400, ["hash"]),
            ("Content-Digest", f"sha-256={right}", 400, ["Content-Digest", "sha-256=:"]),
            ("Content-Digest", "sha-256=:!!!!:", 400, ["base64"]),
            ("Content-Digest", "sha-256=:AAAA:", 400, ["3 bytes", "32"]),
            ("Content-Digest", f"sha-512=:AAAA:, sha-256=:{wrong}:", 400, ["hash"])):
        answer = world.writer.put_part(upload, 1, data, headers={name: value})
        check.equal(answer.status, status, f"{name}: {value[:30]}")
        check.contains(answer.detail, words, f"{name}: {value[:30]}: detail")
    check.equal(world.writer.get(f"/v1/uploads/{upload}/parts").json["parts"], [], "no such part was accepted")
    for name, value in (("Content-Digest", f"sha-256=:{right}:"), ("Digest", f"sha-256={right}"),
                        ("Content-Digest", "sha-512=:AAAA:")):
        check.equal(world.writer.put_part(upload, 1, data, headers={name: value}).status, 200, f"{name}: {value[:30]}")


def test_small_part_between_others(world):
    """Where the store joins no small parts, a completion is refused with the part's number, and a larger one can be sent."""
    data = os.urandom(LEAST_PART + 3000)
    upload = world.writer.new_upload(data)
    first, small, last = [world.writer.put_part(upload, n, piece).expect(200).json for n, piece in enumerate(
        (data[:LEAST_PART], data[LEAST_PART:-1500], data[-1500:]), 1)]
    answer = world.writer.complete(upload, [first, small, last])
    check.equal(answer.status, 200 if EMBEDDED else 412, "completion with a small part that is not the last")
    if not EMBEDDED:
        check.contains(answer.detail, ["part 2", "1500", "5 MiB"], "a small part that is not the last: detail")
        check.true(world.server.backends.store.host not in answer.detail, "without the address of the store")
        larger = world.writer.put_part(upload, 2, data[LEAST_PART:])
        check.equal(larger.status, 413, "a larger part, while the last one takes the place")
        world.writer.put_part(upload, 3, b"").expect(200)
        larger = world.writer.put_part(upload, 2, data[LEAST_PART:]).expect(200).json
        world.writer.complete(upload, [first, larger]).expect(200)
    check.equal(world.writer.settled(upload)["state"], "ready", "the upload")


def test_bad_completions(world):
    size = max(1000, LEAST_PART)
    data = os.urandom(3 * size)
    upload = world.writer.new_upload(data)
    parts = [world.writer.put_part(upload, n, data[(n - 1) * size:n * size]).expect(200).json for n in (1, 2, 3)]

    def refused(named, words, what):
        answer = world.writer.complete(upload, named)
        check.equal(answer.status, 400, f"completion with {what}")
        check.contains(answer.detail, words, f"completion with {what}: detail")

    missing = {**parts[2], "part_number": 4}
    refused(parts + [missing], ["part 4", "not been received"], "a part that was not sent")
    refused([{**parts[0], "etag": "nonsense"}, *parts[1:]], ["part 1", "etag", "nonsense"], "a wrong etag")
    refused([{**parts[0], "size_bytes": 999}, *parts[1:]], ["part 1", str(size), "999"], "a wrong size")
    refused([parts[1], parts[0], parts[2]], ["part 1", "part 2", "ascending"], "parts out of order")
    refused([parts[0], parts[0], parts[1]], ["part 1", "ascending"], "a part twice")
    refused([], ["parts", "at least one"], "no part")
    refused([{**parts[0], "part_number": 0}], ["part number 0", "10000"], "part number 0")
    refused([{**parts[0], "part_number": 10001}], ["10001", "10000"], "part number 10001")
    refused([{**parts[0], "size_bytes": -1}], ["size_bytes", "part 1"], "a negative size")
    for member in ("number", "etag", "size_bytes"):
        named = {"number": 1, "etag": "x", "size_bytes": 1}
        del named[member]
        answer = world.writer.post(f"/v1/uploads/{upload}/complete", json={"parts": [named]})
        check.equal(answer.status, 400, f"completion without {member}")
        check.contains(answer.detail, [f"parts[0].{member}"], f"completion without {member}: detail")
    answer = world.writer.post(f"/v1/uploads/{upload}/complete", json={"parts": [{"number": 1, "tag": "x"}]})
    check.contains(answer.detail, ["parts[0].tag", "unknown member"], "an unknown member of a part")
    many = [{"number": 1, "etag": "x", "size_bytes": 1}] * 10001
    answer = world.writer.post(f"/v1/uploads/{upload}/complete", json={"parts": many})
    check.equal(answer.status, 400, "10001 parts")
    check.contains(answer.detail, ["10001", "10000"], "10001 parts: detail")
    check.equal(world.writer.get(f"/v1/uploads/{upload}").json["state"], "uploading", "refusals change nothing")
    world.writer.complete(upload, parts).expect(200)
    check.equal(world.writer.settled(upload)["state"], "ready", "the right completion is still possible")


def test_size_mismatch(world):
    data, before = os.urandom(2000), staged(world)
    upload = world.writer.new_upload(data)
    part = world.writer.put_part(upload, 1, data[:1500]).expect(200).json
    session = world.writer.complete(upload, [part]).expect(200).json
    check.equal(session["state"], "failed", "fewer bytes than announced")
    check.contains(session["failure_message"], ["1500", "2000"], "fewer bytes than announced: failure_message")
    check.equal(world.anonymous.get(f"/v1/blobs/{digest_of(data)}").status, 404, "no blob came of it")
    late = world.writer.put_part(upload, 2, data[1500:])
    check.equal(late.status, 412, "a part after the failure")
    check.contains(late.detail, [upload, "failed", "1500"], "a part after the failure: detail")
    check.equal(world.writer.post(f"/v1/uploads/{upload}/abort").status, 412, "a failed session cannot be aborted")
    nothing_left(world, before)


def test_digest_mismatch(world):
    first = max(2000, LEAST_PART)
    data, before = os.urandom(first + 3000), staged(world)
    for sizes in ((first + 3000,), (first, 3000)):
        other = os.urandom(first + 3000)
        upload = world.writer.new_upload(data)
        at, parts = 0, []
        for number, size in enumerate(sizes, 1):
            parts.append(world.writer.put_part(upload, number, other[at:at + size]).expect(200).json)
            at += size
        world.writer.complete(upload, parts).expect(200)
        session = world.writer.settled(upload)
        check.equal(session["state"], "failed", "other bytes than announced")
        check.contains(session["failure_message"], [digest_of(other), digest_of(data)],
                       "other bytes than announced: failure_message")
        for digest in (digest_of(data), digest_of(other)):
            check.equal(world.anonymous.get(f"/v1/blobs/{digest}").status, 404, "unverified bytes are no blob")
        again = world.writer.complete(upload, parts).expect(200).json
        check.equal((again["state"], again["failure_message"]), ("failed", session["failure_message"]),
                    "a repeated completion says what the first led to")
        nothing_left(world, before)


def test_small_parts(world):
    data, before = os.urandom(LEAST_PART + 3000), staged(world)
    upload = world.writer.new_upload(data)
    if not EMBEDDED:
        refused = world.writer.put_part(upload, 1, data[:3000])
        check.equal(refused.status, 400, "a part 1 that could only be the last")
        check.contains(refused.detail, ["part 1", "3000", str(LEAST_PART)], "a part 1 that could only be the last: detail")
    parts = [world.writer.put_part(upload, 2, data[LEAST_PART:]).expect(200).json,
             world.writer.put_part(upload, 1, data[:LEAST_PART]).expect(200).json]
    world.writer.complete(upload, parts[::-1]).expect(200)
    check.equal(world.writer.settled(upload)["state"], "ready", "a small part at the end")
    nothing_left(world, before)


def test_after_completion(world):
    data = os.urandom(1000)
    upload = world.writer.new_upload(data)
    part = world.writer.put_part(upload, 1, data).expect(200).json
    world.writer.complete(upload, [part]).expect(200)
    late = world.writer.put_part(upload, 2, b"late")
    check.equal(late.status, 412, "a part after completion")
    check.contains(late.detail, [upload, "no more parts"], "a part after completion: detail")
    world.writer.settled(upload)
    for action in ("abort",):
        answer = world.writer.post(f"/v1/uploads/{upload}/{action}")
        check.equal(answer.status, 412, "aborting what is ready")
        check.contains(answer.detail, [upload, "ready", "aborted"], "aborting what is ready: detail")


def test_abort(world):
    data, before = os.urandom(1000), staged(world)
    upload = world.writer.new_upload(data)
    part = world.writer.put_part(upload, 1, data).expect(200).json
    for attempt in ("first", "second"):
        answer = world.writer.post(f"/v1/uploads/{upload}/abort", **({"json": {}} if attempt == "second" else {}))
        check.equal((answer.status, answer.json["state"]), (200, "aborted"), f"{attempt} abort")
    nothing_left(world, before)
    for answer, what in ((world.writer.put_part(upload, 1, data), "a part"),
                         (world.writer.complete(upload, [part]), "completion")):
        check.equal(answer.status, 412, f"{what} after the abort")
        check.contains(answer.detail, [upload, "aborted"], f"{what} after the abort: detail")


def slow_part(world, upload, number, length):
    """A part in flight, with none of its body sent yet."""
    return SlowPart(world.server, world.writer.token, upload, number, length)


def test_superseded_part(world):
    data = os.urandom(200_000)
    upload = world.writer.new_upload(data)
    with slow_part(world, upload, 1, len(data)) as slow:
        slow.send(b"y" * 100_000)
        part = world.writer.put_part(upload, 1, data).expect(200).json
        slow.send(b"y" * 100_000)
        status, body = slow.answer()
    check.equal(status, 409, "the slower of two requests for one part")
    check.contains(body.decode(), ["newer request", "same part"], "the slower of two requests for one part: detail")
    world.document.seen.add(("PUT", "/v1/uploads/{id}/parts/{number}", 409))
    listed = world.writer.get(f"/v1/uploads/{upload}/parts").expect(200).json["parts"]
    check.equal(listed, [part], "the newer one counts")
    world.writer.complete(upload, [part]).expect(200)
    check.equal(world.writer.settled(upload)["state"], "ready", "and is verified")


def test_interrupted_part(world):
    def ended():
        return sum(e["method"] == "PUT" and e["route"].endswith("/parts/{number}") for e in world.server.events("request"))

    data = os.urandom(100_000)
    upload = world.writer.new_upload(data)
    before = ended()
    with slow_part(world, upload, 1, len(data)) as slow:
        slow.send(data[:50_000])
    wait_until(lambda: ended() > before, "the interrupted request is logged")
    check.equal(world.writer.get(f"/v1/uploads/{upload}/parts").json["parts"], [], "half a part is no part")
    part = world.writer.put_part(upload, 1, data).expect(200).json
    world.writer.complete(upload, [part]).expect(200)
    check.equal(world.writer.settled(upload)["state"], "ready", "sent again, it is one")


def test_expired_session(world):
    data = b"too late"
    upload = world.writer.new_upload(data)
    part = world.writer.put_part(upload, 1, data).expect(200).json
    world.server.backends.database.execute(f"UPDATE upload_sessions SET expires_us = 1 WHERE id = '{upload}'")
    for answer, what in ((world.writer.put_part(upload, 1, data), "a part"), (world.writer.complete(upload, [part]), "completion")):
        check.equal(answer.status, 412, f"{what} for an expired session")
        check.contains(answer.detail, [upload, "expired"], f"{what} for an expired session: detail")
    check.equal(world.writer.post(f"/v1/uploads/{upload}/abort").status, 200, "an expired session can be aborted")


def test_unknown_session(world):
    answer = world.writer.put_part(NO_ID, 1, os.urandom(3_000_000))
    check.equal(answer.status, 404, "a long part of an unknown session")
    check.contains(answer.detail, ["upload session", NO_ID], "a long part of an unknown session: detail")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
