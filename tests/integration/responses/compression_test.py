#!/usr/bin/env python3
"""Text and JSON from 1 KiB up are compressed (br, gzip, deflate, by Accept-Encoding), blobs never. Compressible answers say
"Vary: Accept-Encoding", and each encoding has an ETag of its own. Streams documents are compressed once and cached.
"""
import json
import lzma
import subprocess
import zlib

from harness.checks import check
from harness.imgsrv import Server

STREAMS = "/streams/v1/images.json"
CODINGS = ("br", "gzip", "deflate")


def curl(server, target, *flags):
    """The status, the response's fields by lower-case name, and the body as curl hands it out."""
    head = server.folder / "head"
    done = subprocess.run(["curl", "-sS", "-D", head, *flags, f"http://{server.address}{target}"], capture_output=True,
                          timeout=60, check=True)
    lines = head.read_text().splitlines()
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return int(lines[0].split()[1]), fields, done.stdout


def decoded(server, target, coding):
    """The text as curl reads it in that coding, and the fields."""
    status, fields, body = curl(server, target, "--compressed", "-H", f"Accept-Encoding: {coding}")
    check.equal((status, fields.get("content-encoding")), (200, coding), f"{target} in {coding}")
    return body, fields


def long_targets(server):
    """Documents of every kind that are over 1 KiB long."""
    return (STREAMS, "/openapi/v1.yaml", "/v1/images", "/v1/images/img-0/versions/1", "/v1/images?limit=50")


def test_every_coding_decodes_to_the_same(server):
    for target in long_targets(server):
        status, plain, text = curl(server, target)
        check.equal((status, plain.get("content-encoding")), (200, None), f"{target} for a client that asks for nothing")
        check.true(len(text) >= 1024, f"{target} is long enough")
        check.equal(plain.get("vary"), "Accept-Encoding", f"{target}: Vary")
        tags = {plain["etag"]}
        for coding in CODINGS:
            for time in ("first", "kept"):
                body, fields = decoded(server, target, coding)
                check.true(body == text, f"{target} in {coding}, {time}: decodes to the same")
                check.equal(fields.get("vary"), "Accept-Encoding", f"{target} in {coding}: Vary")
                check.equal(fields.get("cache-control"), "public, max-age=60", f"{target} in {coding}: Cache-Control")
                check.true(int(fields["content-length"]) < len(text), f"{target} in {coding} is shorter")
            tags.add(fields["etag"])
        check.equal(len(tags), 1 + len(CODINGS), f"{target}: an entity tag for each coding")
        check.true(all(t.startswith('"') for t in tags), f"{target}: strong entity tags")


def test_clients_that_take_all_codings(server):
    # What curl and browsers send by default.
    for flags in (("--compressed",), ("-H", "Accept-Encoding: gzip, deflate, br, zstd")):
        _, fields, _ = curl(server, STREAMS, *flags)
        check.equal(fields.get("content-encoding"), "br", f"{flags}")
    _, _, body = curl(server, STREAMS, "--compressed")
    check.true(len(json.loads(body)["products"]) > 0, "curl --compressed reads the document")


def test_what_the_client_prefers(server):
    for accepted, coding in (("gzip;q=0.5, deflate;q=0.8", "deflate"), ("*", "br"), ("br;q=0, *", "gzip"), ("gzip;q=0", None),
                             ("identity;q=0, gzip", "gzip"), ("gzip;q=0.5, identity", None), ("zstd", None), ("", None)):
        answer = server.anonymous().get(STREAMS, headers={"Accept-Encoding": accepted})
        check.equal((answer.status, answer.header("Content-Encoding")), (200, coding), f"Accept-Encoding: {accepted}")


def test_entity_tags_match_their_coding_only(server):
    for target in long_targets(server):
        tags = {coding: server.anonymous().get(target, headers={"Accept-Encoding": coding}).header("ETag")
                for coding in (*CODINGS, "identity")}
        for coding in tags:
            for other, tag in tags.items():
                for method in ("GET", "HEAD"):
                    answer = server.anonymous().request(method, target, headers={
                        "Accept-Encoding": coding, "If-None-Match": tag})
                    wanted = 304 if coding == other else 200
                    check.equal(answer.status, wanted, f"{method} {target} in {coding} with the tag of {other}")
                    check.equal((answer.header("ETag"), answer.header("Vary")), (tags[coding], "Accept-Encoding"),
                                f"{method} {target} in {coding} with the tag of {other}: ETag and Vary")


def test_head_is_as_get(server):
    for target in long_targets(server):
        for coding in (*CODINGS, "identity"):
            get, head = (server.anonymous().request(m, target, headers={"Accept-Encoding": coding}) for m in ("GET", "HEAD"))
            for name in ("Content-Length", "Content-Encoding", "Content-Type", "ETag", "Vary", "Cache-Control"):
                check.equal(head.header(name), get.header(name), f"HEAD {target} in {coding}: {name}")


def test_with_a_token(server):
    """Responses made for one request are compressed, too."""
    writer = server.writer()
    plain = writer.get("/v1/images").expect(200)
    check.equal(plain.header("Vary"), "Accept-Encoding", "Vary with a token")
    answer = writer.get("/v1/images", headers={"Accept-Encoding": "gzip"})
    check.equal((answer.header("Content-Encoding"), answer.header("Cache-Control"), answer.header("ETag")),
                ("gzip", "no-store", None), "a list for a writer")
    check.true(zlib.decompress(answer.body, 31) == plain.body, "decodes to the same")


def test_short_texts_stay(server):
    for target in ("/streams/v1/index.json", "/v1/images/img-0", "/v1/images/none"):
        answer = server.anonymous().get(target, headers={"Accept-Encoding": "br, gzip"})
        check.true(0 < len(answer.body) < 1024, f"{target} is short")
        check.equal((answer.header("Content-Encoding"), answer.header("Vary")), (None, None), f"{target} is sent as it is")


def test_never_for_blobs(server):
    """Of text, too, by each of their ways: digest, artifact, attachment."""
    manifest = server.anonymous().get("/v1/images/text/versions/1").expect(200).json
    entry = manifest["artifacts"][0]
    artifact, attachment = entry["artifact"], entry["attachments"][0]
    at = f"/v1/images/text/versions/1/artifacts/{artifact['id']}"
    for target in (f"/v1/blobs/{artifact['primary_blob_digest']}", f"{at}/download",
                   f"{at}/attachments/{attachment['id']}/download"):
        for accepted in ("gzip", "br, gzip, deflate", "*", "identity;q=0, gzip"):
            answer = server.anonymous().get(target, headers={"Accept-Encoding": accepted})
            check.equal((answer.status, answer.header("Content-Encoding"), answer.header("Vary"), len(answer.body)),
                        (200, None, None, 20_000), f"{target} with Accept-Encoding: {accepted}")


def test_a_new_generation_is_compressed_anew(server):
    before, fields = decoded(server, STREAMS, "gzip")
    publish_image(server, "another")
    after, changed = decoded(server, STREAMS, "gzip")
    check.true(before != after and b"another" in after, "the new document is seen at once, compressed")
    check.true(fields["etag"] != changed["etag"], "with another entity tag")


def publish_image(server, name):
    writer, data = server.writer(), b"hsqs" + name.encode() * 50
    metadata = lzma.compress(b"metadata of " + data)
    writer.draft(name, "1")
    artifact = writer.artifact(name, "1", writer.upload(data), len(data), format="squashfs").expect(201).json["id"]
    writer.post(f"/v1/images/{name}/versions/1/artifacts/{artifact}/attachments", json={
        "name": "incus.tar.xz", "media_type": "application/x-xz", "blob_digest": writer.upload(metadata),
        "blob_size_bytes": len(metadata)}).expect(201)
    job = writer.publish(name, "1")
    assert job["state"] == "succeeded", job


def publish_text(server):
    writer, text = server.writer(), b"all the same " * 2000
    text = text[:20_000]
    digest = writer.upload(text)
    writer.draft("text", "1")
    artifact = writer.artifact("text", "1", digest, len(text), primary_media_type="text/plain").expect(201).json["id"]
    writer.post(f"/v1/images/text/versions/1/artifacts/{artifact}/attachments", json={
        "name": "notes.txt", "media_type": "text/plain", "blob_digest": digest, "blob_size_bytes": len(text)}).expect(201)
    assert writer.publish("text", "1")["state"] == "succeeded"


def main():
    with Server() as server:
        for n in range(8):
            publish_image(server, f"img-{n}")
        publish_text(server)
        for test in (test_every_coding_decodes_to_the_same, test_clients_that_take_all_codings, test_what_the_client_prefers,
                     test_entity_tags_match_their_coding_only, test_head_is_as_get, test_with_a_token, test_short_texts_stay,
                     test_never_for_blobs, test_a_new_generation_is_compressed_anew):
            check.run(test, server)
        check.equal(server.stop(), 0, "the server ends with 0")
    check.finish()


if __name__ == "__main__":
    main()
