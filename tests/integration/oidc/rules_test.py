#!/usr/bin/env python3
"""Whom rules let in, and what happens to them when rules change."""
import sys

from issuer import RULES, Issuer, holder, may_write, rule_for, trusting_server
from harness.checks import check
from harness.waiting import wait_until


def saved(server, rule):
    return server.manager().post(RULES, json=rule).expect(201).json["id"]


def principal_of(server, subject):
    found = [p for p in server.manager().get("/v1/auth/principals?limit=1000").json["principals"]
             if p.get("attributes", {}).get("subject") == subject]
    return found[0] if found else None


def test_conditions(issuer, server):
    """The condition sees the forwarded claims. If it cannot be evaluated, it does not hold."""
    rule = saved(server, rule_for(issuer))
    for condition, claims, wanted in (
            ("'builders' in claims.groups", {}, 200),
            ("'builders' in claims.groups", {"groups": ["readers"]}, 403),
            ("'builders' in claims.groups", {"groups": None}, 403),
            ("'builders' in claims.groups", {"groups": 7}, 403),
            ("claims.groups.exists(g, g.startsWith('build'))", {}, 200),
            ("claims.sub.matches('^repo:acme/[a-z]+$')", {"sub": "repo:acme/app"}, 200),
            ("claims.sub.matches('^repo:acme/[a-z]+$')", {"sub": "repo:acme/app:evil"}, 403),
            ("has(claims.groups) ? size(claims.groups) > 3 : claims.sub == 'x'", {}, 403),
            ("claims.groups", {"groups": True}, 200),
            ("claims.groups", {"groups": "true"}, 403),
            ("[0].all(x, [0].all(y, claims.groups.all(z, claims.groups.all(w, true))))", {}, None),
            ("claims.groups.all(x, claims.groups.all(y, claims.groups.all(z, true)))", {"groups": ["x"] * 100}, 403),
            ("true", {"groups": None}, 200)):
        saved_status = server.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, condition=condition)).status
        check.equal(saved_status, 400 if wanted is None else 200, f"saving {condition}")
        if wanted is not None:
            check.equal(may_write(server, issuer.sign(**claims)), wanted, f"{condition} with {claims}"[:120])
    for words in (rule, "the condition is false", "no such key: 'groups'", "costs too much"):
        wait_until(lambda: any(words in e["reasons"] for e in server.events("no provisioning rule lets the caller in")),
                   f"the log says {words}")
    server.manager().delete(f"{RULES}/{rule}").expect(204)


def test_who_is_not_let_in(issuer, server):
    """A valid token that fits no condition is authenticated, may do nothing, and creates no principal."""
    rule = saved(server, rule_for(issuer, condition="claims.sub == 'somebody'"))
    client = holder(server, issuer.sign(sub="nobody-knows"))
    answer = client.get("/v1/publish-jobs")
    check.equal(answer.status, 403, "what needs a role")
    check.contains(answer.detail, ["content.write"], "what needs a role: detail")
    public = client.get("/v1/images")
    check.equal((public.status, public.header("Cache-Control")), (200, "no-store"), "what is public")
    check.equal(principal_of(server, "nobody-knows"), None, "no principal")
    server.manager().delete(f"{RULES}/{rule}").expect(204)


def test_audience_is_always_required(issuer, server):
    rule = saved(server, rule_for(issuer, audience="others", condition="true"))
    check.equal(may_write(server, issuer.sign()), 401, "a condition cannot let another audience in")
    server.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, condition="false")).expect(200)
    second = saved(server, rule_for(issuer, audience="others", condition="true"))
    check.equal(may_write(server, issuer.sign()), 403, "nor can another rule's audience")
    check.equal(may_write(server, issuer.sign(aud=["others"])), 200, "each audience with its own condition")
    for one in (rule, second):
        server.manager().delete(f"{RULES}/{one}").expect(204)


def test_no_rule_manages_access(issuer, server):
    rule = saved(server, rule_for(issuer, condition="true"))
    client = holder(server, issuer.sign(sub="ambitious"))
    check.equal(client.get("/v1/publish-jobs").status, 200, "may write")
    answer = client.post(RULES, json=rule_for(issuer))
    check.equal(answer.status, 403, "may not manage access")
    check.contains(answer.detail, ["auth.manage"], "may not manage access: detail")
    # A manager can still give it that role by hand.
    principal = principal_of(server, "ambitious")
    server.manager().put(f"/v1/auth/principals/{principal['id']}/roles/auth-manager").expect(204)
    check.equal(client.get(RULES).status, 200, "may manage access when it was given the role by hand")
    server.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, enabled=False)).expect(200)
    check.equal(client.get(RULES).status, 401, "but not without a rule that trusts its issuer")
    server.manager().delete(f"{RULES}/{rule}").expect(204)


def test_changes_hold_at_once(issuer, server):
    rule = saved(server, rule_for(issuer, condition="claims.sub == 'job-1'"))
    token = issuer.sign()
    for change, wanted in (({}, 200), ({"enabled": False}, 401), ({}, 200), ({"condition": "false"}, 403),
                           ({}, 200), ({"audience": "other"}, 401), ({}, 200),
                           ({"issuer_url": "https://issuer.example.org"}, 401), ({}, 200)):
        change = {"condition": "claims.sub == 'job-1'", **change}
        server.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, **change)).expect(200)
        check.equal(may_write(server, token), wanted, f"after {change}")
    server.manager().delete(f"{RULES}/{rule}").expect(204)
    check.equal(may_write(server, token), 401, "after the rule is gone")


def test_reconciliation(issuer, server):
    condition = "claims.sub.startsWith('rec-')"
    rule = saved(server, rule_for(issuer, condition=condition))
    for subject in ("rec-a", "rec-b", "rec-by-hand"):
        check.equal(may_write(server, issuer.sign(sub=subject)), 200, f"{subject} is let in")
    by_hand = principal_of(server, "rec-by-hand")["id"]
    server.manager().put(f"/v1/auth/principals/{by_hand}/roles/content-writer").expect(204)

    def reconciled(apply):
        ask = server.manager().post if apply else server.manager().get
        answer = ask(f"{RULES}/{rule}/reconciliation").expect(200).json
        check.equal((answer["rule_id"], answer["unassign_role_ids"], answer["applied"]),
                    (rule, ["content-writer"], apply), "the frame of the answer")
        return {p["attributes"]["subject"]: p["role_ids"] for p in answer["principals"]}

    check.equal(reconciled(False), {}, "no principal lapses while the rule is unchanged")
    server.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, condition="claims.sub == 'rec-a'")).expect(200)
    check.equal(may_write(server, issuer.sign(sub="rec-b")), 403, "an edit holds before any reconciliation")
    check.equal(reconciled(False), {"rec-b": ["content-writer"], "rec-by-hand": ["content-writer"]}, "a narrower rule: preview")
    check.equal(principal_of(server, "rec-b")["role_ids"], ["content-writer"], "a preview changes nothing")
    check.equal(reconciled(True), {"rec-b": [], "rec-by-hand": ["content-writer"]}, "a narrower rule: apply")
    check.equal(principal_of(server, "rec-b")["role_ids"], [], "it is gone")
    check.equal(principal_of(server, "rec-a")["role_ids"], ["content-writer"], "who is still let in keeps it")
    check.equal(reconciled(True), {}, "applying again does nothing")
    check.equal(may_write(server, issuer.sign(sub="rec-by-hand")), 200, "a role given by hand stays")

    server.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, condition=condition)).expect(200)
    check.equal(may_write(server, issuer.sign(sub="rec-b")), 200, "let in again, as the same principal")
    server.manager().delete(f"{RULES}/{rule}").expect(204)
    check.equal(set(reconciled(False)), {"rec-a", "rec-b"}, "a rule that is gone: preview")
    check.equal(reconciled(True), {"rec-a": [], "rec-b": []}, "a rule that is gone: apply")
    check.equal(server.manager().get(f"{RULES}/{rule}/reconciliation").status, 404, "then nothing is left of it")


def test_what_is_logged(issuer, server):
    """The log says who could be let in, since when, and who changed it."""
    made = server.manager().post(RULES, json=rule_for(issuer)).expect(201)
    rule = made.json["id"]
    changed = server.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, condition="claims.sub == 'logged'", enabled=False))
    applied = server.manager().post(f"{RULES}/{rule}/reconciliation").expect(200)
    removed = server.manager().delete(f"{RULES}/{rule}").expect(204)

    def line(what, answer):
        found = [e for e in server.events(what) if e["request_id"] == answer.header("X-Request-Id")]
        return found and found[0]
    entry = wait_until(lambda: line("provisioning rule created", made), "a line for a new rule")
    check.equal((entry["rule_id"], entry["issuer"], entry["audience"], entry["condition"], entry["enabled"]),
                (rule, issuer.url, "images", "'builders' in claims.groups", True), "a new rule")
    entry = wait_until(lambda: line("provisioning rule changed", changed), "a line for a changed rule")
    check.equal((entry["rule_id"], entry["condition"], entry["enabled"]), (rule, "claims.sub == 'logged'", False),
                "a changed rule")
    entry = wait_until(lambda: line("provisioning rule reconciled", applied), "a line for a reconciliation")
    check.equal((entry["rule_id"], entry["principals"]), (rule, 0), "a reconciliation")
    entry = wait_until(lambda: line("provisioning rule removed", removed), "a line for a rule that is gone")
    check.equal(entry["rule_id"], rule, "a rule that is gone")
    entry = wait_until(lambda: line("request", removed), "the request's own line")
    check.true(entry["principal"], "which says who asked for it")


def test_role_taken_by_hand(issuer, server):
    """Taking the role from a principal also takes what rules gave it. The rule lets the next token in again."""
    rule = saved(server, rule_for(issuer))
    check.equal(may_write(server, issuer.sign(sub="taken")), 200, "let in")
    principal = principal_of(server, "taken")
    server.manager().delete(f"/v1/auth/principals/{principal['id']}/roles/content-writer").expect(204)
    check.equal(principal_of(server, "taken")["role_ids"], [], "it shows no role")
    check.equal(may_write(server, issuer.sign(sub="taken")), 200, "rules decide, at each request")
    check.equal(principal_of(server, "taken"), principal, "the same principal")
    server.manager().delete(f"{RULES}/{rule}").expect(204)


def test_api_token_of_such_a_principal(issuer, server):
    """A long-lived secret gets nothing from a rule."""
    rule = saved(server, rule_for(issuer))
    check.equal(may_write(server, issuer.sign(sub="keeper")), 200, "let in")
    principal = principal_of(server, "keeper")["id"]
    token = server.manager().post(f"/v1/auth/principals/{principal}/api-tokens", json={
        "expires_at": "2099-01-01T00:00:00Z"}).expect(201).json["plaintext"]
    check.equal(may_write(server, token), 403, "its API token may not write")
    server.manager().delete(f"{RULES}/{rule}").expect(204)


def main():
    with Issuer() as issuer, trusting_server() as server:
        for test in (test_conditions, test_who_is_not_let_in, test_audience_is_always_required, test_no_rule_manages_access,
                     test_changes_hold_at_once, test_reconciliation, test_what_is_logged, test_role_taken_by_hand,
                     test_api_token_of_such_a_principal):
            check.run(test, issuer, server)
        check.equal([e for e in server.log.events if e.get("level", 0) >= 50], [], "the server logged no error")
    return check.summary()


if __name__ == "__main__":
    sys.exit(main())
