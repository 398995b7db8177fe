#!/usr/bin/env python3
"""Several nodes on one database: a change made on one node holds on the others from the next request on."""
import os
import sys
import threading

from issuer import RULES, Issuer, may_write, rule_for, trusting_server
from harness import identity
from harness.checks import check


def node(start=True):
    return trusting_server(start=start, IMGSRV_DATABASE_DRIVER="postgres",
                           IMGSRV_DATABASE_POSTGRES_URL=os.environ["IMGSRV_TEST_POSTGRES_URL"])


def test_changes_hold_everywhere(issuer, first, second):
    manager = first.manager()
    second.clients["manager"] = second.client(first.bootstrap)
    token = issuer.sign()
    rule = manager.post(RULES, json=rule_for(issuer)).expect(201).json["id"]
    for _ in range(5):
        check.equal((may_write(first, token), may_write(second, token)), (200, 200), "a new rule")
        for through in (first, second):
            other = second if through is first else first
            through.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, enabled=False)).expect(200)
            check.equal(may_write(other, token), 401, "a disabled rule, on the other node")
            through.manager().put(f"{RULES}/{rule}", json=rule_for(issuer, condition="false")).expect(200)
            check.equal(may_write(other, token), 403, "an edited rule, on the other node")
            through.manager().put(f"{RULES}/{rule}", json=rule_for(issuer)).expect(200)
            check.equal(may_write(other, token), 200, "an enabled rule, on the other node")
    manager.delete(f"{RULES}/{rule}").expect(204)
    check.equal(may_write(second, token), 401, "a rule that is gone")


def test_one_principal(issuer, first, second):
    """Many requests of a new subject at once, on both nodes, make one principal."""
    rule = first.manager().post(RULES, json=rule_for(issuer)).expect(201).json["id"]
    token, seen = issuer.sign(sub="everywhere"), []

    def ask(server):
        for _ in range(5):
            seen.append(may_write(server, token))
    threads = [threading.Thread(target=ask, args=[server]) for server in (first, second) * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check.equal(seen, [200] * 60, "each request is let in")
    principals = first.manager().get("/v1/auth/principals?limit=1000").json["principals"]
    check.equal(len([p for p in principals if p.get("attributes", {}).get("subject") == "everywhere"]), 1, "one principal")
    first.manager().delete(f"{RULES}/{rule}").expect(204)


def main():
    with Issuer() as issuer, node() as first, node(start=False) as second:
        # Each has its own files, with the id of the store that they should share: the test stores nothing.
        second.backends.store.write(identity.KEY, first.backends.store.read(identity.KEY))
        second.start()
        for test in (test_changes_hold_everywhere, test_one_principal):
            check.run(test, issuer, first, second)
        check.equal([e for e in first.log.events + second.log.events if e.get("level", 0) >= 50], [], "no node logged an error")
    return check.summary()


if __name__ == "__main__":
    sys.exit(main())
