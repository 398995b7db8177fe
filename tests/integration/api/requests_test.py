"""Odd requests: paths, request ids, problem documents."""
import json
import uuid

from harness.checks import check
from harness.imgsrv import Server


def test_paths(world):
    inside = ("/v1/blobs/..%2f..%2fimgsrv.db", "/v1/blobs/%2e%2e%2f%2e%2e%2fimgsrv.db", "/v1/images/%2fetc%2fpasswd",
              "/v1/images/..%5c..%5cboot.ini", "/openapi/..%2f..%2f..%2fetc%2fpasswd", "/v1//images", "//v1/images", "/V1/images",
              "/v1/images/", "/v1", "/", "/v1/images/world/", "/streams/v1/%2e%2e%2findex.json", "/streams/v1/other.json")
    for target in inside:
        answer = world.anonymous.get(target)
        check.true(answer.status in (400, 404) and answer.detail, f"{target} is {answer.status}")
        check.true(b"root:" not in answer.body and b"SQLite" not in answer.body, f"{target} shows no file")
    for target in ("/v1/images/../images", "/../etc/passwd", "/v1/./images", "/v1/images/%2e%2e", "/v1/images/%2E.",
                   "/openapi/%2e%2e/v1.yaml", "/streams/v1/../v1/index.json"):
        answer = world.anonymous.get(target)
        check.equal(answer.status, 400, target)
        check.contains(answer.detail, ["path", "'..'"], f"{target}: detail")
    for target in ("/v1/images/a%00b", "/v1/images/%00", "/v1/blobs/sha256:%00", "/%00"):
        answer = world.anonymous.get(target)
        check.equal(answer.status, 400, target)
        check.contains(answer.detail, ["path", "NUL"], f"{target}: detail")
    for length, status in ((7000, 404), (9000, 414), (20000, 431)):
        answer = world.anonymous.get("/v1/images/" + "a" * length)
        check.equal(answer.status, status, f"a target of {length} characters")
        if status == 414:
            check.contains(answer.detail, ["8192"], f"a target of {length} characters: detail")
    answer = world.anonymous.get("/v1/images", headers={"X-Long": "a" * 20000})
    check.equal(answer.status, 431, "a long head")
    check.contains(answer.detail, ["16384"], "a long head: detail")


def test_request_ids(world):
    for given in ("abc", "A.b_c-1", "x" * 128):
        answer = world.anonymous.get("/v1/images/none", headers={"X-Request-Id": given})
        check.equal((answer.header("X-Request-Id"), answer.json["instance"]), (given, given), f"the id {given[:10]}")
    for given in ("", "x" * 129, "a b", "a/b", "ä".encode().decode("latin-1"), '"'):
        made = world.anonymous.get("/v1/images/none", headers={"X-Request-Id": given}).header("X-Request-Id")
        check.equal(str(uuid.UUID(made)), made, f"in place of the id {given[:10]!r}")
    for target in ("/healthz", "/v1/images", "/openapi/v1.yaml", "/streams/v1/index.json", "/nothing"):
        check.true(world.anonymous.get(target).header("X-Request-Id"), f"{target} has a request id")
    logged = [e for e in world.server.events("request") if e.get("request_id") == "A.b_c-1"]
    check.equal(len(logged), 1, "the log has it too")


def test_problem_documents(world):
    for status, title, answer in (
            (400, "Bad Request", world.anonymous.get("/v1/images?limit=0")),
            (401, "Unauthorized", world.anonymous.get("/v1/publish-jobs")),
            (403, "Forbidden", world.nobody.get("/v1/publish-jobs")),
            (404, "Not Found", world.anonymous.get("/v1/images/none")),
            (405, "Method Not Allowed", world.anonymous.delete("/v1/images")),
            (409, "Conflict", world.writer.post("/v1/images", json={"name": "world"})),
            (412, "Precondition Failed", world.writer.delete("/v1/images/world/versions/1.0")),
            (501, "Not Implemented", world.anonymous.request("BREW", "/v1/images"))):
        problem = json.loads(answer.body)
        check.equal((answer.status, answer.header("Content-Type")), (status, "application/problem+json"), f"{status}")
        check.equal((problem["type"], problem["title"], problem["status"], problem["instance"]),
                    ("about:blank", title, status, answer.header("X-Request-Id")), f"{status}: members")


def test_hints(world):
    answer = world.writer.post("/v1/images", json={"name": "x", "descripton": "y"})
    check.contains(answer.detail, ["descripton", "did you mean 'description'"], "a member with a typing error")
    answer = world.writer.post("/v1/images", json={"name": "x", "zzzzzzzzzzzz": "y"})
    check.contains(answer.detail, ["zzzzzzzzzzzz", "name", "display_name", "description"], "a member out of nowhere")


def test_too_many(world):
    """The observer judges the 429 by the API description."""
    with Server("--rate-limit", "1", observe=world.server.observe) as server:
        check.equal([server.anonymous().get("/v1/images").status for _ in range(2)], [200, 429], "one request a minute")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
