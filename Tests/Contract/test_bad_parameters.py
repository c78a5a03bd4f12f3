"""Out-of-range paths, queries and headers, generated from the document, are refused."""

import base64

import pytest

from contract import document
from contract.client import problem

GUARDED = [operation for operation in document.operations().values() if operation.role]
BAD_NAMES = ["Adult", "-a", "_a", "a" * 64, "a b", "a.b", "ä", "a'b", "a\"b", "a;b", "a\0b", "a\nb", "*",
             b"%ff", b"a%2fb", b"%2e%2e", "1e400", "null"]
BAD_NUMBERS = ["0", "-1", "abc", "1.5", "1e3", "9223372036854775808", "99999999999999999999999", "0x1", " 1", "+1",
               "1\0", "١", "null"]
BAD_QUERY_VALUES = ["", "x", "-1", "0", "1.5", "1001", "99999999999999999999", "TRUE", "yes", "null", "\0", "é", "1,2"]


def values_for(operation, dataset) -> dict:
    values = {"dataset": dataset, "id": 1, "version": 1}
    if "/predictions/" in operation.path:
        values["id"] = "01935a41-2b7c-7d3e-8f10-5a9be3c1d204"
    return {name: value for name, value in values.items() if "{" + name + "}" in operation.path}


def body_of(operation) -> dict:
    if not operation.spec.get("requestBody"):
        return {"query": {"all": "true"} if operation.id in ("deleteLabels", "deletePredictions") else operation.required_query}
    return operation.sample()


@pytest.mark.parametrize("operation", [each for each in GUARDED if "{" in each.path], ids=str)
def test_invalid_names_and_numbers_are_absent(api, dataset, operation):
    for name in values_for(operation, dataset):
        for bad in BAD_NAMES if name == "dataset" else BAD_NUMBERS:
            path = values_for(operation, dataset) | {name: bad}
            answer = api.call(operation.id, **path, **body_of(operation), expect=404)
            problem(answer, "not-found")


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_unknown_query_parameters_are_refused(api, dataset, operation):
    arguments = body_of(operation)
    arguments["query"] = arguments.get("query", {}) | {"nonsense": "1"}
    answer = api.call(operation.id, **values_for(operation, dataset), **arguments, expect=(400, 404))
    if operation.path.count("{") <= 1:
        errors = problem(answer, "invalid-parameter")["errors"]
        assert [error["parameter"] for error in errors] == ["nonsense"]


QUERY = [
    pytest.param(operation, parameter, id=f"{operation.id}-{parameter['name']}")
    for operation in GUARDED for parameter in operation.parameters if parameter["in"] == "query"
]


@pytest.mark.parametrize("operation,parameter", QUERY)
def test_query_values_outside_their_schema(api, dataset, operation, parameter):
    schema, tried = parameter["schema"], 0
    for text in BAD_QUERY_VALUES:
        if not fits(schema, text):
            arguments = body_of(operation)
            arguments["query"] = operation.required_query | {parameter["name"]: text}
            answer = api.call(operation.id, **values_for(operation, dataset), **arguments, expect=400)
            named = [error["parameter"] for error in problem(answer, "invalid-parameter")["errors"]]
            assert parameter["name"] in named, answer.text
            tried += 1
    assert tried or schema.get("type") == "string"


def fits(schema: dict, text: str) -> bool:
    """Whether the text of a query parameter can be parsed as a value of the schema."""
    value = text
    if schema.get("type") == "array":
        return bool(text) and all(fits(schema["items"], part) for part in text.split(","))
    if schema.get("type") == "integer":
        try:
            value = int(text)
        except ValueError:
            return False
        if str(value) != text:
            return False
    if schema.get("type") == "boolean":
        return text in ("true", "false")
    return document.validator(schema).is_valid(value)


def cursor_of(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


CURSORS = [
    pytest.param(operation, parameter["schema"], id=operation.id)
    for operation in GUARDED for parameter in operation.parameters if parameter["name"] == "cursor"
]
POSITIONS = [*map(str, range(0, 1000, 7)), "00", "9" * 18, "9" * 19, "0" * 20, "-1", "1.5", "adult", "a b", "~\x7f~", "_-z",
             "x" * 63, "x" * 64, "ä", "a\n", "a\0b", "", "01A20B43-C348-795E-9F9F-BD63DD3B4743"]


@pytest.mark.parametrize("operation,schema", CURSORS)
def test_the_pattern_of_cursors_says_what_is_taken(api, dataset, trained, operation, schema):
    """Except for predictions, a cursor is accepted exactly if it fits its pattern."""
    given = [cursor_of(position) for position in POSITIONS]
    given += ["0", "00", "000", "x", "MQ==", "MQ=====", "MR", "M", "MTI+", "{}", "-1", "a" * 512, "../..", "' OR 1=1", "AAAAAAAA",
              "é", "eyJpZCI6LTF9"]
    taken = 0
    at = values_for(operation, dataset)
    if "version" in at:
        at = {"dataset": trained, "version": 1}
    for cursor in given:
        fitting = fits(schema, cursor)
        expect = (200, 400) if fitting and operation.id == "listPredictions" else 200 if fitting else 400
        answer = api.call(operation.id, **at, query={"cursor": cursor}, expect=expect)
        if answer.status_code == 400:
            assert [each["parameter"] for each in problem(answer, "invalid-parameter")["errors"]] == ["cursor"]
        taken += answer.status_code == 200
    assert 0 < taken < len(given)


@pytest.mark.parametrize("operation", [each for each in GUARDED if each.method == "POST"], ids=str)
def test_invalid_idempotency_keys(api, dataset, operation):
    for key in ("", "x" * 256, "a b", "é".encode(), "a\tb"):
        answer = api.call(operation.id, **values_for(operation, dataset), **body_of(operation),
                          headers={"Idempotency-Key": key}, expect=(400, 404))
        if operation.path.count("{") <= 1:
            assert [error["parameter"] for error in problem(answer, "invalid-parameter")["errors"]] == [
                "Idempotency-Key"]
