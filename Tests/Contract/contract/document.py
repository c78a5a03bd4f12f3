"""openapi.yaml with its references resolved, and the check of a response against it."""

import copy
import fnmatch
import functools
import json
import pathlib
import re
from dataclasses import dataclass

import jsonschema
import yaml

PATH = pathlib.Path(__file__).resolve().parents[3] / "openapi.yaml"
METHODS = ("get", "put", "post", "patch", "delete")


@functools.cache
def document() -> dict:
    """The parsed document."""
    return yaml.safe_load(PATH.read_text(encoding="utf-8"))


def resolve(node):
    """Replaces every reference in `node` by a copy of its target. The document has no recursive references."""
    if isinstance(node, list):
        return [resolve(item) for item in node]
    if not isinstance(node, dict):
        return node
    merged = {key: resolve(value) for key, value in node.items() if key != "$ref"}
    if isinstance(node.get("$ref"), str):
        target = document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        merged = resolve(target) | merged
    return merged


def closed(schema, inside_all_of=False):
    """`schema` with undocumented members forbidden. Responses may grow in a later version; in this version the server
    sends only documented members."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "allOf":
            result[key] = [closed(item, inside_all_of=True) for item in value]
        elif key == "properties":
            result[key] = {name: closed(item) for name, item in value.items()}
        elif key in ("example", "examples", "default", "enum", "const"):
            result[key] = value
        else:
            result[key] = closed(value)
    composed = "allOf" in schema or "properties" in schema
    if composed and "additionalProperties" not in schema and not inside_all_of:
        result["unevaluatedProperties"] = False
    return result


def validator(schema) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    item: str  # JSON of the resolved operation, so that the dataclass stays hashable

    @functools.cached_property
    def spec(self) -> dict:
        return json.loads(self.item)

    @property
    def role(self) -> str | None:
        return self.spec.get("x-role")

    @property
    def parameters(self) -> list[dict]:
        return self.spec.get("parameters", [])

    @property
    def required_query(self) -> dict:
        """The required query parameters with their examples."""
        return {each["name"]: each["example"] for each in self.parameters if each["in"] == "query" and
                each.get("required")}

    def body(self, media_type: str) -> dict | None:
        """The schema of the request body of that media type."""
        return self.spec.get("requestBody", {}).get("content", {}).get(media_type, {}).get("schema")

    def example(self):
        """A copy of the first documented JSON request body."""
        for media_type, content in self.spec["requestBody"]["content"].items():
            if media_type.endswith("json") and "examples" in content:
                return copy.deepcopy(next(iter(content["examples"].values()))["value"])
        raise AssertionError(f"{self.id} shows no example of its body")

    def sample(self) -> dict:
        """The arguments of `Client.call` that send the first documented request body, whatever its media type."""
        media_type, content = next(iter(self.spec["requestBody"]["content"].items()))
        if self.body("application/json"):
            return {"json_body": self.example()}
        return {"data": next(iter(content["examples"].values()))["value"].encode(), "media_type": media_type}

    def harmless(self) -> dict:
        """The arguments of `Client.call` for a request that is refused, or changes nothing, also with a key that may send it."""
        bodies = self.spec.get("requestBody", {}).get("content")
        return {"query": {"nonsense": "1"}} | ({"data": b"{", "media_type": next(iter(bodies))} if bodies else {})

    def __str__(self) -> str:
        return self.id


@functools.cache
def operations() -> dict[str, Operation]:
    """Every operation by its id."""
    found = {}
    for path, item in document()["paths"].items():
        shared = item.get("parameters", [])
        for method in METHODS:
            if method in item:
                spec = resolve(item[method] | {"parameters": shared + item[method].get("parameters", [])})
                found[spec["operationId"]] = Operation(spec["operationId"], method.upper(), path, json.dumps(spec))
    return found


def with_body() -> list[Operation]:
    return [op for op in operations().values() if op.body("application/json")]


def strict_json(text: str):
    """Parses JSON strictly (RFC 8259): no NaN, no duplicate members."""

    def refuse(literal):
        raise AssertionError(f"{literal} is no JSON")

    def pairs(items):
        names = [name for name, _ in items]
        assert len(names) == len(set(names)), f"a member twice: {names}"
        return dict(items)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=pairs)


def check(operation: Operation, answer) -> None:
    """Asserts that the document allows a response (of requests)."""
    responses = operation.spec["responses"]
    where = f"{operation.id} → {answer.status_code}"
    body = answer.content[:2000]
    assert str(answer.status_code) in responses, f"{where} is not documented; body: {body!r}"
    documented = responses[str(answer.status_code)]
    check_headers(where, documented.get("headers", {}), answer.headers)
    content = documented.get("content")
    if not content:
        assert answer.content == b"", f"{where} has a body: {body!r}"
        return
    media_type = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    old = documented.get("x-deprecated-content", [])
    known = media_type in old or any(fnmatch.fnmatchcase(media_type, each) for each in content)
    assert known, f"{where}: {media_type!r} is not among {list(content)}; body: {body!r}"
    if answer.status_code < 300:
        announced = {name in answer.headers for name in ("Deprecation", "Sunset", "Link")}
        assert announced == {media_type in old or operation.spec.get("deprecated", False)}, f"{where}: {answer.headers}"
    if media_type in ("application/json", "application/problem+json"):
        check_value(where, content[media_type]["schema"], strict_json(answer.content.decode("utf-8")))
    if media_type == "application/problem+json":
        check_problem(where, answer)


# Headers that every HTTP response may have, described once for all responses or in docs/security.md.
COMMON = {
    "connection", "content-length", "content-type", "date", "server", "transfer-encoding", "vary", "ratelimit",
    "ratelimit-policy", "referrer-policy", "cross-origin-opener-policy", "permissions-policy",
    "strict-transport-security",
}


def check_headers(where: str, documented: dict, headers) -> None:
    unknown = {name.lower() for name in headers} - {name.lower() for name in documented} - COMMON
    unknown = {name for name in unknown if not name.startswith("access-control-")}
    assert not unknown, f"{where} has undocumented headers: {unknown}"
    for name, header in documented.items():
        value = headers.get(name)
        if value is None:
            assert not header.get("required"), f"{where} lacks {name}"
            continue
        typed = int(value) if header["schema"].get("type") == "integer" and re.fullmatch(r"-?\d+", value) else value
        check_value(f"{where}, header {name}", header["schema"], typed)


def check_value(where: str, schema: dict, value) -> None:
    problems = [f"{e.json_path}: {e.message[:300]}" for e in validator(closed(schema)).iter_errors(value)]
    assert not problems, f"{where} does not fit its schema: {problems[:5]}"


def check_problem(where: str, answer) -> None:
    """Asserts the properties of every problem, whichever operation returned it."""
    problem = answer.json()
    check_value(where, resolve(document()["components"]["schemas"]["Problem"]), problem)
    assert problem["status"] == answer.status_code, f"{where}: its status says {problem['status']}"
    assert problem["request_id"] == answer.headers["X-Request-Id"], f"{where}: two request ids"
    assert problem["instance"] == answer.request.path_url.split("?")[0], f"{where}: instance {problem['instance']}"
    assert problem["title"] == problem_titles()[problem["type"]], f"{where}: title {problem['title']!r}"
    expected = problem_statuses()[problem["type"]]
    assert expected == answer.status_code, f"{where}: docs/errors.md gives {problem['type']} the status {expected}"
    if "errors" in problem:
        assert len(problem["errors"]) == min(100, problem["errors_total"]), f"{where}: {problem}"
    text = answer.text.lower()
    for secret in ("select ", "insert into", "/src/", ".swift", "postgres", "sqlstate", "fatal error"):
        assert answer.status_code < 500 or secret not in text, f"{where} lets out {secret!r}: {text}"


@functools.cache
def problem_titles() -> dict[str, str]:
    """The title of each problem type in docs/errors.md."""
    text = (PATH.parent / "docs" / "errors.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| \[`(/problems/[a-z-]+)`\]\([^)]*\) \| \d{3} \| (.+?) \|$", text, re.MULTILINE))


@functools.cache
def problem_statuses() -> dict[str, int]:
    """The status of each problem type in docs/errors.md."""
    text = (PATH.parent / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`(/problems/[a-z-]+)`\]\([^)]*\) \| (\d{3}) \|", text, re.MULTILINE)
    return {kind: int(status) for kind, status in rows}
