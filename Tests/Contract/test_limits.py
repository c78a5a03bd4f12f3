"""Every limit of a request: a value at the limit is accepted, and a value beyond it is refused with its location."""

import copy

import pytest

from contract import document, mutations
from test_bad_bodies import fitting, path_of, place  # noqa: F401  (place is a fixture)

BODIES = document.with_body()
KEYWORDS = ("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minimum", "maximum", "exclusiveMinimum",
            "minProperties", "maxProperties", "pattern", "enum", "format")


def limits(schema, value, path=()):
    """Yields `(path, keyword, schema)` for every limit that applies to `value`, a body with all members."""
    for keyword in KEYWORDS:
        if keyword in schema:
            yield path, keyword, schema
    for key in ("allOf", "anyOf", "oneOf"):
        for member in schema.get(key, []):
            if document.validator(member).is_valid(value):
                yield from limits(member, value, path)
    if isinstance(value, dict):
        for name, member in value.items():
            if name in schema.get("properties", {}):
                yield from limits(schema["properties"][name], member, (*path, name))
    if isinstance(value, list) and value and "items" in schema:
        yield from limits(schema["items"], value[0], (*path, 0))


def beyond(keyword: str, schema: dict, value) -> list:
    """Values just beyond a limit."""
    bound = schema[keyword]
    if keyword == "maxLength":
        return ["a" * (bound + 1)]
    if keyword == "minLength":
        return ["a" * (bound - 1)] if bound else []
    if keyword == "maxItems":
        return [distinct(value, bound + 1)] if isinstance(value, list) and value and bound <= 10_000 else []
    if keyword == "minItems":
        return [[]]
    if keyword == "uniqueItems":
        return [[value[0], value[0]]] if isinstance(value, list) and value else []
    if keyword == "maximum":
        return [bound + 1 if isinstance(bound, int) else bound * 1.001]
    if keyword == "minimum":
        return [bound - 1 if isinstance(bound, int) else bound * 0.999]
    if keyword == "exclusiveMinimum":
        return [bound]
    if keyword == "pattern":
        # Some of these may fit the pattern; the caller skips them.
        return ["\u0000", "a\u0000b", "A", "-a", "_", "a b", "a.b", "ä", "a\n", "\u007f"]
    if keyword == "enum":
        return ["nonsense", 17]
    if keyword == "format":
        return ["nonsense"]
    return []


def at(keyword: str, schema: dict) -> list:
    """Values at a limit, where the schema alone suffices to make one."""
    bound = schema[keyword]
    if keyword in ("maximum", "minimum"):
        return [bound]
    if keyword == "maxLength" and "pattern" in schema and "enum" not in schema:
        return ["a" * bound]
    return list(bound) if keyword == "enum" else []


def distinct(value: list, count: int) -> list:
    items = []
    for index in range(count):
        item = copy.deepcopy(value[0])
        if isinstance(item, dict) and "name" in item:
            item["name"] = f"n{index}"
        items.append(f"c{index}" if isinstance(item, str) else item)
    return items


def cases():
    for operation in BODIES:
        whole = mutations._with_optional_members(fitting(operation), operation.body("application/json"))
        seen = set()
        for path, keyword, schema in limits(operation.body("application/json"), whole):
            if (path, keyword) not in seen:
                seen.add((path, keyword))
                yield pytest.param(operation, whole, path, keyword, schema,
                                   id=f"{operation.id}-{'.'.join(map(str, path)) or 'body'}-{keyword}")


@pytest.mark.parametrize("operation,whole,path,keyword,schema", list(cases()))
def test_limit(api, place, operation, whole, path, keyword, schema):  # noqa: F811
    judge = document.validator(operation.body("application/json"))
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
    value = mutations._at(whole, list(path))
    for wrong in beyond(keyword, schema, value):
        body = mutations._replaced(whole, list(path), wrong) if path else wrong
        if judge.is_valid(body):
            continue
        answer = api.call(operation.id, **path_of(operation, place), data=mutations.text(body),
                          media_type="application/json", expect=422)
        reported = [error.get("pointer") for error in answer.json().get("errors", [])]
        assert mutations.related(pointer, reported), f"{keyword} at {pointer}: {answer.text[:500]}"
    for right in at(keyword, schema):
        body = mutations._replaced(whole, list(path), right) if path else right
        if not judge.is_valid(body):
            continue
        # Other refusals of the request do not concern the limit.
        answer = api.call(operation.id, **path_of(operation, place), data=mutations.text(body),
                          media_type="application/json")
        reported = [error.get("pointer") for error in answer.json().get("errors", [])]
        if "cannot change" in answer.text or "is not a feature" in answer.text:
            continue
        assert answer.status_code != 422 or pointer not in reported, f"{keyword} at {pointer}: {answer.text[:500]}"


def test_a_batch_of_labels_is_limited_by_its_bytes(api, place):  # noqa: F811
    """The maximum number of elements in the document equals the number that fit into the body."""
    operation = document.operations()["addLabels"]
    most = operation.body("application/json")["properties"]["labels"]["maxItems"]
    shortest = b'{"features":{},"label":0}'
    body = b'{"labels":[' + b",".join([shortest] * (most + 1)) + b"]}"
    assert len(body) - len(shortest) - 1 <= 64 << 20 < len(body)
    api.call(operation.id, dataset=place["dataset"], data=body, media_type="application/json", expect=413)


PARAMETERS = [
    pytest.param(operation, parameter, id=f"{operation.id}-{parameter['name']}")
    for operation in document.operations().values() for parameter in operation.parameters
    if parameter["in"] in ("query", "header") and operation.role
    and {"maxLength", "maxItems", "maximum"} & parameter["schema"].keys()
]


@pytest.mark.parametrize("operation,parameter", PARAMETERS)
def test_parameter_limit(api, place, operation, parameter):  # noqa: F811
    """A parameter that is too long, too frequent or too large is refused by its name."""
    schema, name = parameter["schema"], parameter["name"]
    if "maxItems" in schema:
        wrong = ",".join(map(str, range(1, schema["maxItems"] + 2)))
    elif "maximum" in schema:
        wrong = str(schema["maximum"] + 1)
    else:
        wrong = ("a=" if name == "keep" else "") + "a" * schema["maxLength"] + "a"
    arguments = {"query": dict(operation.required_query)}
    if "CSV only" in parameter["description"]:
        arguments |= {"data": b"age\n1\n", "media_type": "text/csv"}
    elif operation.spec.get("requestBody", {}).get("required"):
        arguments |= {"json_body": fitting(operation)} if operation.body("application/json") else operation.sample()
    if parameter["in"] == "header":
        arguments["headers"] = {name: wrong}
    else:
        arguments["query"][name] = wrong
    if name == "table" and "format" in arguments["query"]:
        arguments["query"]["format"] = "sql"
    path = path_of(operation, place) | ({"version": 1} if "{version}" in operation.path else {})
    answer = api.call(operation.id, **path, **arguments, expect=400)
    assert [each["parameter"] for each in answer.json()["errors"]] == [name], answer.text


TAGS = [
    pytest.param(operation, parameter["name"], id=f"{operation.id}-{parameter['name']}")
    for operation in document.operations().values() for parameter in operation.parameters
    if parameter["name"] in ("If-Match", "If-None-Match")
]


@pytest.mark.parametrize("operation,name", TAGS)
def test_limits_of_entity_tags(api, place, operation, name):  # noqa: F811
    """Well-formed entity tags that are too long or too many are refused."""
    path = {"version": 1, "file": "start.js"} | path_of(operation, place)
    path = {part: value for part, value in path.items() if "{" + part + "}" in operation.path}
    body = {"json_body": {}} if operation.method == "PATCH" else {}
    for wrong in ('"' + "x" * 129 + '"', 'W/"' + "x" * 129 + '"', ", ".join(['"x"'] * 33)):
        answer = api.call(operation.id, **path, **body, headers={name: wrong}, expect=400)
        assert [each["parameter"] for each in answer.json()["errors"]] == [name], answer.text
    if name == "If-None-Match":
        most = ", ".join(['"' + "x" * 128 + '"'] * 32)
        api.call(operation.id, **path, headers={name: most}, expect=200)


@pytest.mark.parametrize("operation", [
    each for each in document.operations().values()
    if each.role and any("maxLength" in parameter["schema"] for parameter in each.parameters if parameter["in"] == "query")
], ids=str)
def test_the_longest_parameters_reach_the_api(api, place, operation):  # noqa: F811
    """A request with all parameters at their limits, in the characters with the most bytes, gets a documented response
    from the API and not from the HTTP parser."""
    query = dict(operation.required_query)
    for parameter in operation.parameters:
        if parameter["in"] == "query" and "maxLength" in parameter["schema"]:
            query[parameter["name"]] = "\U0001F600" * parameter["schema"]["maxLength"]
    body = {}
    if operation.spec.get("requestBody", {}).get("required"):
        body = {"data": b"age\n1\n", "media_type": "text/csv"} if "delimiter" in query else {"json_body": fitting(operation)}
    path = path_of(operation, place) | ({"version": 1} if "{version}" in operation.path else {})
    answer = api.call(operation.id, **path, query=query, **body)
    assert answer.status_code < 500 and answer.headers["X-Request-Id"]
