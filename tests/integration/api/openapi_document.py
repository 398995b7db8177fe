"""Judges responses by config/openapi.yaml: which operation was asked for, and whether its response is documented."""
import datetime
import json
import re
import uuid

import yaml

METHODS = ("get", "head", "post", "put", "delete")
ANNOTATIONS = {"description", "summary", "title", "format", "default"}


class Document:
    def __init__(self, text):
        self.root = yaml.safe_load(text)
        self.operations = {}  # (method, pattern) -> operation
        self.patterns = []  # (regular expression, pattern), literal segments first
        for pattern, item in self.root["paths"].items():
            for method in METHODS:
                if method in item:
                    self.operations[method.upper(), pattern] = item[method]
            segments = [r"[^/]+" if s.startswith("{") else re.escape(s) for s in pattern.split("/")]
            self.patterns.append((re.compile("/".join(segments)), pattern))
        self.patterns.sort(key=lambda p: [s.startswith("{") for s in p[1].split("/")])
        self.seen = set()  # (method, pattern, status)

    def resolve(self, node):
        """The node, or what its $ref points at, with the members beside the $ref."""
        while "$ref" in node:
            at = self.root
            for name in node["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            node = {**at, **{k: v for k, v in node.items() if k != "$ref"}}
        return node

    def pattern_of(self, target):
        path = target.split("?")[0]
        for expression, pattern in self.patterns:
            if expression.fullmatch(path):
                return pattern
        return None

    def documented(self):
        """Every (method, pattern, status) that is listed explicitly."""
        return {(method, pattern, int(status)) for (method, pattern), operation in self.operations.items()
                for status in operation["responses"] if status != "default"}

    def judge(self, response):
        """What is wrong with a response, as sentences. Notes that its operation and status were seen."""
        pattern = self.pattern_of(response.target)
        operation = self.operations.get((response.method, pattern))
        if operation is None and response.method == "HEAD":
            operation = self.operations.get(("GET", pattern))
        if operation is None:
            return []
        self.seen.add((response.method, pattern, response.status))
        stated = operation["responses"].get(str(response.status))
        if stated is None:
            known = response.status in (408, 414, 429, 431, 500, 503, 507)  # what `default` stands for
            return [] if known else ["the status is not documented"]
        return self.judge_content(response, self.resolve(stated))

    def judge_content(self, response, stated):
        problems = []
        for name, header in stated.get("headers", {}).items():
            header, value = self.resolve(header), response.header(name)
            if value is None:
                if header.get("required"):
                    problems.append(f"the header {name} is missing")
            else:
                problems += self.judge_value(value, header["schema"], name)
        content = stated.get("content")
        empty = response.method == "HEAD" or response.status in (204, 304)
        if empty or not content:
            if response.body:
                problems.append(f"a body of {len(response.body)} bytes where there is none")
            return problems
        kind = (response.header("Content-Type") or "").split(";")[0]
        media = content.get(kind) or content.get("*/*")
        if media is None:
            return problems + [f"the content type is {kind!r}, not {' or '.join(content)}"]
        if kind.endswith("json") and "*/*" not in content:
            problems += self.judge_value(json.loads(response.body), media["schema"], "the body")
        return problems

    def judge_value(self, value, schema, where):
        """The part of JSON Schema that the document uses. An unknown keyword is an error in the test."""
        schema = self.resolve(schema)
        problems = []

        def wrong(why):
            problems.append(f"{where}: {why}: {json.dumps(value)[:200]}")

        kind = schema.get("type")
        types = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
        if kind and (not isinstance(value, types[kind]) or (kind == "integer" and isinstance(value, bool))):
            wrong(f"is not of the type {kind}")
            return problems
        for keyword, limit in schema.items():
            if keyword == "enum" and value not in limit:
                wrong(f"is none of {limit}")
            elif keyword == "pattern" and not re.search(limit, value):
                wrong(f"does not match {limit}")
            elif keyword == "minimum" and value < limit or keyword == "maximum" and value > limit:
                wrong(f"is over the {keyword} {limit}")
            elif keyword in ("minLength", "minItems") and len(value) < limit:
                wrong(f"is shorter than {limit}")
            elif keyword in ("maxLength", "maxItems") and len(value) > limit:
                wrong(f"is longer than {limit}")
            elif keyword == "required":
                problems += [f"{where}: {name} is missing" for name in limit if name not in value]
            elif keyword == "items":
                for i, element in enumerate(value):
                    problems += self.judge_value(element, limit, f"{where}[{i}]")
            elif keyword not in ANNOTATIONS | {"type", "enum", "pattern", "minimum", "maximum", "minLength", "minItems",
                                               "maxLength", "maxItems", "properties", "additionalProperties"}:
                raise NotImplementedError(f"the schema keyword {keyword}")
        if kind == "object":
            properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
            for name, member in value.items():
                if name in properties:
                    problems += self.judge_value(member, properties[name], f"{where}.{name}")
                elif others is False:
                    problems.append(f"{where}: {name} is not documented")
                elif isinstance(others, dict):
                    problems += self.judge_value(member, others, f"{where}.{name}")
        try:
            if schema.get("format") == "uuid":
                if str(uuid.UUID(value)) != value:
                    wrong("is not a UUID in lower case")
            elif schema.get("format") == "date-time":
                datetime.datetime.fromisoformat(value)
        except ValueError as error:
            wrong(str(error))
        return problems
