"""Images, drafts, artifacts, attachments and aliases: names, duplicates, states, visibility, pages."""
import os
import re

from harness.checks import check
from harness.client import digest_of
from world import NO_ID


def refused(answer, status, words, what):
    check.equal(answer.status, status, what)
    check.contains(answer.detail, words, f"{what}: detail")


def test_names(world):
    writer, draft = world.writer, "/v1/images/world/versions/draft/artifacts"

    def post(target, operation, status, words, **members):
        answer = writer.post(target, json={**world.body(operation), **members})
        refused(answer, status, words, f"{operation} {members}"[:90])

    for name in ("", "Upper", "-a", ".a", "_a", "a b", "a/b", "ä", "a\x00b", "a\nb", "../etc"):
        post("/v1/images", "createImage", 400, ["image name"], name=name)
    post("/v1/images", "createImage", 400, ["image name", "129", "128"], name="a" * 129)
    post("/v1/images", "createImage", 201, [], name="a" * 128)
    post("/v1/images", "createImage", 201, [], name="0._-")
    post("/v1/images", "createImage", 400, ["display_name", "257", "256"], display_name="x" * 257)
    post("/v1/images", "createImage", 400, ["display_name", "control"], display_name="a\x07b")
    post("/v1/images", "createImage", 400, ["description", "4097", "4096"], description="x" * 4097)
    for version in ("", "-1", "+1", "1 0", "1/0", "ä", "1\n"):
        post("/v1/images/world/versions", "createDraft", 400, ["version"], version=version)
    post("/v1/images/world/versions", "createDraft", 400, ["version", "129", "128"], version="1" * 129)
    post("/v1/images/world/versions", "createDraft", 201, [], version="1.0_rc:1+a-b")
    check.equal(writer.get("/v1/images/world/versions/1.0_rc%3a1%2Ba-b").status, 200, "a version, percent-encoded")
    check.equal(writer.delete("/v1/images/world/versions/1.0_rc:1+a-b").status, 204, "and as it is")
    for alias in ("-a", "a+b", "a:b", "a%20b", "a" * 65, "%C3%A4", "a%2Fb"):
        refused(writer.put(f"/v1/images/world/aliases/{alias}", json={"version": "1.0"}), 400, ["alias"],
                f"the alias {alias[:10]}")
    for member in ("operating_system", "architecture", "variant"):
        for value in ("", "-x", "a b", "a:b", "a" * 65):
            post(draft, "addArtifact", 400, [member], **{member: value})
    post(draft, "addArtifact", 400, ["format", "iso", "qcow2", "squashfs"], format="iso")
    post(draft, "addArtifact", 400, ["primary_blob_digest", "sha256:"], primary_blob_digest="sha1:x")
    post(draft, "addArtifact", 400, ["primary_blob_size_bytes", "-1"], primary_blob_size_bytes=-1)
    for kind in ("", "text", "/", "text/", "a b/c", "text/plain\r\nX: y", "text/" + "x" * 300):
        post(draft, "addArtifact", 400, ["primary_media_type"], primary_media_type=kind)
    attachments = f"{draft}/{world.draft['artifact_id']}/attachments"
    for name in ("", "..", "a/b", ".hidden", "a" * 65):
        post(attachments, "addAttachment", 400, ["name"], name=name)
    post(attachments, "addAttachment", 400, ["media_type"], media_type="text")
    post(attachments, "addAttachment", 400, ["blob_digest"], blob_digest="x")
    post(attachments, "addAttachment", 400, ["blob_size_bytes", "-5"], blob_size_bytes=-5)


def test_duplicates(world):
    writer = world.writer
    refused(writer.post("/v1/images", json={"name": "world"}), 409, ["image", "world"], "an image twice")
    for version in ("1.0", "draft"):
        refused(writer.post("/v1/images/world/versions", json={"version": version}), 409, ["version", version],
                f"the version {version} twice")
    data = b"duplicate"
    first = writer.artifact("world", "draft", digest_of(data), len(data), architecture="twice").expect(201).json
    check.equal(first["variant"], "default", "the variant, when none is given")
    refused(writer.artifact("world", "draft", digest_of(data), len(data), architecture="twice", variant="default"), 409,
            ["linux", "twice", "default", "raw"], "an artifact twice")
    check.equal(writer.artifact("world", "draft", digest_of(data), 9, architecture="twice", variant="b").status, 201,
                "another variant")
    attachments = f"/v1/images/world/versions/draft/artifacts/{first['id']}/attachments"
    body = {"name": "twice", "media_type": "text/plain", "blob_digest": digest_of(data), "blob_size_bytes": 9}
    writer.post(attachments, json=body).expect(201)
    refused(writer.post(attachments, json=body), 409, ["attachment", "twice"], "an attachment twice")


def edits(world, version, artifact, attachment):
    """Every edit of a version."""
    at = f"/v1/images/{world.target('{name}')}/versions/{version}"
    yield "adding an artifact", world.writer.post(f"{at}/artifacts", json=world.body("addArtifact"))
    yield "removing an artifact", world.writer.delete(f"{at}/artifacts/{artifact}")
    yield "adding an attachment", world.writer.post(f"{at}/artifacts/{artifact}/attachments",
                                                    json=world.body("addAttachment"))
    yield "removing an attachment", world.writer.delete(f"{at}/artifacts/{artifact}/attachments/{attachment}")
    yield "deleting the version", world.writer.delete(at)


def test_published_version_is_final(world):
    before = world.anonymous.get("/v1/images/world/versions/1.0").expect(200).body
    for what, answer in edits(world, "1.0", world.named["artifact_id"], world.named["attachment_id"]):
        refused(answer, 412, ["world 1.0", "published", "draft"], f"{what} of a published version")
    check.equal(world.anonymous.get("/v1/images/world/versions/1.0").body, before, "the manifest is as it was")


def test_frozen_version(world):
    writer, missing = world.writer, digest_of(b"never uploaded")
    writer.draft("world", "frozen")
    artifact = writer.artifact("world", "frozen", missing, 14).expect(201).json["id"]
    attachment = writer.post(f"/v1/images/world/versions/frozen/artifacts/{artifact}/attachments",
                             json=world.body("addAttachment")).expect(201).json["id"]
    job = writer.publish("world", "frozen")
    check.equal(job["state"], "failed", "publishing what is not there")
    for what, answer in edits(world, "frozen", artifact, attachment):
        refused(answer, 412, ["world frozen", "publishing", "draft"], f"{what} of a frozen version")
    refused(writer.put("/v1/images/world/aliases/early", json={"version": "frozen"}), 412,
            ["world frozen", "publishing", "published"], "an alias to a frozen version")
    check.equal(world.anonymous.get("/v1/images/world/versions/frozen").status, 404, "a frozen version is invisible")
    writer.post(f"/v1/publish-jobs/{job['id']}/abandon").expect(200)
    for what, answer in edits(world, "frozen", artifact, attachment):
        # The attachment went with its artifact.
        check.equal(answer.status, {"adding an artifact": 201, "adding an attachment": 404,
                                    "removing an attachment": 404}.get(what, 204), f"{what} once it is a draft again")


def test_removals(world):
    at, draft = "/v1/images/world/versions/draft/artifacts", world.draft
    for target in (f"{at}/{draft['artifact_id']}/attachments/{draft['attachment_id']}", f"{at}/{draft['artifact_id']}"):
        check.equal(world.writer.delete(target).status, 204, f"DELETE {target.split('/')[-2]}")
        check.equal(world.writer.delete(target).status, 404, f"DELETE {target.split('/')[-2]} again")
    writer = world.writer
    writer.draft("world", "to-delete")
    artifact = writer.artifact("world", "to-delete", digest_of(b"x"), 1).expect(201).json["id"]
    writer.post(f"/v1/images/world/versions/to-delete/artifacts/{artifact}/attachments",
                json=world.body("addAttachment")).expect(201)
    check.equal(writer.delete("/v1/images/world/versions/to-delete").status, 204, "a draft with all that is in it")
    check.equal(writer.get("/v1/images/world/versions/to-delete").status, 404, "is gone")
    check.equal(writer.post("/v1/images/world/versions", json={"version": "to-delete"}).status, 201, "and can come again")


def test_things_of_another_version(world):
    """An id works only under its own path."""
    other = world.writer.published("other", "1", b"other bytes")
    for method, target in (("GET", f"/v1/images/world/versions/1.0/artifacts/{other['id']}"),
                           ("GET", f"/v1/images/world/versions/1.0/artifacts/{other['id']}/download"),
                           ("DELETE", f"/v1/images/world/versions/draft/artifacts/{other['id']}"),
                           ("GET", f"/v1/images/other/versions/1/artifacts/{other['id']}/attachments/"
                                   f"{world.named['attachment_id']}/download")):
        refused(world.writer.request(method, target), 404, ["has no"], f"{method} {target.split('/', 4)[-1]}"[:60])


def test_drafts_are_invisible(world):
    writer, data = world.writer, b"secret draft"
    digest = writer.upload(data)
    writer.draft("hidden", "1")
    artifact = writer.artifact("hidden", "1", digest, len(data)).expect(201).json["id"]
    attachment = writer.post(f"/v1/images/hidden/versions/1/artifacts/{artifact}/attachments", json={
        "name": "a", "media_type": "text/plain", "blob_digest": digest, "blob_size_bytes": len(data)}).expect(201).json
    at = "/v1/images/hidden"
    for target in (at, f"{at}/versions", f"{at}/versions/1", f"{at}/versions/1/artifacts",
                   f"{at}/versions/1/artifacts/{artifact}", f"{at}/versions/1/artifacts/{artifact}/download",
                   f"{at}/versions/1/artifacts/{artifact}/attachments/{attachment['id']}/download", f"{at}/aliases",
                   f"{at}/refs/1"):
        for caller, who in ((world.anonymous, "anonymous"), (world.nobody, "no role"), (world.manager, "a manager")):
            for method in ("GET", "HEAD"):
                check.equal(caller.request(method, target).status, 404, f"{method} {target[11:50]} by {who}")
        if not target.endswith("/refs/1"):
            check.equal(writer.get(target).status, 200, f"{target} by a writer")
    check.true("hidden" not in world.anonymous.get("/v1/images?limit=1000").body.decode(), "nor is it listed")
    writer.publish("hidden", "1")
    check.equal(world.anonymous.get(at).status, 200, "once published it is seen at once")
    writer.draft("hidden", "2")
    check.equal([v["version"] for v in world.anonymous.get(f"{at}/versions").json["versions"]], ["1"],
                "the draft of a published image is not listed")
    check.equal(world.anonymous.get(f"{at}/versions/2").status, 404, "nor seen")


def test_aliases(world):
    writer, at = world.writer, "/v1/images/moving"
    for version in ("1", "2"):
        writer.published("moving", version, b"moving " + version.encode())
    writer.draft("moving", "3")
    first = writer.put(f"{at}/aliases/stable", json={"version": "1"}).expect(200).json
    check.equal((first["alias"], first["version"]), ("stable", "1"), "a new alias")
    refused(writer.put(f"{at}/aliases/stable", json={"version": "3"}), 412, ["moving 3", "draft", "published"],
            "an alias to a draft")
    refused(writer.put(f"{at}/aliases/stable", json={"version": "9"}), 404, ["9", "moving"], "an alias to no version")
    for version, ref in (("1", "stable"), ("2", "2")):
        manifest = world.anonymous.get(f"{at}/refs/{ref}").expect(200).json
        check.equal(manifest["version"]["version"], version, f"the ref {ref}")
    tag = world.anonymous.get(f"{at}/refs/stable").header("ETag")
    moved = writer.put(f"{at}/aliases/stable", json={"version": "2"}).expect(200).json
    check.equal((moved["id"], moved["version"]), (first["id"], "2"), "a moved alias")
    after = world.anonymous.get(f"{at}/refs/stable", headers={"If-None-Match": tag})
    check.equal((after.status, after.json["version"]["version"]), (200, "2"), "the move is seen at once")
    # A version goes before an alias of its name.
    writer.put(f"{at}/aliases/1", json={"version": "2"}).expect(200)
    check.equal(world.anonymous.get(f"{at}/refs/1").json["version"]["version"], "1", "the version before the alias")
    check.equal(writer.delete(f"{at}/aliases/stable").status, 204, "an alias is removed")
    refused(writer.delete(f"{at}/aliases/stable"), 404, ["stable", "moving"], "an alias is removed again")
    refused(world.anonymous.get(f"{at}/refs/stable"), 404, ["stable", "moving"], "the ref of an alias that is gone")


def pages(caller, target, name, limit):
    """All items, read page by page along Link, and the number of pages."""
    items, count, next_ = [], 0, f"{target}{'&' if '?' in target else '?'}limit={limit}"
    while next_:
        answer = caller.get(next_).expect(200)
        check.true(len(answer.json[name]) <= limit, f"{target}: a page has at most {limit}")
        items += answer.json[name]
        count += 1
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.header("Link") or "")
        next_ = link and link[1]
    return items, count


def test_pages(world):
    writer = world.writer
    for n in range(5):
        writer.published("paged", f"v{n}", b"paged")
        writer.put(f"/v1/images/paged/aliases/alias-{n}", json={"version": f"v{n}"}).expect(200)
        world.server.token("content-writer")
    writer.draft("paged", "many")
    for n in range(5):
        writer.artifact("paged", "many", digest_of(b"%d" % n), 1, architecture=f"a{n}").expect(201)
    principal = world.ids["principals"]
    for n in range(4):
        world.manager.post(f"/v1/auth/principals/{principal}/api-tokens", json=world.body("issueApiToken")).expect(201)
    for caller, target, name in (
            (world.anonymous, "/v1/images", "images"), (writer, "/v1/images", "images"),
            (world.anonymous, "/v1/images/paged/versions", "versions"),
            (world.anonymous, "/v1/images/paged/aliases", "aliases"),
            (writer, "/v1/images/paged/versions/many/artifacts", "artifacts"),
            (writer, "/v1/publish-jobs", "publish_jobs"), (writer, "/v1/publish-jobs?state=succeeded", "publish_jobs"),
            (world.manager, "/v1/auth/principals", "principals"),
            (world.manager, f"/v1/auth/principals/{principal}/api-tokens", "api_tokens")):
        whole, count = pages(caller, target, name, 1000)
        check.equal(count, 1, f"{target}: one page of 1000")
        check.true(len(whole) >= 3, f"{target}: there are some")
        for limit in (1, 2, len(whole)):
            items, count = pages(caller, target, name, limit)
            check.equal([i["id"] for i in items], [i["id"] for i in whole], f"{target} in pages of {limit}")
            check.equal(count, -(-len(whole) // limit), f"{target}: the number of pages of {limit}")
        for limit in ("0", "-1", "1001", "many", "", "1.5", "%31%30%30%31"):
            refused(caller.get(f"{target}{'&' if '?' in target else '?'}limit={limit}"), 400, ["limit", "1", "1000"],
                    f"{target} with limit={limit}")
        refused(caller.get(f"{target}{'&' if '?' in target else '?'}after=!"), 400, ["after", "cursor"], f"{target} after=!")
        for cursor in ("AA", "_w", "4pg", "%00"):  # a NUL, no UTF-8, half a character
            answer = caller.get(f"{target}{'&' if '?' in target else '?'}after={cursor}")
            refused(answer, 400, ["after"], f"{target} after={cursor}")
    names = [i["name"] for i in pages(world.anonymous, "/v1/images", "images", 3)[0]]
    check.equal(names, sorted(names), "images are listed by name")
    jobs = [j["created_at"] for j in pages(writer, "/v1/publish-jobs", "publish_jobs", 3)[0]]
    # A whole second has no fraction.
    newest_first = sorted(jobs, key=lambda time: time if "." in time else time.replace("Z", ".Z"), reverse=True)
    check.equal(jobs, newest_first, "jobs are listed newest first")


def test_responses_are_as_cacheable_as_they_say(world):
    target = "/v1/images/world"
    anonymous, known = world.anonymous.get(target), world.writer.get(target)
    check.equal(anonymous.header("Cache-Control"), "public, max-age=60", "what everybody may see")
    check.equal((known.header("Cache-Control"), known.header("ETag")), ("no-store", None), "what a token was shown")
    check.equal(world.anonymous.get("/v1/images/none").header("Cache-Control"), "no-store", "a refusal")


def test_unknown_ids_in_odd_shapes(world):
    for value in ("x" * 4000, "%F0%9F%A6%86", "'%20OR%201=1%20--", NO_ID.upper(), "%25", "%2F%2e%2E%2fetc"):
        for target in (f"/v1/images/{value}", f"/v1/images/world/versions/{value}",
                       f"/v1/images/world/refs/{value}", f"/v1/images/world/aliases/{value}"):
            check.equal(world.anonymous.get(target).status, 404, target[:60])
        check.equal(world.writer.get(f"/v1/uploads/{value}").status, 404, f"the upload {value[:20]}")
        check.equal(world.writer.get(f"/v1/publish-jobs/{value}").status, 404, f"the job {value[:20]}")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
