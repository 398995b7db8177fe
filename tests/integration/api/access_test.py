"""Tokens and roles."""
import datetime

from harness.checks import check
from harness.waiting import wait_until


def test_tokens_that_are_not_good(world):
    token = world.writer.token
    for value, what in ((f"Bearer {token[:-1]}0" if token[-1] != "0" else f"Bearer {token[:-1]}1", "another secret"),
                        (f"Bearer {token}0", "a longer one"), (f"Bearer {token[:-1]}", "a shorter one"),
                        (f"Bearer {token.upper()}", "upper case"), ("Bearer ", "none"), ("Bearer", "no blank"),
                        ("Bearer imgsrv_at_", "only the prefix"), (f"Basic {token}", "another scheme"), (token, "no scheme"),
                        ("Bearer eyJhbGciOiJub25lIn0.e30.", "a JWT"), (f"Bearer {token} {token}", "two"),
                        ("Bearer " + "x" * 8000, "a long one")):
        answer = world.anonymous.post("/v1/images", json={"name": "never"}, headers={"Authorization": value})
        check.equal(answer.status, 401, f"a token that is {what}")
        check.true(answer.detail and token not in answer.detail, f"a token that is {what}: detail without the secret")
    answer = world.anonymous.post("/v1/images", json={"name": "world"}, headers={"Authorization": f"bearer  {token}"})
    check.equal(answer.status, 409, "the scheme's case and blanks do not matter")


def test_expired_token(world):
    for seconds in (1, 5, 25):  # where the machine is too busy to ask in time, again with a longer life
        token = world.server.token("content-writer", lifetime=datetime.timedelta(seconds=seconds))
        headers = {"Authorization": f"Bearer {token['plaintext']}"}
        expires = datetime.datetime.fromisoformat(token["expires_at"].replace("Z", "+00:00"))
        status = world.anonymous.get("/v1/publish-jobs", headers=headers).status
        if datetime.datetime.now(datetime.timezone.utc) < expires:
            break
    check.equal(status, 200, "a token before it expires")
    wait_until(lambda: datetime.datetime.now(datetime.timezone.utc) > expires, "the token expires")
    check.equal(world.anonymous.get("/v1/publish-jobs", headers=headers).status, 401, "a token after it expired")
    check.equal(world.anonymous.get("/v1/images", headers=headers).status, 401, "even where none is needed")


def test_revoked_token(world):
    token = world.server.token("content-writer")
    headers = {"Authorization": f"Bearer {token['plaintext']}"}
    check.equal(world.anonymous.get("/v1/publish-jobs", headers=headers).status, 200, "a token before it is revoked")
    for _ in range(2):
        check.equal(world.manager.delete(f"/v1/auth/api-tokens/{token['id']}").status, 204, "revoking")
    check.equal(world.anonymous.get("/v1/publish-jobs", headers=headers).status, 401, "a token after it was revoked")
    listed = world.manager.get(f"/v1/auth/principals/{token['principal_id']}/api-tokens").json["api_tokens"]
    check.true(len(listed) == 1 and "revoked_at" in listed[0], "the revoked token is listed as such")


def test_roles_come_and_go(world):
    token = world.server.token()
    headers = {"Authorization": f"Bearer {token['plaintext']}"}
    role = f"/v1/auth/principals/{token['principal_id']}/roles/content-writer"
    check.equal(world.anonymous.get("/v1/publish-jobs", headers=headers).status, 403, "without the role")
    for _ in range(2):
        check.equal(world.manager.put(role).status, 204, "granting")
    check.equal(world.anonymous.get("/v1/publish-jobs", headers=headers).status, 200, "with the role, at once")
    principal = world.manager.get(f"/v1/auth/principals/{token['principal_id']}").json
    check.equal(principal["role_ids"], ["content-writer"], "the principal shows it")
    for _ in range(2):
        check.equal(world.manager.delete(role).status, 204, "revoking")
    check.equal(world.anonymous.get("/v1/publish-jobs", headers=headers).status, 403, "without it again, at once")


def test_bad_principals_and_tokens(world):
    def refused(target, operation, words, **members):
        answer = world.manager.post(target, json={**world.body(operation), **members})
        check.equal(answer.status, 400, f"{operation} {members}"[:80])
        check.contains(answer.detail, words, f"{operation} {members}: detail"[:80])

    refused("/v1/auth/principals", "createPrincipal", ["kind", "robot", "user", "service"], kind="robot")
    refused("/v1/auth/principals", "createPrincipal", ["display_name", "empty"], display_name="")
    refused("/v1/auth/principals", "createPrincipal", ["display_name", "257", "256"], display_name="x" * 257)
    refused("/v1/auth/principals", "createPrincipal", ["display_name", "control"], display_name="a\x00b")
    tokens = f"/v1/auth/principals/{world.ids['principals']}/api-tokens"
    for value in ("tomorrow", "2099-01-01", "2099-13-01T00:00:00Z", "2099-02-30T00:00:00Z", "2099-01-01T00:00:00",
                  "2099-01-01T25:00:00Z", "2099-01-01 00:00:00Z", "2099-01-01T00:00:00+25:00", ""):
        refused(tokens, "issueApiToken", ["expires_at", "RFC 3339"], expires_at=value)
    refused(tokens, "issueApiToken", ["expires_at", "2020-01-01T00:00:00Z", "future"], expires_at="2020-01-01T00:00:00Z")
    refused(tokens, "issueApiToken", ["name", "257", "256"], name="x" * 257)
    answer = world.manager.post(tokens, json={"expires_at": "2099-01-01T02:00:00.5+02:00"})
    check.equal((answer.status, answer.json["expires_at"]), (201, "2099-01-01T00:00:00.500000Z"), "an offset is understood")


def test_secrets_stay_secret(world):
    """A token is shown once: no list, log or stored data contains it."""
    issued = world.server.token("content-writer", name="secret keeper")
    secret = issued["plaintext"].rpartition("_")[2]
    headers = {"Authorization": f"Bearer {issued['plaintext']}"}
    world.anonymous.post("/v1/images", json={"nome": "x"}, headers=headers)
    listed = world.manager.get(f"/v1/auth/principals/{issued['principal_id']}/api-tokens").expect(200)
    check.true(secret not in listed.body.decode() and "plaintext" not in listed.body.decode(), "the list has no secret")
    check.true("last_used_at" in listed.json["api_tokens"][0], "the list says when it was used")
    check.true(secret not in world.server.log.path.read_text(), "the log has no secret")
    for name, content in world.server.backends.contents():
        check.true(secret.encode() not in content, f"no secret in {name}")


def test_changes_of_access_are_logged(world):
    """What was changed for whom. The request's own line says by whom."""
    issued = world.server.token()
    role = f"/v1/auth/principals/{issued['principal_id']}/roles/content-writer"
    for message, what, answer in (("role granted", {"role_id": "content-writer"}, world.manager.put(role)),
                                  ("role revoked", {"role_id": "content-writer"}, world.manager.delete(role)),
                                  ("API token revoked", {"token_id": issued["id"]},
                                   world.manager.delete(f"/v1/auth/api-tokens/{issued['id']}"))):
        request = answer.expect(204).header("X-Request-Id")
        line = wait_until(lambda: [e for e in world.server.events(message) if e["request_id"] == request], message)[0]
        check.equal({key: line[key] for key in what}, what, message)
        if "role_id" in what:
            check.equal(line["principal_id"], issued["principal_id"], f"{message}: to whom")
        by = wait_until(lambda: [e for e in world.server.events("request") if e["request_id"] == request], "the request")[0]
        check.true(by["principal"], f"{message}: by whom")
    for message in ("principal created", "API token issued"):
        lines = [e for e in world.server.events(message) if e["principal_id"] == issued["principal_id"]]
        check.equal(len(lines), 1, message)


def test_roles(world):
    roles = world.manager.get("/v1/auth/roles").expect(200).json["roles"]
    check.equal({r["id"]: r["actions"] for r in roles}, {"auth-manager": ["auth.manage"],
                                                         "content-writer": ["content.write"]}, "the roles")
    unknown = world.manager.put(f"/v1/auth/principals/{world.ids['principals']}/roles/root")
    check.contains(unknown.detail, ["root", "auth-manager", "content-writer"], "an unknown role: detail")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
