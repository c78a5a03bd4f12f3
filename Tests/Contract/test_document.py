"""The document is valid, its examples fit their schemas, the server serves it unchanged, and docs/errors.md agrees."""

import json
import re

import openapi_spec_validator
import pytest
import requests
import yaml

from contract import document


def test_is_valid_openapi():
    openapi_spec_validator.validate(document.document())


def test_operations_have_unique_ids_and_roles():
    declared = [
        (path, method, operation)
        for path, item in document.document()["paths"].items()
        for method, operation in item.items()
        if method in document.METHODS
    ]
    assert len({operation["operationId"] for _, _, operation in declared}) == len(declared)
    tags = {tag["name"] for tag in document.document()["tags"]}
    for path, method, operation in declared:
        where = f"{method} {path}"
        assert operation["tags"][0] in tags and operation["summary"], where
        if path.startswith("/v1/"):
            assert operation["x-role"] in ("admin", "write", "read", "predict", "any"), where
            names = [parameter.get("$ref", "") for parameter in operation.get("parameters", [])]
            keyed = "#/components/parameters/IdempotencyKey" in names
            assert keyed == (method == "post"), f"{where}: Idempotency-Key"
        else:
            assert operation["security"] == [], where


def test_success_has_one_media_type():
    """Client generators take the first media type of an operation for granted."""
    for operation in document.operations().values():
        if operation.spec.get("deprecated"):
            continue
        types = {media_type for status, response in operation.spec["responses"].items() if status.startswith("2")
                 for media_type in response.get("content", {})}
        assert len(types) <= 1, f"{operation.id} answers {types}"


def examples():
    for operation in document.operations().values():
        for content in operation.spec.get("requestBody", {}).get("content", {}).values():
            for name, example in content.get("examples", {}).items():
                yield pytest.param(content["schema"], example["value"], id=f"{operation.id}-{name}")
        for status, response in operation.spec["responses"].items():
            for content in response.get("content", {}).values():
                for name, example in content.get("examples", {}).items():
                    yield pytest.param(content["schema"], example["value"], id=f"{operation.id}-{status}-{name}")


@pytest.mark.parametrize("schema,value", list(examples()))
def test_examples_fit(schema, value):
    document.check_value("example", schema, value)


def test_request_objects_are_closed():
    def walk(schema, where):
        if not isinstance(schema, dict):
            return
        if "properties" in schema:
            assert schema.get("additionalProperties") is False, f"{where} takes unknown members"
        for key, value in schema.items():
            for index, item in enumerate(value if isinstance(value, list) else [value]):
                walk(item, f"{where}/{key}/{index}")

    for operation in document.operations().values():
        for content in operation.spec.get("requestBody", {}).get("content", {}).values():
            walk(content["schema"], operation.id)


def test_every_problem_is_described():
    kinds = document.document()["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert set(kinds) == set(document.problem_statuses())
    text = (document.PATH.parent / "docs" / "errors.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## ([a-z-]+)$", text, re.MULTILINE)
    assert [f"/problems/{section}" for section in sections] == kinds


def test_served_yaml_is_the_file(url):
    answer = requests.get(url + "/openapi.yaml", timeout=10)
    assert answer.content == document.PATH.read_bytes()


def test_served_json_is_the_file(url):
    served = document.strict_json(requests.get(url + "/openapi.json", timeout=10).content.decode("utf-8"))
    assert served == json.loads(json.dumps(yaml.safe_load(document.PATH.read_text(encoding="utf-8"))))
