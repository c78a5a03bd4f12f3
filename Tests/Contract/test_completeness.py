"""The document is complete: every operation, parameter, body and response has a description, an example and a type."""

import re

import pytest

from contract import document

OPERATIONS = list(document.operations().values())
SCHEMAS = document.document()["components"]["schemas"]
# Pages, files and the document itself need no example.
UNSHOWN = {"docs", "docsFile", "openapiYaml", "openapiJson"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_summaries_and_descriptions(operation):
    spec = operation.spec
    assert re.fullmatch(r"[a-z][A-Za-z]+", spec["operationId"]) and len(spec["tags"]) == 1
    assert 5 < len(spec["summary"]) <= 72 and not spec["summary"].endswith(".")
    assert spec["description"].strip()
    for status, response in spec["responses"].items():
        assert response["description"].strip(), status
        assert "X-Request-Id" in response["headers"], status


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_parameters_have_descriptions_and_examples(operation):
    for parameter in operation.parameters:
        where = f"{operation.id}, {parameter['name']}"
        assert parameter["description"].strip() and "example" in parameter, where
        schema, example = parameter["schema"], parameter["example"]
        document.check_value(where, schema, example)
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if "string" in kinds:
            assert {"maxLength", "enum", "format", "pattern"} & schema.keys(), f"{where} has no bound"
        if "integer" in kinds:
            assert {"minimum", "maximum"} <= schema.keys(), f"{where} has no bounds"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_statuses(operation):
    """Every status that an operation of this kind can return."""
    spec, names = operation.spec, {each["name"] for each in operation.parameters}
    wanted = set()
    if operation.role:
        wanted |= {"400", "401", "429", "500", "503"} | ({"403"} if operation.role != "any" else set())
    if "{" in operation.path:
        wanted.add("404")
    if spec.get("requestBody"):
        wanted |= {"413", "415", "422"}
    if "Idempotency-Key" in names:
        wanted |= {"409", "422"}
    if "If-Match" in names:
        wanted.add("412")
    if "If-None-Match" in names:
        wanted |= {"304", "400"}
    if any(each["in"] == "query" for each in operation.parameters):
        wanted.add("400")
    wanted.discard("200")
    assert wanted <= spec["responses"].keys(), wanted - spec["responses"].keys()
    for status in ("429", "503"):
        if status in spec["responses"]:
            assert "Retry-After" in spec["responses"][status]["headers"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_bodies_and_responses_have_examples(operation):
    for media_type, content in operation.spec.get("requestBody", {}).get("content", {}).items():
        assert content.get("examples"), f"{operation.id} shows no {media_type}"
    if operation.id in UNSHOWN:
        return
    for status, response in operation.spec["responses"].items():
        for media_type, content in response.get("content", {}).items():
            assert content.get("examples"), f"{operation.id} → {status} shows no {media_type}"


def nodes(schema, where):
    """Every schema inside a schema, including itself."""
    yield where, schema
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{where}/{key}")
    for key in ("oneOf", "anyOf", "allOf"):
        for index, each in enumerate(schema.get(key, [])):
            yield from nodes(each, f"{where}/{key}/{index}")
    for name, each in schema.get("properties", {}).items():
        yield from nodes(each, f"{where}/properties/{name}")


EVERY_NODE = [pytest.param(where, node, id=where) for name, schema in SCHEMAS.items() for where, node in nodes(schema, name)]


@pytest.mark.parametrize("where,node", EVERY_NODE)
def test_types(where, node):
    assert "nullable" not in node, "null is a type in 3.1"
    assert {"type", "$ref", "oneOf", "anyOf", "allOf"} & node.keys(), "untyped"
    kinds = node.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "object" in kinds:
        assert {"properties", "additionalProperties"} & node.keys(), "an object without a schema"
        named = "/" not in where or "/allOf/" in where
        assert named or "properties" not in node, "an object without a name of its own"
    if "array" in kinds:
        assert "items" in node


# Lists of what a training has observed are limited by the rows only.
LEVELS = {"ModelFeature/properties/categories", "PortableFeature/properties/categories",
          "Model/allOf/1/properties/coefficients", "TermAxis/properties/categories", "CategoryGroup",
          *(f"ModelTerm/properties/{name}" for name in ("values", "standard_errors", "lower", "upper", "rows", "regions")),
          "TermAxis/properties/edges", "PortableFeature/properties/bins", "PortablePair/properties/cells",
          "PortableAxis/properties/groups"}


@pytest.mark.parametrize("where,node", EVERY_NODE)
def test_bounds(where, node):
    """Every text and list has a limit, in requests and in responses."""
    kinds = node.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "string" in kinds:
        assert {"maxLength", "enum", "format", "pattern"} & node.keys(), "a text of any length"
    if "array" in kinds:
        assert "maxItems" in node or where in LEVELS, "a list of any length"


@pytest.mark.parametrize("where,node", [each for each in EVERY_NODE if "oneOf" in each.values[1]])
def test_unions_are_distinguishable(where, node):
    """Alternatives differ by the JSON type of the value, or by a discriminator."""
    kinds = []
    for member in node["oneOf"]:
        target = document.resolve(member)
        kind = target.get("type", "object")
        kinds += kind if isinstance(kind, list) else [kind]
    assert len(kinds) == len(set(kinds)) or "discriminator" in node, kinds


def test_no_inline_objects_in_operations():
    for path, item in document.document()["paths"].items():
        for method in document.METHODS:
            bodies = [item.get(method, {}).get("requestBody", {})]
            bodies += [each for each in item.get(method, {}).get("responses", {}).values() if "content" in each]
            for body in bodies:
                for media_type, content in body.get("content", {}).items():
                    assert "$ref" in content["schema"] or content["schema"]["type"] == "string", f"{method} {path}"


def test_every_component_is_used():
    text = document.PATH.read_text(encoding="utf-8")
    for kind, components in document.document()["components"].items():
        for name in components if kind != "securitySchemes" else ():
            assert f"#/components/{kind}/{name}'" in text, f"{kind}/{name} is used by nothing"
