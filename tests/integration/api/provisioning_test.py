"""Provisioning rules: which ones can be saved. Their effect needs a real issuer: tests/integration/oidc."""
from harness.checks import check
from harness.imgsrv import Server
from world import NO_ID

RULES = "/v1/auth/oidc-provisioning-rules"


def test_life_of_a_rule(world):
    created = world.manager.post(RULES, json=world.rule).expect(201)
    rule = created.json
    check.equal(created.header("Location"), f"{RULES}/{rule['id']}", "Location")
    check.equal({name: rule[name] for name in world.rule}, world.rule, "what was sent is what is kept")
    check.equal(rule["assign_role_ids"], ["content-writer"], "a rule grants content-writer")
    check.equal(world.manager.get(f"{RULES}/{rule['id']}").json, rule, "one rule")
    check.true(rule in world.manager.get(RULES).json["rules"], "among all rules")
    changed = world.manager.put(f"{RULES}/{rule['id']}", json={**world.rule, "id": rule["id"], "audience": "other"})
    check.equal((changed.status, changed.json["audience"], changed.json["created_at"]),
                (200, "other", rule["created_at"]), "replacing")
    without = {name: value for name, value in world.rule.items() if name != "forwarded_claims"}
    check.equal(world.manager.put(f"{RULES}/{rule['id']}", json={**without, "condition": "true"}).json["forwarded_claims"],
                [], "no forwarded claims")
    for apply in (world.manager.get, world.manager.post):
        answer = apply(f"{RULES}/{rule['id']}/reconciliation")
        check.equal((answer.status, answer.json), (200, {
            "rule_id": rule["id"], "unassign_role_ids": ["content-writer"], "principals": [],
            "applied": apply == world.manager.post}), "no principal to reconcile")
    check.equal(world.manager.delete(f"{RULES}/{rule['id']}").status, 204, "removing")
    check.equal(world.manager.delete(f"{RULES}/{rule['id']}").status, 404, "removing again")
    check.equal(world.manager.get(f"{RULES}/{rule['id']}/reconciliation").status, 404, "nothing left to reconcile")


def test_ids(world):
    mine = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
    check.equal(world.manager.post(RULES, json={**world.rule, "id": mine}).expect(201).json["id"], mine, "an id of one's own")
    taken = world.manager.post(RULES, json={**world.rule, "id": mine})
    check.equal(taken.status, 409, "an id that is taken")
    check.contains(taken.detail, [mine], "an id that is taken: detail")
    bad = world.manager.post(RULES, json={**world.rule, "id": "mine"})
    check.equal(bad.status, 400, "an id that is no UUID")
    check.contains(bad.detail, ["id", "mine", "UUID"], "an id that is no UUID: detail")
    other = world.manager.put(f"{RULES}/{mine}", json={**world.rule, "id": NO_ID})
    check.equal(other.status, 400, "another id than the path's")
    check.contains(other.detail, ["id", NO_ID, "path"], "another id than the path's: detail")
    world.manager.delete(f"{RULES}/{mine}").expect(204)


def test_rules_that_cannot_be_saved(world):
    before = world.manager.get(RULES).json["rules"]

    def refused(words, **members):
        for answer in (world.manager.post(RULES, json={**world.rule, **members}),
                       world.manager.put(world.target(RULES + "/{id}"), json={**world.rule, **members})):
            check.equal(answer.status, 400, f"{members}"[:80])
            check.contains(answer.detail, words, f"{members}: detail"[:80])

    refused(["display_name", "empty"], display_name="")
    refused(["display_name", "257", "256"], display_name="x" * 257)
    refused(["audience", "empty"], audience="")
    refused(["issuer_url", "empty"], issuer_url="")
    refused(["issuer_url", "https"], issuer_url="http://issuer.example.org")
    refused(["issuer_url", "https"], issuer_url="ftp://127.0.0.1")
    refused(["issuer_url", "URL"], issuer_url="issuer")
    refused(["issuer_url", "user"], issuer_url="https://me:secret@issuer.example.org")
    refused(["issuer_url", "query"], issuer_url="https://issuer.example.org?x=1")
    refused(["issuer_url", "query"], issuer_url="https://issuer.example.org/#x")
    refused(["forwarded_claims", "ref", "twice"], forwarded_claims=["ref", "ref"])
    refused(["forwarded_claims", "empty"], forwarded_claims=[""])
    refused(["forwarded_claims[1]", "string"], forwarded_claims=["ref", 1])
    refused(["forwarded_claims", "65", "64"], forwarded_claims=[f"c{n}" for n in range(65)])
    refused(["forwarded_claims", "imgsrv:"], forwarded_claims=["ref", "imgsrv:rule"])
    refused(["condition", "line 2, column 3"], condition="claims.ref ==\n  )")
    refused(["condition", "line 1, column 1", "undeclared", "claim"], condition="claim.ref == 'x'")
    refused(["condition", "line 1, column 8", "actor", "forwarded_claims"], condition="claims.actor == 'me'")
    refused(["condition", "bool", "string"], condition="'always'")
    refused(["condition", "line 1, column 22", "regular expression"], condition="  claims.ref.matches('(')")
    refused(["condition", "nested", "128"], condition="(" * 200 + "true" + ")" * 200)
    refused(["condition", "8193", "8192"], condition=" " * 8189 + "true")
    refused(["condition", "NUL"], condition="'\0' == claims.ref")
    refused(["condition", "column 1"], condition="")
    check.equal(world.manager.get(RULES).json["rules"], before, "nothing was saved")


def test_no_other_role_can_be_asked_for(world):
    for name, value in (("assign_role_ids", ["auth-manager"]), ("roles", ["auth-manager"])):
        answer = world.manager.post(RULES, json={**world.rule, name: value})
        check.equal(answer.status, 400, f"a rule with {name}")
        check.contains(answer.detail, [name], f"a rule with {name}: detail")


def test_limit_of_rules(world):
    there = len(world.manager.get(RULES + "?limit=1000").json["rules"])
    made = [world.manager.post(RULES, json=world.rule).expect(201).json["id"] for _ in range(100 - there)]
    answer = world.manager.post(RULES, json=world.rule)
    check.equal(answer.status, 412, "the 101st rule")
    check.contains(answer.detail, ["100"], "the 101st rule: detail")
    for rule in made:
        world.manager.delete(f"{RULES}/{rule}").expect(204)


def test_without_the_driver(world):
    with Server(observe=world.server.observe) as server:
        manager = server.manager()
        check.equal(manager.get(RULES).expect(200).json, {"rules": []}, "rules can be listed")
        answer = manager.post(RULES, json=world.rule)
        check.equal(answer.status, 412, "a rule without its driver")
        check.contains(answer.detail, ["oidc", "drivers"], "a rule without its driver: detail")
        check.equal(server.stop(), 0, "it stops")
        server.start("--auth-drivers", "bearer,oidc")
        rule = manager.post(RULES, json=world.rule).expect(201).json["id"]
        server.restart()
        answer = manager.put(f"{RULES}/{rule}", json=world.rule)
        check.equal(answer.status, 412, "a rule whose driver is gone")
        check.equal(manager.delete(f"{RULES}/{rule}").status, 204, "it can still be removed")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
