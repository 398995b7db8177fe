"""The bytes of blobs, artifacts and attachments: ranges and conditions as in RFC 9110."""
from harness.checks import check
from harness.client import digest_of


def targets(world):
    artifact = "/v1/images/{name}/versions/{version}/artifacts/{artifact_id}"
    return [(world.target(pattern), kind) for pattern, kind in (
        ("/v1/blobs/{digest}", "application/octet-stream"),
        (artifact + "/download", "application/octet-stream"),
        (artifact + "/attachments/{attachment_id}/download", "text/plain"))]


def test_whole(world):
    for target, kind in targets(world):
        for method in ("GET", "HEAD"):
            answer = world.anonymous.request(method, target)
            name = f"{method} {target.split('/')[-1]}"
            check.equal(answer.status, 200, name)
            check.true(answer.body == (world.data if method == "GET" else b""), f"{name}: body")
            for header, wanted in (("Content-Length", str(len(world.data))), ("Content-Type", kind),
                                   ("ETag", f'"{digest_of(world.data)}"'), ("Accept-Ranges", "bytes"),
                                   ("Cache-Control", "public, max-age=31536000, immutable"),
                                   ("X-Content-Type-Options", "nosniff")):
                check.equal(answer.header(header), wanted, f"{name}: {header}")


def test_damaged(world):
    """Marked as the scrubber does it: see housekeeping/scrub_test.py."""
    digest, database = digest_of(world.data), world.server.backends.database
    database.execute(f"UPDATE blobs SET damaged_us = 1, damage = 'holds other bytes' WHERE digest = '{digest}'")
    for target, _ in targets(world):
        for method in ("GET", "HEAD"):
            answer = world.anonymous.request(method, target)
            check.equal((answer.status, answer.header("Cache-Control")), (500, "no-store"), f"{method} {target.split('/')[-1]}")
            if method == "GET":
                check.contains(answer.detail, [digest, "damaged", "uploaded again"], "it says so")
    database.execute(f"UPDATE blobs SET damaged_us = NULL, damage = NULL WHERE digest = '{digest}'")


def test_ranges(world):
    size = len(world.data)
    for target, _ in targets(world):
        for text, first, last in (("0-0", 0, 0), ("0-99", 0, 99), ("100-", 100, size - 1), ("-1", size - 1, size - 1),
                                  (f"-{size + 5}", 0, size - 1), (f"0-{size + 100}", 0, size - 1),
                                  (f"{size - 1}-", size - 1, size - 1), ("5-99999999999999999999999", 5, size - 1)):
            answer = world.anonymous.get(target, headers={"Range": f"bytes={text}"})
            check.equal((answer.status, answer.header("Content-Range")), (206, f"bytes {first}-{last}/{size}"),
                        f"bytes={text}")
            check.true(answer.body == world.data[first:last + 1], f"bytes={text}: body")
        for text in (f"{size}-", f"{size}-{size + 1}", "5-4", "-0", "0-1,3-4", "a-b", "-", "", "0-x", "+1-2", "1",
                     "99999999999999999999999-"):
            answer = world.anonymous.get(target, headers={"Range": f"bytes={text}"})
            check.equal((answer.status, answer.header("Content-Range")), (416, f"bytes */{size}"), f"bytes={text}")
            check.contains(answer.detail, [f"bytes={text}", str(size)], f"bytes={text}: detail")
        for text in ("lines=0-1", "nonsense"):
            check.equal(world.anonymous.get(target, headers={"Range": text}).status, 200, f"Range: {text}")
        head = world.anonymous.head(target, headers={"Range": "bytes=0-1"})
        check.equal((head.status, head.header("Content-Length")), (200, str(size)), "HEAD has no ranges")


def test_conditions(world):
    for target, _ in targets(world):
        whole = world.anonymous.get(target).expect(200)
        tag, date = whole.header("ETag"), whole.header("Last-Modified")
        old, later = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 01 Jan 2038 00:00:00 GMT"
        for headers, status in (
                ({"If-None-Match": tag}, 304), ({"If-None-Match": "*"}, 304), ({"If-None-Match": f'"a", {tag}'}, 304),
                ({"If-None-Match": '"a"'}, 200), ({"If-None-Match": '"a"', "If-Modified-Since": later}, 200),
                ({"If-Modified-Since": date}, 304), ({"If-Modified-Since": later}, 304), ({"If-Modified-Since": old}, 200),
                ({"If-Modified-Since": "nonsense"}, 200), ({"If-Match": tag}, 200), ({"If-Match": "*"}, 200),
                ({"If-Match": '"a"'}, 412), ({"If-Match": tag, "If-Unmodified-Since": old}, 200),
                ({"If-Unmodified-Since": old}, 412), ({"If-Unmodified-Since": date}, 200)):
            for method in ("GET", "HEAD"):
                answer = world.anonymous.request(method, target, headers=headers)
                check.equal(answer.status, status, f"{method} {headers}")
                if status == 412 and method == "GET":
                    check.contains(answer.detail, ["condition", digest_of(world.data)], f"{headers}: detail")
        for condition, status in ((tag, 206), (date, 206), ('"a"', 200), (f"W/{tag}", 200), (old, 200), ("nonsense", 200)):
            answer = world.anonymous.get(target, headers={"Range": "bytes=0-1", "If-Range": condition})
            check.equal(answer.status, status, f"If-Range: {condition}")


def test_bad_digests(world):
    for digest in ("sha256:abc", "md5:" + "0" * 32, "SHA256:" + "0" * 64, "sha256:" + "A" * 64, "0" * 64,
                   "sha256:" + "0" * 63 + "%2F", "sha256%3A..%2F..%2F" + "0" * 58):
        answer = world.anonymous.get(f"/v1/blobs/{digest}")
        check.equal(answer.status, 400, f"the blob {digest[:30]}")
        check.contains(answer.detail, ["digest", "sha256:", "64"], f"the blob {digest[:30]}: detail")
    encoded = world.anonymous.get("/v1/blobs/" + digest_of(world.data).replace(":", "%3a"))
    check.equal((encoded.status, encoded.body == world.data), (200, True), "a percent-encoded digest")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
