#!/usr/bin/env python3
"""Publishing with tokens of a real issuer, while its keys change and while it is away."""
import os
import sys

from issuer import RULES, Issuer, holder, may_write, rule_for, trusting_server
from harness.checks import check
from harness.waiting import wait_until


def test_publish(issuer, server):
    """From the token endpoint to a published image, with both kinds of keys."""
    for algorithm in ("RS256", "ES256"):
        data = os.urandom(100_000)
        client = holder(server, issuer.token(algorithm))
        artifact = client.published(f"from-{algorithm.lower()}", "1", data)
        download = server.anonymous().get(f"/v1/images/from-{algorithm.lower()}/versions/1/artifacts/{artifact['id']}/download")
        check.true(download.body == data, f"{algorithm}: what was published is what is read")


def test_principal(issuer, server):
    """One principal per subject of an issuer, whichever token it shows."""
    for algorithm in ("RS256", "ES256", "RS256"):
        check.equal(may_write(server, issuer.token(algorithm)), 200, f"{algorithm}: may write")
    made = [p for p in server.manager().get("/v1/auth/principals?limit=1000").json["principals"]
            if p.get("attributes", {}).get("issuer") == issuer.url]
    check.equal([(p["kind"], p["attributes"]["subject"], p["role_ids"]) for p in made],
                [("service", "ci", ["content-writer"])], "the one principal")
    wait_until(lambda: [e for e in server.log.events if e.get("principal_id") == made[0]["id"]], "requests are logged with it")


def test_rotation(issuer, server):
    """A new key is found by the first token that names it; tokens of the old one end."""
    old = issuer.token()
    check.equal(may_write(server, old), 200, "before")
    issuer.rotate()
    check.equal(may_write(server, old), 200, "the old key, until the issuer is asked again")
    check.equal(may_write(server, issuer.token()), 200, "the new key, at once")
    check.equal(may_write(server, old), 401, "the old key, which the issuer has withdrawn")


def test_issuer_away(issuer):
    # Keys are fetched again every second, to keep the test short.
    with trusting_server(IMGSRV_AUTH_OIDC_KEY_REFRESH="1s") as server:
        token = issuer.token()
        issuer.stop()
        server.manager().post(RULES, json=rule_for(issuer)).expect(201)
        answer = holder(server, token).get("/v1/publish-jobs")
        check.equal(answer.status, 503, "keys that were never fetched: the server cannot tell")
        check.true(int(answer.header("Retry-After")) >= 1, "when to come again")
        check.true(issuer.url not in answer.body.decode(), "the answer does not name the issuer")
        check.equal(server.anonymous().get("/readyz").status, 204, "a server without its issuer is ready")
        issuer.start()
        token = issuer.token()
        wait_until(lambda: may_write(server, token) == 200, "the keys are fetched once the issuer is there")
        issuer.stop()
        wait_until(lambda: server.events("issuer's keys not fetched; the old ones stay"), "a fetch fails")
        for _ in range(20):
            check.equal(may_write(server, token), 200, "cached keys stay while the issuer is away")
        issuer.start()
        fresh = issuer.token()
        wait_until(lambda: may_write(server, fresh) == 200, "its new keys, when it is back")
        check.equal(may_write(server, token), 401, "and its old ones no more")


def main():
    with Issuer() as issuer:
        with trusting_server() as server:
            server.manager().post(RULES, json=rule_for(issuer)).expect(201)
            for test in (test_publish, test_principal, test_rotation):
                check.run(test, issuer, server)
            check.equal([e for e in server.log.events if e.get("level", 0) >= 50], [], "the server logged no error")
        check.run(test_issuer_away, issuer)
    return check.summary()


if __name__ == "__main__":
    sys.exit(main())
