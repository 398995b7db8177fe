"""What holds for every operation, checked for each in the API description."""
from harness.checks import check
from world import NO_ID


def by_name(method, pattern):
    return f"{method} {pattern}"


def test_routes_are_the_documented_ones(world):
    routes = {(event["method"], event["pattern"]) for event in world.server.events("route")}
    documented = {(method, pattern) for method, pattern, _ in world.operations()}
    # A GET route answers HEAD; the document lists HEAD where its answers differ from GET's.
    implied = {("HEAD", pattern) for method, pattern in routes if method == "GET"}
    check.true(len(routes) > 30, "the server logs its routes")
    check.equal(sorted(routes - documented), [], "every route is documented")
    check.equal(sorted(documented - routes - implied), [], "every documented operation is a route")


def test_document_is_served(world):
    from harness.build import SOURCE
    served = world.anonymous.get("/openapi/v1.yaml").expect(200)
    check.equal(served.body, (SOURCE / "config/openapi.yaml").read_bytes(), "the description is served as it is")


def test_other_methods(world):
    methods = {}
    for method, pattern, _ in world.operations():
        methods.setdefault(pattern, set()).add(method)
        if method == "GET":
            methods[pattern].add("HEAD")
    for pattern, known in methods.items():
        for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"} - known:
            answer = world.writer.request(method, world.target(pattern))
            check.equal(answer.status, 405, f"{by_name(method, pattern)} is no operation")
            check.equal(set((answer.header("Allow") or "").split(", ")), known, f"Allow of {pattern}")
            if method != "HEAD":
                check.contains(answer.detail, [method, "GET" if "GET" in known else sorted(known)[0]],
                               f"{by_name(method, pattern)}: detail")
        options = world.anonymous.request("OPTIONS", world.target(pattern))
        check.equal((options.status, set((options.header("Allow") or "").split(", "))), (204, known | {"OPTIONS"}),
                    f"OPTIONS {pattern}")


def test_head_is_get_without_the_body(world):
    for method, pattern, operation in world.operations():
        if method != "GET":
            continue
        caller, target = world.caller(operation), world.target(pattern)
        get, head = caller.get(target), caller.head(target)
        check.equal((head.status, head.body), (get.status, b""), f"HEAD {pattern}")
        if get.status == 200 and pattern != "/v1/publish-jobs":
            for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control", "Link"):
                check.equal(head.header(name), get.header(name), f"HEAD {pattern}: {name}")


def test_conditional_get(world):
    for method, pattern, operation in world.operations():
        if method != "GET" or "304" not in operation["responses"]:
            continue
        target = world.target(pattern)
        tag = world.anonymous.get(target).expect(200).header("ETag")
        check.true(tag, f"ETag of {pattern}")
        for value in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            for same in ("GET", "HEAD"):
                answer = world.anonymous.request(same, target, headers={"If-None-Match": value})
                check.equal((answer.status, answer.body), (304, b""), f"{same} {pattern} If-None-Match: {value[:20]}")
        changed = world.anonymous.get(target, headers={"If-None-Match": '"other"'})
        check.equal(changed.status, 200, f"{pattern} with another entity tag")


def test_caching(world):
    """Documents are "public, max-age=60" with a strong ETag for anonymous reads, no-store when a token was needed; blobs never
    change. Every GET of the document is in one row of this table."""
    blobs = ("/v1/blobs/{digest}", "/download")
    document, whoever = ("public, max-age=60", True), ("no-store", False)
    for method, pattern, operation in world.operations():
        if method != "GET":
            continue
        target = world.target(pattern, **({"id": world.ids["principals"]} if "/principals/{id}" in pattern else {}))
        if pattern.endswith(blobs):
            anonymous, token = ("public, max-age=31536000, immutable", True), ("private, no-store", True)
        elif "operations" in operation["tags"] and "304" not in operation["responses"]:
            anonymous, token = whoever, whoever  # probes
        elif operation.get("security") == []:
            anonymous, token = document, document
        elif "security" in operation:
            anonymous, token = document, whoever
        else:
            anonymous, token = None, whoever
        for caller, wanted, who in ((world.anonymous, anonymous, "anonymous"),
                                    (world.manager if "auth" in operation["tags"] else world.writer, token, "with a token")):
            answer = caller.get(target)
            if wanted is None:
                check.equal((answer.status, answer.header("Cache-Control")), (401, "no-store"), f"GET {pattern}, {who}")
                continue
            tag = answer.header("ETag")
            check.equal((answer.status // 100, answer.header("Cache-Control"), tag is not None), (2, *wanted),
                        f"GET {pattern}, {who}: Cache-Control and whether there is an ETag")
            check.true(tag is None or tag.startswith('"'), f"GET {pattern}, {who}: the ETag is strong", tag)
            unchanged = caller.get(target, headers={"If-None-Match": tag or '"x"'})
            check.equal((unchanged.status, unchanged.header("Cache-Control")), (304 if tag else answer.status, wanted[0]),
                        f"GET {pattern}, {who}: If-None-Match")
    for method, pattern, operation in world.operations():
        answer = world.nobody.request(method, world.target(pattern))
        if answer.status >= 400:
            check.equal(answer.header("Cache-Control"), "no-store", f"{method} {pattern}: {answer.status}")


def test_without_token(world):
    for method, pattern, operation in world.operations():
        if "security" in operation:
            continue
        answer = world.anonymous.request(method, world.target(pattern), json=world.body(operation["operationId"]))
        if method in ("GET", "DELETE"):
            answer = world.anonymous.request(method, world.target(pattern))
        check.equal(answer.status, 401, f"{by_name(method, pattern)} without a token")
        check.contains(answer.detail, ["token"], f"{by_name(method, pattern)}: detail")
        check.true((answer.header("WWW-Authenticate") or "").startswith("Bearer "), f"{pattern}: WWW-Authenticate")


def test_wrong_token(world):
    for method, pattern, operation in world.operations():
        if operation.get("security") == []:
            continue
        answer = world.anonymous.request(method, world.target(pattern),
                                         headers={"Authorization": "Bearer imgsrv_at_" + "0" * 32 + "_" + "0" * 64})
        check.equal(answer.status, 401, f"{by_name(method, pattern)} with a token that nobody issued")


def test_wrong_role(world):
    for method, pattern, operation in world.operations():
        if "security" in operation:
            continue
        manage = "auth" in operation["tags"]
        for caller, who in ((world.nobody, "no role"),
                            (world.writer if manage else world.manager, "the other role")):
            answer = caller.request(method, world.target(pattern))
            check.equal(answer.status, 403, f"{by_name(method, pattern)} with {who}")
            check.contains(answer.detail, ["auth.manage" if manage else "content.write"],
                           f"{by_name(method, pattern)} with {who}: detail")


def test_unknown_things(world):
    unknown = {"name": "no-such-image", "version": "no-such-version", "alias": "no-such-alias", "ref": "no-such-ref",
               "digest": "sha256:" + "0" * 64, "role_id": "no-such-role"}
    for method, pattern, operation in world.operations():
        for parameter in world.parameters(pattern):
            if parameter == "number" or (method, parameter) == ("PUT", "alias"):
                continue
            value = unknown.get(parameter, NO_ID)
            # Only drafts can be edited.
            existing = world.draft if method in ("POST", "DELETE") else {}
            target = world.target(pattern, **{**existing, parameter: value})
            body = world.body(operation["operationId"])
            sent = {} if method in ("GET", "HEAD", "DELETE") or body is None else {"json": body}
            answer = world.caller(operation).request(method, target, **sent)
            check.equal(answer.status, 404, f"{method} {target}")
            if method != "HEAD":
                check.contains(answer.detail, [value], f"{method} {target}: detail")


def test_paths_that_are_none(world):
    for method, pattern, operation in world.operations():
        for parameter in world.parameters(pattern):
            for value, words in (("a%00b", ["NUL"]), ("..", ["'..'"]), ("%2e%2E", ["'..'"]), (".", ["'.'"]),
                                 ("%", ["%"]), ("%zz", ["%"]), ("%ff", ["UTF-8"])):
                answer = world.caller(operation).request(method, world.target(pattern, **{parameter: value}))
                check.equal(answer.status, 400, f"{by_name(method, pattern)} with {parameter} {value}")
                if method != "HEAD":
                    check.contains(answer.detail, ["path", *words], f"{pattern} with {parameter} {value}: detail")


def test_bodies_where_there_are_none(world):
    for method, pattern, operation in world.operations():
        if "requestBody" in operation:
            continue
        answer = world.caller(operation).request(method, world.target(pattern), json={})
        check.equal(answer.status, 400, f"{by_name(method, pattern)} with a body")
        if method != "HEAD":
            check.contains(answer.detail, ["no request body"], f"{by_name(method, pattern)} with a body: detail")


def test_bodies_that_are_no_json(world):
    for method, pattern, operation in world.operations():
        schema = world.schema_of_body(operation)
        if schema is None:
            continue
        name, caller, target = by_name(method, pattern), world.caller(operation), world.target(pattern)
        typed = {"Content-Type": "application/json"}

        def refused(what, status, words, **sent):
            answer = caller.request(method, target, **sent)
            check.equal(answer.status, status, f"{name} with {what}")
            check.contains(answer.detail, words, f"{name} with {what}: detail")

        refused("text", 415, ["application/json", "text/plain"], body=b"{}", headers={"Content-Type": "text/plain"})
        refused("no content type", 415, ["application/json", "no Content-Type"], body=b"{}")
        refused("a form", 415, ["application/json"], body=b"a=b",
                headers={"Content-Type": "application/x-www-form-urlencoded"})
        large = b'{"x":"' + b"x" * (1 << 20) + b'"}'
        refused("over 1 MiB", 413, ["1048576"], body=large, headers=typed)
        refused("over 1 MiB in chunks", 413, ["1048576"], body=[large[:600000], large[600000:]], headers=typed)
        for text, words in ((b"{", ["JSON", "line 1"]), (b'{"a":1,}', ["JSON"]), (b"{'a':1}", ["JSON"]),
                            (b"{} {}", ["JSON"]), (b'{"a":"\xff"}', ["JSON"]), (b'{"a":"\\ud800"}', ["JSON"]),
                            (b"\xef\xbb\xbf{", ["JSON"]), (b"[" * 200000, ["JSON"]), (b'{"a":' * 100000, ["JSON"]),
                            (b"[]", ["object", "array"]), (b'"text"', ["object", "string"]), (b"7", ["object", "number"]),
                            (b"null", ["object", "null"]), (b'{"surprise":1}', ["surprise", "unknown member"])):
            refused(f"the body {text[:12]}", 400, words, body=text, headers=typed)


def test_members_of_bodies(world):
    wrong = {"string": [7, True, [], {}], "integer": ["7", 7.5, True, [], {}, 10 ** 30], "object": [7, "x", []],
             "array": [7, "x", {}], "boolean": ["true", 1, [], {}]}
    for method, pattern, operation in world.operations():
        schema = world.schema_of_body(operation)
        if not schema or not schema.get("properties"):
            continue
        caller, target = world.caller(operation), world.target(pattern)

        def refused(body, member, what):
            answer = caller.request(method, target, json=body)
            check.equal(answer.status, 400, f"{by_name(method, pattern)}: {member} {what}")
            check.contains(answer.detail, [member], f"{by_name(method, pattern)}: {member} {what}: detail")

        for member, kind in schema["properties"].items():
            kind = world.document.resolve(kind)
            for value in wrong[kind["type"]]:
                refused({**world.body(operation["operationId"]), member: value}, member, f"is {value!r}"[:40])
            if member in schema["required"]:
                body = world.body(operation["operationId"])
                refused({**body, member: None}, member, "is null")
                del body[member]
                refused(body, member, "is missing")
        extra = {**world.body(operation["operationId"]), "surprise": 1}
        refused(extra, "surprise", "is unknown")


def run(world):
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            check.run(function, world)
