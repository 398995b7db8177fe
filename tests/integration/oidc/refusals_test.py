#!/usr/bin/env python3
"""Bad tokens: each is refused, the log says why, and the answer does not."""
import base64
import json
import socket
import sys
import time

from issuer import RULES, Issuer, holder, may_write, rule_for, trusting_server
from harness.checks import check
from harness.waiting import wait_until

ANSWER = "the credentials are not valid"


def encode(value):
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode().rstrip("=")


def refused(server, token, what, *words):
    """Checks that it is refused with the usual words, and that the log has these."""
    answer = holder(server, token).get("/v1/publish-jobs")
    check.equal((answer.status, answer.detail), (401, ANSWER), what)
    check.true((answer.header("WWW-Authenticate") or "").startswith("Bearer "), f"{what}: WWW-Authenticate")
    request = answer.header("X-Request-Id")
    reasons = wait_until(lambda: [e["reason"] for e in server.events("token refused") if e.get("request_id") == request],
                         f"{what}: a line of the log")
    check.equal(len(reasons), 1, f"{what}: one line of the log")
    check.contains(reasons[0], words, f"{what}: the log")


def test_claims(issuer, server):
    now = int(time.time())
    check.equal(may_write(server, issuer.sign()), 200, "what the others differ from in one point")
    for what, words, changed in (
            ("another issuer", ["no rule", "https://evil.example.org"], {"iss": "https://evil.example.org"}),
            ("the issuer with a slash", ["no rule", issuer.url + "/"], {"iss": issuer.url + "/"}),
            ("no issuer", ["iss"], {"iss": None}),
            ("another audience", ["audience"], {"aud": "other"}),
            ("other audiences", ["audience"], {"aud": ["other", "more"]}),
            ("no audience", ["audience"], {"aud": None}),
            ("an audience that is no text", ["aud"], {"aud": 7}),
            ("expired", ["expired"], {"exp": now - 70}),
            ("without expiry", ["exp"], {"exp": None}),
            ("an expiry that is no time", ["exp"], {"exp": "tomorrow"}),
            ("not yet valid", ["valid only in"], {"nbf": now + 120}),
            ("issued in the future", ["future"], {"iat": now + 120}),
            ("no subject", ["sub"], {"sub": None}),
            ("an empty subject", ["sub"], {"sub": ""}),
            ("a subject of 513 bytes", ["sub", "512"], {"sub": "x" * 513})):
        refused(server, issuer.sign(**changed), what, *words)
    for what, changed in (("expired within the skew", {"exp": now - 30}), ("valid within the skew", {"nbf": now + 30}),
                          ("several audiences", {"aud": ["other", "images"]}), ("fractions", {"exp": now + 100.5})):
        check.equal(may_write(server, issuer.sign(**changed)), 200, what)


def test_signatures(issuer, server):
    good = issuer.sign()
    header, payload, signature = good.split(".")
    other = encode({**issuer.claims(), "sub": "somebody-else"})
    refused(server, f"{header}.{other}.{signature}", "another payload", "signature")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    refused(server, f"{header}.{payload}.{flipped}", "another signature", "signature")
    refused(server, f"{header}.{payload}.", "no signature", "signature")
    refused(server, f"{header}.{payload}.{signature[:-2]}", "a shorter signature", "signature")
    refused(server, issuer.sign({"alg": "none"}), "alg none", "'none'")
    refused(server, issuer.sign({"alg": "HS256", "kid": "rs256-1"}), "HMAC with the public key as secret", "'HS256'")
    ec = issuer.sign({"alg": "ES256"})
    check.equal(may_write(server, ec), 200, "ES256")
    refused(server, ".".join([encode({"alg": "RS256", "kid": "es256-1"}), *ec.split(".")[1:]]), "a key of another type",
            "no key 'es256-1' for RS256")
    refused(server, issuer.sign({"crit": ["b64"], "b64": False}), "an extension that must be understood", "crit")


def test_forms(issuer, server):
    header, payload, signature = issuer.sign().split(".")
    refused(server, f"{header}.{payload}!.{signature}", "a part that is not base64url", "base64url")
    refused(server, f"{header}.{payload}=.{signature}", "a part with padding", "base64url")
    refused(server, f"{header}.{encode(b'[1]')}.{signature}", "a payload that is no object", "payload")
    refused(server, f"{header}.{encode(b'{' * 40)}.{signature}", "a payload that is no JSON", "payload")
    twice = b'{"iss":"%s","iss":"%s"}' % (issuer.url.encode(), issuer.url.encode())
    refused(server, f"{header}.{encode(twice)}.{signature}", "a claim that stands twice", "payload")
    deep = b'{"a":' * 60 + b"1" + b"}" * 60
    refused(server, f"{header}.{encode(deep)}.{signature}", "deep nesting", "payload")
    refused(server, f"{encode({'kid': 'rs256-1'})}.{payload}.{signature}", "no algorithm", "no algorithm")
    # The plugin ignores what does not look like a JWT; it is refused all the same.
    for token in ("a.b.c", "eyJ", f"{header}.{payload}", f"{header}.{payload}.{signature}.x"):
        check.equal(may_write(server, token), 401, f"no JWT: {token[:10]}")


HEAD = 16 * 1024  # what the server takes of a request line and its fields, so that no credential is longer


def answer_to(server, head):
    """The whole answer to these bytes, even if the server closes the connection before it has read them all."""
    host, _, port = server.address.rpartition(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        try:
            connection.sendall(head)
        except OSError:
            pass  # it has answered and closed already
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    return answer


def test_length(issuer, server):
    long = issuer.sign(padding="x" * 9_000)
    check.equal(may_write(server, long), 200, "a token of 12 KiB")
    longest = issuer.sign(padding="x" * 11_500)
    check.equal((len(longest) > 15_500, may_write(server, longest)), (True, 200), "the longest that fits into a head")
    refused(server, longest[:-8] + "AAAAAAAA", "the longest, with another signature", "signature")
    over = issuer.sign(padding="x" * 12_500)
    invalid = over[:-8] + "AAAAAAAA"
    huge = issuer.sign(padding="x" * 600_000)
    for what, credential in (("a good token", over), ("a bad token", invalid), ("a good token of 800 KB", huge),
                             ("what is no token", "x" * (HEAD + 1)), ("a megabyte", "x" * 1_000_000),
                             ("many dots", "eyJ" + "." * HEAD), ("an API token's name", "imgsrv_at_" + "0" * HEAD)):
        check.true(len(credential) > HEAD, f"{what}: over the limit")
        for scheme in ("Bearer", "Basic"):
            answer = answer_to(server, f"GET /v1/publish-jobs HTTP/1.1\r\nHost: x\r\nAuthorization: {scheme} {credential}\r\n"
                                       "\r\n".encode())
            head, _, body = answer.partition(b"\r\n\r\n")
            check.true(head.startswith(b"HTTP/1.1 431 "), f"{what}, {scheme}: status", head[:100])
            check.true(b"application/problem+json" in head, f"{what}, {scheme}: a problem document", head)
            check.contains(json.loads(body)["detail"], [str(HEAD)], f"{what}, {scheme}: the limit is named")
            check.true(credential[:32].encode() not in answer, f"{what}, {scheme}: the answer repeats nothing of it")
    unended = answer_to(server, b"GET /v1/publish-jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"x" * HEAD)
    check.true(unended.startswith(b"HTTP/1.1 431 "), "a field without an end", unended[:100])
    check.equal(may_write(server, long), 200, "the server goes on")


def test_keys_in_the_header(issuer, server):
    """A key that comes with the token is not trusted."""
    with Issuer() as forger:
        jwk = json.loads(forger.ask("/jwks"))["keys"][0]
        for what, header in (("jwk", {"jwk": jwk}), ("jku", {"jku": forger.url + "/jwks"}),
                             ("x5u", {"x5u": forger.url + "/jwks"})):
            for kid in ("rs256-1", "rs256-99"):
                token = forger.sign({**header, "kid": kid}, iss=issuer.url)
                refused(server, token, f"{what} in the header, kid {kid}", "signature" if kid == "rs256-1" else "no key")
        check.equal(forger.fetches(), {"description": 0, "keys": 1}, "only this test asked the forger")


def test_unknown_kid_flood(issuer):
    """However many tokens name keys that do not exist, the issuer is asked once."""
    with trusting_server() as server:
        server.manager().post(RULES, json=rule_for(issuer)).expect(201)
        check.equal(may_write(server, issuer.sign()), 200, "the keys are there")
        before = issuer.fetches()
        started = time.monotonic()
        for n in range(300):
            check.equal(may_write(server, issuer.sign({"kid": f"invented-{n}"})), 401, "an unknown kid")
        taken = time.monotonic() - started
        asked = issuer.fetches()["keys"] - before["keys"]
        check.true(asked <= 1 + taken // 30, "fetches of the keys", f"{asked} in {taken:.0f} s")
        check.equal(may_write(server, issuer.sign()), 200, "good tokens are good all along")


def test_documents(issuer):
    """An issuer's own documents are not trusted blindly."""
    description = json.loads(issuer.ask("/.well-known/openid-configuration"))
    path = "/.well-known/openid-configuration"
    for what, words, serve in (
            ("another issuer's description", ["another issuer"], (path, 200, json.dumps({**description, "issuer": "https://x"}))),
            ("no jwks_uri", ["jwks_uri"], (path, 200, json.dumps({"issuer": issuer.url}))),
            ("keys on another machine without TLS", ["https"],
             (path, 200, json.dumps({**description, "jwks_uri": "http://192.0.2.1/jwks"}))),
            ("a file as keys", ["jwks_uri"], (path, 200, json.dumps({**description, "jwks_uri": "file:///etc/passwd"}))),
            ("a description that is no JSON", ["discovery document is not"], (path, 200, "<html>")),
            ("a description of 2 MiB", ["1048576"], (path, 200, " " * 2097152)),
            ("an error", ["500"], (path, 500, "")),
            ("keys that are none", ["key set"], ("/jwks", 200, "{}")),
            ("keys that are too weak", ["no usable key"], ("/jwks", 200, json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}]})))):
        issuer.serve(*serve)
        with trusting_server() as server:
            server.manager().post(RULES, json=rule_for(issuer)).expect(201)
            check.equal(may_write(server, issuer.sign()), 503, what)
            errors = " ".join(e["error"] for e in wait_until(
                lambda: server.events("issuer's keys not fetched; the old ones stay"), f"{what}: a line of the log"))
            check.contains(errors, words, f"{what}: the log")
        issuer.serve(serve[0])
    issuer.serve(path, 302, "", Location=issuer.url + "/elsewhere")
    issuer.serve("/elsewhere", 200, json.dumps(description))
    with trusting_server() as server:
        server.manager().post(RULES, json=rule_for(issuer)).expect(201)
        check.equal(may_write(server, issuer.sign()), 503, "a redirect")
    issuer.serve(path)


def test_nothing_secret_is_logged(issuer, server):
    token = issuer.sign(sub="log-me")
    may_write(server, token)
    may_write(server, token[:-8] + "AAAAAAAA")
    wait_until(lambda: "log-me" in json.dumps(server.log.events), "the subject is logged")
    text = json.dumps(server.log.events)
    for part in token.split("."):
        check.true(part not in text, "no part of a token is logged")


def main():
    with Issuer() as issuer:
        with trusting_server() as server:
            server.manager().post(RULES, json=rule_for(issuer)).expect(201)
            for test in (test_claims, test_signatures, test_forms, test_length, test_keys_in_the_header,
                         test_nothing_secret_is_logged):
                check.run(test, issuer, server)
            check.equal([e for e in server.log.events if e.get("level", 0) >= 50], [], "the server logged no error")
        check.run(test_unknown_kid_flood, issuer)
        check.run(test_documents, issuer)
    return check.summary()


if __name__ == "__main__":
    sys.exit(main())
