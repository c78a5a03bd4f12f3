"""Numbers that no model can follow are refused on every path, with their place. Rows of before are named by the failed job."""

import json
import uuid

import pytest

from contract import data
from contract.client import pointers, problem

NDJSON, CSV, PATCH = "application/x-ndjson", "text/csv", "application/merge-patch+json"
BEYOND = "is beyond ±1e150, the range of models"
FAR = ["1.0000000000000002e150", "-1.0000000000000002e150", "1e200", "-1.7976931348623157e308"]


def fields(answer) -> list[tuple]:
    return [tuple(error.get(name) for name in ("line", "column", "pointer", "detail"))
            for error in problem(answer, "schema-mismatch")["errors"]]


@pytest.mark.parametrize("number", FAR)
def test_labels(api, dataset, number):
    good, bad = '{"features": {"age": 1}, "label": 0}', '{"features": {"age": %s}, "label": 1}' % number

    def post(body, media_type, expect=422, **query):
        return api.call("addLabels", dataset=dataset, data=body.encode(), media_type=media_type, expect=expect, query=query)

    answer = post('{"labels": [%s, %s]}' % (good, bad), "application/json")
    assert fields(answer) == [(None, None, "/labels/1/features/age", BEYOND)]
    assert answer.json()["detail"] == f"/labels/1/features/age {BEYOND}."
    assert fields(post(f"{good}\n{bad}\n", NDJSON)) == [(2, None, "/features/age", BEYOND)]
    assert fields(post(f"age,income\n1,0\n{number},1\n", CSV)) == [(3, "age", None, BEYOND)]
    assert api.pages("listLabels", dataset=dataset) == []
    skipped = post(f"age,income\n1,0\n{number},1\n", CSV, expect=201, on_error="skip").json()
    assert (skipped["inserted"], skipped["skipped"]) == (1, 1)
    [label] = api.pages("listLabels", dataset=dataset)
    answer = api.call("updateLabel", dataset=dataset, id=label["id"], data=b'{"features": {"age": %s}}' % number.encode(),
                      media_type=PATCH, expect=422)
    assert fields(answer) == [(None, None, "/features/age", BEYOND)]
    assert api.pages("listLabels", dataset=dataset) == [label]


def test_the_largest_numbers_are_learned_from(api, dataset):
    rows = data.rows(40)
    rows[0]["features"]["age"], rows[1]["features"]["age"] = 1e150, -1e150
    data.add(api, dataset, rows)
    job = api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "wait=60"}, expect=200).json()
    assert job["state"] == "succeeded", job
    api.call("predict", dataset=dataset, json_body={"features": {"age": -1e150}}, expect=201)


@pytest.fixture(scope="module")
def extended(api) -> str:
    """A dataset whose model does not know its last feature."""
    name = data.train(api, data.create(api, f"range-{uuid.uuid4().hex[:8]}"))
    features = [*data.FEATURES, {"name": "late", "type": "continuous"}]
    api.call("updateDataset", dataset=name, json_body={"features": features}, expect=200)
    return name


@pytest.mark.parametrize("feature", ["age", "late"])
@pytest.mark.parametrize("number", FAR)
def test_predictions(api, extended, feature, number):
    """A feature that the model does not use is checked, too, since its value may become a label."""
    good, bad = '{"features": {"age": 1}}', '{"features": {"%s": %s}}' % (feature, number)

    def post(operation, body, media_type="application/json", expect=422, **query):
        return api.call(operation, dataset=extended, data=body.encode(), media_type=media_type, expect=expect, query=query)

    for store in ("true", "false"):
        assert fields(post("predict", bad, store=store)) == [(None, None, f"/features/{feature}", BEYOND)]
        answer = post("predictBatch", '{"predictions": [%s, %s]}' % (good, bad), store=store)
        assert fields(answer) == [(None, None, f"/predictions/1/features/{feature}", BEYOND)]
    assert api.pages("listPredictions", dataset=extended) == []
    # The other rows of a stream are answered.
    lines = post("predictBatch", f"{good}\n{bad}\n{good}\n", NDJSON, expect=200, store="false").text.splitlines()
    first, refused, last = map(json.loads, lines)
    assert first == last and "probability" in first
    [error] = refused["error"]["errors"]
    assert (error["line"], error["pointer"], error["detail"]) == (2, f"/features/{feature}", BEYOND)
    lines = post("predictBatch", f"{feature}\n1\n{number}\n1\n", CSV, expect=200, store="false").text.splitlines()
    assert len(lines) == 4 and lines[1] == lines[3] != lines[2] and BEYOND in lines[2]


def test_rows_of_before_are_named_by_the_failed_job(api, dataset, psql):
    data.add(api, dataset, data.rows(30))
    ids = [label["id"] for label in api.pages("listLabels", dataset=dataset)]
    train = {"dataset": dataset, "json_body": {}, "headers": {"Prefer": "wait=60"}, "expect": 200}

    def stored_before(changes: str, some):
        with psql.session(f"UPDATE labels SET {changes} WHERE id IN ({', '.join(map(str, some))});"):
            pass

    # The numbers are age, education_num and the gain, in this order.
    stored_before("numbers[1] = 1e200", ids[7:8])
    error = api.call("createTrainingJob", **train).json()["error"]
    assert error["type"] == "not-finite"
    assert error["detail"] == f"The feature 'age' of label {ids[7]} {BEYOND}. Correct or delete the label."
    stored_before("numbers[3] = -1e151", ids[7:21])
    error = api.call("createTrainingJob", **train).json()["error"]
    assert error["detail"].startswith(f"Each of 15 values {BEYOND}: feature 'age' of label {ids[7]}, "
                                      f"feature 'capital/gain ~net' of label {ids[7]}, feature")
    assert error["detail"].endswith("and 5 more. Correct or delete these labels.") and len(error["detail"]) <= 2000
    api.call("updateLabel", dataset=dataset, id=ids[7], media_type=PATCH, expect=200,
             json_body={"features": {"age": 40, "capital/gain ~net": 0}})
    api.call("deleteLabels", dataset=dataset, query={"id": ",".join(map(str, ids[8:21]))}, expect=200)
    assert api.call("createTrainingJob", **train).json()["state"] == "succeeded"


def test_predictions_of_before_make_no_labels(api, extended, psql):
    made = [api.call("predict", dataset=extended, json_body={"features": {"late": 3}}, expect=201).json()["id"]
            for _ in range(3)]
    with psql.session(f"UPDATE predictions SET numbers[4] = -1e200 WHERE id = '{made[1]}';"):
        pass
    refusal = f"cannot be given, because the prediction's value of 'late' {BEYOND}"
    answer = api.call("labelPrediction", dataset=extended, id=made[1], json_body={"label": 1}, expect=422)
    assert fields(answer) == [(None, None, "/label", refusal)]
    said = [{"id": each, "label": 1} for each in made]
    bodies = {"application/json": json.dumps({"labels": said}), NDJSON: "\n".join(map(json.dumps, said)),
              CSV: "id,label\n" + "".join(f"{each},1\n" for each in made)}
    for media_type, body in bodies.items():
        answer = api.call("labelPredictions", dataset=extended, data=body.encode(), media_type=media_type, expect=422)
        assert fields(answer) == [(None, None, "/labels/1/label", refusal)]
    assert api.pages("listLabels", dataset=extended, query={"source": "prediction"}) == []
    # Nothing is labelled by its removal.
    api.call("labelPredictions", dataset=extended, json_body={"labels": [{"id": made[1], "label": None}]}, expect=200)
    api.call("unlabelPrediction", dataset=extended, id=made[1], expect=204)
    assert pointers(api.call("labelPredictions", dataset=extended, expect=422, json_body={"labels": [
        {"id": str(uuid.uuid4()), "label": 1}]})) == ["/labels/0/id"]
