"""Deprecated operations and forms answer as before, like their successors, and announce their removal."""

import datetime
import email.utils

import pytest

from contract import data, document
from contract.client import problem

NDJSON, CSV = "application/x-ndjson", "text/csv"
# Each form of an operation with its successor: the arguments of the old and of the new call.
ACCEPTED = [
    ("listLabels", CSV, "exportLabelsCsv"), ("listLabels", NDJSON, "exportLabelsNdjson"),
    ("listPredictions", CSV, "exportPredictionsCsv"), ("listPredictions", NDJSON, "exportPredictionsNdjson"),
    ("listKpis", CSV, "exportKpisCsv"),
]
SENT = [("predictBatchNdjson", NDJSON, b'{"features":{"age":44}}\n'), ("predictBatchCsv", CSV, b"age;sex\n44;\n")]


@pytest.fixture(scope="module")
def furnished(api, trained) -> str:
    api.call("predict", dataset=trained, json_body={"features": {"age": 44}}, expect=201)
    return trained


def announced(answer) -> None:
    """Asserts half a year between the times of `Deprecation` and `Sunset`, as docs/contract.md promises."""
    since = datetime.datetime.fromtimestamp(int(answer.headers["Deprecation"].removeprefix("@")), datetime.UTC)
    removal = email.utils.parsedate_to_datetime(answer.headers["Sunset"])
    assert answer.headers["Sunset"] == email.utils.format_datetime(removal, usegmt=True)
    assert removal - since >= datetime.timedelta(days=182)


def test_every_deprecated_form_is_tested():
    forms = {(operation.id, media_type) for operation in document.operations().values()
             for response in operation.spec["responses"].values() for media_type in response.get("x-deprecated-content", [])}
    assert forms == {(operation, media_type) for operation, media_type, _ in ACCEPTED} | {
        ("predictBatch", media_type) for _, media_type, _ in SENT}
    assert [each.id for each in document.operations().values() if each.spec.get("deprecated")] == ["exportModel"]


@pytest.mark.parametrize("operation,media_type,successor", ACCEPTED)
def test_an_export_by_accept(api, furnished, operation, media_type, successor):
    answer = api.call(operation, dataset=furnished, headers={"Accept": media_type}, expect=200)
    announced(answer)
    new = api.call(successor, dataset=furnished, expect=200)
    assert (new.content, new.headers["Content-Type"]) == (answer.content, answer.headers["Content-Type"])
    for accept in ("image/png", "application/problem+json"):
        api.call(successor, dataset=furnished, headers={"Accept": accept}, expect=200)
    refused = api.call(operation, dataset=furnished, query={"limit": 5}, headers={"Accept": media_type}, expect=400)
    problem(refused, "invalid-parameter")


@pytest.mark.parametrize("form", ["json", "pmml", "sql"])
def test_a_model_by_format(api, furnished, form):
    path = {"dataset": furnished, "version": 1}
    table = {"table": "a b"} if form == "sql" else {}
    answer = api.call("exportModel", **path, query={"format": form} | table, expect=200)
    announced(answer)
    new = api.call(f"exportModel{form.capitalize()}", **path, query=table, expect=200)
    assert (new.content, new.headers["Content-Type"]) == (answer.content, answer.headers["Content-Type"])


def test_a_wrong_format(api, furnished):
    for query in ({}, {"format": "xlsx"}, {"format": "json", "table": "x"}):
        problem(api.call("exportModel", dataset=furnished, version=1, query=query, expect=400), "invalid-parameter")


@pytest.mark.parametrize("successor,media_type,body", SENT)
def test_a_batch_by_its_media_type(api, furnished, successor, media_type, body):
    query = {"store": "false"} | ({"delimiter": ";"} if media_type == CSV else {})
    sent = {"dataset": furnished, "data": body, "media_type": media_type, "query": query, "expect": 200}
    answer = api.call("predictBatch", **sent)
    announced(answer)
    new = api.call(successor, **sent)
    assert (new.content, new.headers["Content-Type"]) == (answer.content, answer.headers["Content-Type"])


def test_a_batch_in_the_other_media_type(api, furnished):
    for _, media_type, body in SENT:
        other = CSV if media_type == NDJSON else NDJSON
        query = {"delimiter": ";"} if media_type == CSV else {}
        answer = api.call("predictBatch", dataset=furnished, data=body, media_type=media_type, query=query,
                          headers={"Accept": other}, expect=201)
        assert answer.headers["Content-Type"].split(";")[0] == other
        announced(answer)
        refused = api.call("predictBatch", dataset=furnished, data=body, media_type=media_type, query=query,
                           headers={"Accept": "text/html"}, expect=406)
        problem(refused, "not-acceptable")
    answer = api.call("predictBatch", dataset=furnished, data=SENT[1][2], media_type=CSV, expect=400,
                      query={"delimiter": ";", "explain": "true"})
    problem(answer, "invalid-parameter")


def test_a_replay_announces_the_removal_too(api, furnished):
    sent = {"dataset": furnished, "data": SENT[0][2], "media_type": NDJSON, "headers": {"Idempotency-Key": "deprecated"}}
    first, again = (api.call("predictBatch", **sent, expect=201) for _ in range(2))
    assert again.content == first.content and again.headers["Idempotency-Replayed"] == "true"


def test_json_is_not_deprecated(api, furnished):
    """The check of every response fails if one of these announces a removal."""
    for operation in ("listLabels", "listPredictions", "listKpis"):
        api.call(operation, dataset=furnished, headers={"Accept": "application/json, text/csv;q=0.5"}, expect=200)
    batch = {"predictions": [{"features": row["features"]} for row in data.rows(2)]}
    api.call("predictBatch", dataset=furnished, json_body=batch, expect=201)
