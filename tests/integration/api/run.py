#!/usr/bin/env python3
"""The HTTP API against its description: a real imgsrv, every operation, every documented status, every way to be wrong.

Every response of the whole run is judged by config/openapi.yaml; at the end each documented status of each operation must
have been seen, and none other. Names of test modules as arguments run only these, without that last judgement.
"""
import importlib
import sys

from openapi_document import Document
from harness import pair
from harness.build import SOURCE
from harness.checks import check
from harness.imgsrv import Server
from world import World

MODULES = ("every_operation_test", "uploads_test", "blobs_test", "catalogue_test", "publishing_test", "access_test",
           "provisioning_test", "requests_test", "races_test", "immutability_test", "operation_test",
           "configuration_test")


def main(wanted):
    document = Document((SOURCE / "config/openapi.yaml").read_text())

    def observe(response):
        for problem in document.judge(response):
            check.true(False, f"{response.method} {response.target[:120]} {response.status}: {problem}",
                       response.body[:200].decode(errors="replace"))

    with Server("--auth-drivers", "bearer,oidc", "--verbosity", "debug", observe=observe) as server:
        world = World(server, document)
        for module in wanted or MODULES:
            importlib.import_module(module).run(world)
        check.where = "run"
        check.equal([e for e in server.log.events if e.get("level", 0) >= 50], [], "the server logged no error")
        check.equal(server.stop(), 0, "the server ends with 0")
    if not wanted:
        check.where = "every documented status"
        documented = document.documented()
        if not pair.EMBEDDED:  # no local disk that a test could fill
            documented.discard(("PUT", "/v1/uploads/{id}/parts/{number}", 507))
        for method, pattern, status in sorted(documented):
            check.true((method, pattern, status) in document.seen, f"{method} {pattern} {status} was seen")
    return check.summary()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
