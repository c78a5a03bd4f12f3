"""Attributes of rows: reference, group, occurred_at, weight and split, in every format."""

import json

import pytest

from contract import data
from contract.client import pointers, problem

ATTRIBUTES = {
    "reference": "case 1", "group": "Zo\u00eb", "occurred_at": "2024-02-29T12:00:00.500Z", "weight": 2.5, "split": "validation",
}
NAMES = ["reference", "group", "occurred_at", "weight", "split"]


def attributes(label: dict) -> dict:
    return {name: label[name] for name in NAMES}


def stored(api, dataset, **query) -> list[dict]:
    return api.pages("listLabels", dataset=dataset, query=query)


def csv(text: str) -> dict:
    return {"data": text.encode(), "media_type": "text/csv"}


def ndjson(rows: list[dict]) -> dict:
    return {"data": "".join(json.dumps(row) + "\n" for row in rows).encode(), "media_type": "application/x-ndjson"}


def test_every_format_stores_the_same_attributes(api, dataset):
    row = {"features": {"age": 30}, "label": 1}
    data.add(api, dataset, [row | ATTRIBUTES])
    api.call("addLabels", dataset=dataset, expect=201, **ndjson([row | ATTRIBUTES | {"split": "TEST"}]))
    header = "age,income," + ",".join(NAMES)
    line = "30,>50K,case 1,Zoe\u0308,2024-02-29T13:00:00.5+01:00,2.50,Validation"
    api.call("addLabels", dataset=dataset, expect=201, **csv(f"{header}\n{line}\n"))
    assert [attributes(label) for label in stored(api, dataset)] == [ATTRIBUTES] * 3
    # Upserts by key replace the attributes as everything else.
    data.add(api, dataset, [row | ATTRIBUTES | {"key": "k"}])
    data.add(api, dataset, [row | {"key": "k", "group": "other"}])
    label = stored(api, dataset, key="k")[0]
    assert (label["group"], label["reference"], label["weight"], label["split"]) == ("other", None, 1, None)
    assert label["occurred_at"] == label["created_at"]


def test_an_export_is_posted_back_unchanged(api, dataset):
    other_dataset = data.create(api, f"{dataset}-copy")
    rows = [{"features": {"age": n}, "label": n % 2} | {name: ATTRIBUTES[name] for name in NAMES[: n % 6]} for n in range(12)]
    data.add(api, dataset, rows)
    for operation, type in (("exportLabelsCsv", "text/csv"), ("exportLabelsNdjson", "application/x-ndjson")):
        text = api.call(operation, dataset=dataset, expect=200).content
        api.call("deleteLabels", dataset=other_dataset, query={"all": "true"}, expect=200)
        api.call("addLabels", dataset=other_dataset, expect=201, data=text, media_type=type)
        assert api.call(operation, dataset=other_dataset, expect=200).content == text
        for old, new in zip(stored(api, dataset), stored(api, other_dataset), strict=True):
            given = [name for name in NAMES if name != "occurred_at" or old["occurred_at"] != old["created_at"]]
            assert {name: old[name] for name in given} == {name: new[name] for name in given}


def test_columns_are_named_by_the_dataset_or_the_request(api, dataset):
    columns = {"group": "customer", "split": "set"}
    answer = api.call("updateDataset", dataset=dataset, json_body={"columns": columns}, expect=200).json()
    assert answer["columns"] == columns
    text = "customer,age,set,income,moment\nann,30,TRAIN,>50K,2024-05-01\n"
    assert problem(api.call("addLabels", dataset=dataset, **csv(text), expect=422), "schema-mismatch")
    api.call("addLabels", dataset=dataset, query={"occurred_at_column": "moment"}, expect=201, **csv(text))
    label = stored(api, dataset)[0]
    assert (label["group"], label["split"], label["occurred_at"]) == ("ann", "train", "2024-05-01T00:00:00.000Z")
    # The names of a dataset are optional in a file, those of a request are not.
    api.call("addLabels", dataset=dataset, expect=201, **csv("age,income\n1,0\n"))
    refused = api.call("addLabels", dataset=dataset, query={"weight_column": "w"}, expect=422, **csv("age,income\n1,0\n"))
    assert problem(refused, "schema-mismatch")["errors"][0]["column"] == "w"
    answer = api.call("updateDataset", dataset=dataset, json_body={"columns": {"group": None}}, expect=200).json()
    assert answer["columns"] == {"split": "set"}
    assert api.call("updateDataset", dataset=dataset, json_body={"columns": None}, expect=200).json()["columns"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"group_column": ""}, {"group_column": "income"}, {"group_column": "age"},
        {"group_column": "a", "weight_column": "a"}, {"group_column": "a", "key_column": "a"}, {"group_column": "a", "ignore": "a"},
    ],
)
def test_a_column_has_one_meaning(api, dataset, query):
    problem(api.call("addLabels", dataset=dataset, query=query, **csv("age,income,a\n1,0,x\n"), expect=400), "invalid-parameter")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("reference", ""), ("reference", 7), ("reference", "x" * 201), ("group", True), ("group", "a\0"),
        ("occurred_at", "2024-01-01T00:00:00"), ("occurred_at", "2023-02-29"), ("occurred_at", 0), ("weight", 0), ("weight", -1),
        ("weight", 1e10), ("weight", "1"), ("split", "dev"), ("split", 1),
    ],
)
def test_bad_attributes_are_refused_with_their_place(api, dataset, member, value):
    row = {"features": {"age": 30}, "label": 1}
    refused = api.call("addLabels", dataset=dataset, json_body={"labels": [row, row | {member: value}]}, checked=False)
    assert (refused.status_code, pointers(refused)) == (422, [f"/labels/1/{member}"])
    problem(refused, "schema-mismatch")
    data.add(api, dataset, [row])
    label = stored(api, dataset)[0]
    refused = api.call("updateLabel", dataset=dataset, id=label["id"], json_body={member: value}, checked=False)
    assert (refused.status_code, pointers(refused)) == (422, [f"/{member}"])
    problem(refused, "invalid-body")


def test_a_label_s_attributes_can_be_corrected(api, dataset):
    data.add(api, dataset, [{"features": {"age": 30}, "label": 1}])
    id = stored(api, dataset)[0]["id"]
    assert attributes(api.call("updateLabel", dataset=dataset, id=id, json_body=ATTRIBUTES, expect=200).json()) == ATTRIBUTES
    kept = api.call("updateLabel", dataset=dataset, id=id, json_body={"label": 0}, expect=200).json()
    assert attributes(kept) == ATTRIBUTES and kept["label"] == 0
    taken = api.call("updateLabel", dataset=dataset, id=id, json_body=dict.fromkeys(NAMES), expect=200).json()
    assert attributes(taken) == {
        "reference": None, "group": None, "occurred_at": taken["created_at"], "weight": 1, "split": None,
    }


def test_filters_of_lists_exports_and_deletions(api, dataset):
    for day in range(1, 7):
        row = {"features": {"age": day}, "label": day % 2, "group": f"g{day % 2}", "reference": f"r{day % 3}"}
        data.add(api, dataset, [row | {"occurred_at": f"2024-01-0{day}", "split": "train" if day < 4 else "validation"}])
    data.add(api, dataset, [{"features": {"age": 99}, "label": 1}])

    def ages(**query):
        listed = [label["features"]["age"] for label in stored(api, dataset, **query)]
        text = api.call("exportLabelsNdjson", dataset=dataset, expect=200, query=query).text
        assert [json.loads(line)["features"]["age"] for line in text.splitlines()] == listed
        return listed

    assert ages(group="g1") == [1, 3, 5]
    assert ages(reference="r0", split="validation") == [6]
    assert ages(occurred_from="2024-01-02T00:00:00Z", occurred_before="2024-01-04T00:00:00Z") == [2, 3]
    assert ages(occurred_from="2024-02-01T00:00:00Z") == [99]
    for query in ({"group": ""}, {"reference": "x" * 201}, {"split": "dev"}, {"occurred_from": "yesterday"}):
        problem(api.call("listLabels", dataset=dataset, query=query, expect=400), "invalid-parameter")
    assert api.call("deleteLabels", dataset=dataset, query={"group": "g0"}, expect=200).json() == {"deleted": 3}
    assert api.call("deleteLabels", dataset=dataset, query={"occurred_before": "2024-01-03T00:00:00Z"}, expect=200).json() == {"deleted": 1}
    assert ages() == [3, 5, 99]


def test_predictions_keep_who_and_when_and_give_it_to_their_labels(api, trained):
    case = {"reference": "case 7", "group": "ann", "occurred_at": "2024-03-01"}
    shown = case | {"occurred_at": "2024-03-01T00:00:00.000Z"}
    first = api.call("predict", dataset=trained, json_body={"features": {"age": 40}} | case, expect=201).json()
    api.call("predictBatch", dataset=trained, json_body={"predictions": [{"features": {"age": 41}} | case, {"features": {}}]}, expect=201)
    api.call("predictBatchNdjson", dataset=trained, expect=201, **ndjson([{"features": {"age": 42}} | case]))
    text = "age,who,reference,occurred_at\n43,ann,case 7,2024-03-01\n"
    api.call("predictBatchCsv", dataset=trained, query={"group_column": "who"}, expect=201, **csv(text))
    for query in ({"reference": "case 7"}, {"group": "ann"}, {"occurred_before": "2024-03-02T00:00:00Z"}):
        found = api.pages("listPredictions", dataset=trained, query=query)
        assert sorted(prediction["features"]["age"] for prediction in found) == [40, 41, 42, 43]
        assert all({name: prediction[name] for name in case} == shown for prediction in found)
        assert len(api.call("exportPredictionsCsv", dataset=trained, expect=200, query=query).text.splitlines()) == 5
    plain = api.pages("listPredictions", dataset=trained, query={"occurred_from": "2024-03-02T00:00:00Z"})
    assert [(p["reference"], p["group"], p["occurred_at"] == p["created_at"]) for p in plain] == [(None, None, True)]
    found = api.pages("listPredictions", dataset=trained, query={"group": "ann", "sort": "uncertainty"})
    assert len(found) == 4
    old = api.call("predict", dataset=trained, json_body={"features": {}, "occurred_at": "2020-01-01"}, expect=201).json()
    gone = api.call("deletePredictions", dataset=trained, query={"occurred_before": "2021-01-01T00:00:00Z"}, expect=200).json()
    assert gone["deleted"] == 1
    api.call("getPrediction", dataset=trained, id=old["id"], expect=404)
    api.call("labelPrediction", dataset=trained, id=first["id"], json_body={"label": 1}, expect=200)
    label = stored(api, trained, reference="case 7")[0]
    assert {name: label[name] for name in case} == shown
    for body, pointer in (({"weight": 1}, "/weight"), ({"split": "train"}, "/split"), ({"group": ""}, "/group")):
        refused = api.call("predict", dataset=trained, json_body={"features": {}} | body, checked=False)
        assert (refused.status_code, pointers(refused)) == (422, [pointer])
    problem(refused, "schema-mismatch")


def test_another_tenant_finds_nothing(api, other, dataset):
    data.add(api, dataset, [{"features": {"age": 30}, "label": 1} | ATTRIBUTES])
    problem(other.call("listLabels", dataset=dataset, query={"group": ATTRIBUTES["group"]}, expect=404), "not-found")
    problem(other.call("deleteLabels", dataset=dataset, query={"group": ATTRIBUTES["group"]}, expect=404), "not-found")
