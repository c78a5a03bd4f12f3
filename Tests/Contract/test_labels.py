"""Labels as JSON: add, read, list, correct, delete."""

import datetime
import urllib.parse

import pytest

from contract import data
from contract.client import pointers, problem


def counts(api, dataset) -> tuple[int, int, int]:
    described = api.call("getDataset", dataset=dataset).json()
    return described["labels_stored"], described["positives"], described["negatives"]


def test_a_batch_is_stored_unchanged(api, dataset):
    rows = data.rows(20)
    answer = data.add(api, dataset, rows)
    assert answer == {"inserted": 20, "updated": 0, "labels_stored": 20, "training_job": None}
    stored = api.pages("listLabels", dataset=dataset, limit=7)
    names = [feature["name"] for feature in data.FEATURES]
    for sent, label in zip(rows, stored, strict=True):
        assert label["features"] == {name: sent["features"].get(name) for name in names}
        assert list(label["features"]) == names
        assert label["label"] == sent["label"]
        assert (label["key"], label["source"], label["prediction_id"]) == (None, "api", None)
        assert api.call("getLabel", dataset=dataset, id=label["id"], expect=200).json() == label
    assert [label["id"] for label in stored] == sorted({label["id"] for label in stored})
    positives = sum(row["label"] for row in rows)
    assert counts(api, dataset) == (20, positives, 20 - positives)


def test_values_keep_their_precision(api, dataset):
    for number in (0.1, -0.0, 5e-324, 1e150, 123456789.123456789, 1e22):
        data.add(api, dataset, [{"features": {"age": number}, "label": 1}])
    data.add(api, dataset, [{"features": {"education_num": 2**53}, "label": 0}])
    data.add(api, dataset, [{"features": {"education_num": 1e2}, "label": 0}])
    values = [label["features"] for label in api.pages("listLabels", dataset=dataset)]
    assert [value["age"] for value in values[:6]] == [0.1, 0, 5e-324, 1e150, 123456789.123456789, 1e22]
    assert [value["education_num"] for value in values[6:]] == [2**53, 100]


def test_categories_are_kept_as_their_text(api, dataset):
    for category in ("3", 3, True, "true", " x ", "é\U0001f600\"\\\n", "null"):
        data.add(api, dataset, [{"features": {"workclass": category}, "label": 0}])
    stored = [label["features"]["workclass"] for label in api.pages("listLabels", dataset=dataset)]
    assert stored == ["3", "3", "true", "true", " x ", "é\U0001f600\"\\\n", "null"]


def test_labels_as_texts(api, dataset):
    data.add(api, dataset, [{"features": {}, "label": ">50K"}, {"features": {}, "label": "<=50K"}])
    assert [label["label"] for label in api.pages("listLabels", dataset=dataset)] == [1, 0]


def test_a_key_makes_a_row_replaceable(api, dataset):
    first, second, third = data.rows(3)
    assert data.add(api, dataset, [first | {"key": "a"}, second | {"key": "b"}])["inserted"] == 2
    answer = data.add(api, dataset, [third | {"key": "a"}, first])
    assert (answer["inserted"], answer["updated"], answer["labels_stored"]) == (1, 1, 3)
    [label] = api.pages("listLabels", dataset=dataset, query={"key": "a"})
    assert label["label"] == third["label"] and label["features"]["age"] == third["features"]["age"]
    assert label["updated_at"] >= label["created_at"]
    stored, positives, negatives = counts(api, dataset)
    assert positives == third["label"] + second["label"] + first["label"] and stored == positives + negatives


@pytest.mark.parametrize("key", ["two words", "a+b", "100%", "é\U0001f600", "a&b=c", "/?#", "'\"\\"])
def test_keys_in_queries(api, dataset, key):
    """Clients write a space as `+` (HTML forms, URLSearchParams, most libraries) or as `%20`."""
    data.add(api, dataset, [data.rows(1)[0] | {"key": key}, data.rows(1)[0]])
    assert [label["key"] for label in api.pages("listLabels", dataset=dataset, query={"key": key})] == [key]
    path = f"/v1/datasets/{dataset}/labels?key={urllib.parse.quote(key)}"
    assert [label["key"] for label in api.send("GET", path).json()["data"]] == [key]
    assert api.call("deleteLabels", dataset=dataset, query={"key": key}, expect=200).json()["deleted"] == 1


def test_pages_are_stable_during_changes(api, dataset):
    data.add(api, dataset, data.rows(10))
    first = api.call("listLabels", dataset=dataset, query={"limit": 4}, expect=200).json()
    api.call("deleteLabel", dataset=dataset, id=first["data"][1]["id"], expect=204)
    data.add(api, dataset, data.rows(3, seed=2))
    query = {"limit": 1000, "cursor": first["next_cursor"]}
    rest = api.call("listLabels", dataset=dataset, query=query, expect=200).json()["data"]
    assert len(rest) == 9
    assert not {label["id"] for label in first["data"]} & {label["id"] for label in rest}


def test_correct_one(api, dataset):
    data.add(api, dataset, [{"features": {"age": 30, "workclass": "Private"}, "label": 0, "key": "k"}])
    [label] = api.pages("listLabels", dataset=dataset)
    path = {"dataset": dataset, "id": label["id"]}
    changed = api.call("updateLabel", **path, json_body={"label": 1}, expect=200).json()
    assert changed == label | {"label": 1, "updated_at": changed["updated_at"]}
    changed = api.call("updateLabel", **path, json_body={"features": {"age": 31, "workclass": None}},
                       media_type="application/merge-patch+json", expect=200).json()
    assert (changed["features"]["age"], changed["features"]["workclass"], changed["label"]) == (31, None, 1)
    assert api.call("getLabel", **path).json() == changed
    assert counts(api, dataset) == (1, 1, 0)
    answer = api.call("updateLabel", **path, json_body={"features": {"age": "old"}}, expect=422)
    assert pointers(answer) == ["/features/age"]
    assert api.call("getLabel", **path).json() == changed


def test_delete_one(api, dataset):
    data.add(api, dataset, data.rows(2))
    first, second = api.pages("listLabels", dataset=dataset)
    api.call("deleteLabel", dataset=dataset, id=first["id"], expect=204)
    problem(api.call("deleteLabel", dataset=dataset, id=first["id"], expect=404), "not-found")
    problem(api.call("getLabel", dataset=dataset, id=first["id"], expect=404), "not-found")
    assert api.pages("listLabels", dataset=dataset) == [second]
    assert counts(api, dataset)[0] == 1


def test_delete_many(api, dataset):
    data.add(api, dataset, [row | {"key": f"k{index},"} for index, row in enumerate(data.rows(6))])
    ids = [label["id"] for label in api.pages("listLabels", dataset=dataset)]

    def delete(**query):
        return api.call("deleteLabels", dataset=dataset, query=query, expect=200).json()["deleted"]

    past = "2001-01-01T00:00:00Z"
    assert delete(created_before=past) == 0
    assert delete(id=str(ids[0]), created_before=past) == 0, "filters are met together"
    assert delete(id=f"{ids[0]},{ids[1]},999999999") == 2
    assert delete(key="k2,") == 1
    assert delete(source="prediction") == 0
    future = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
    assert delete(id=str(ids[3]), created_before=future.isoformat()) == 1
    assert counts(api, dataset)[0] == 2
    assert delete(all="true") == 2
    assert counts(api, dataset) == (0, 0, 0)


@pytest.mark.parametrize("query", [{}, {"all": "false"}, {"all": "true", "key": "x"}, {"id": ""}, {"id": "1,,2"},
                                   {"id": "1;2"}, {"created_before": "yesterday"}, {"source": "csv"},
                                   {"created_befor": "2001-01-01T00:00:00Z"}], ids=str)
def test_delete_many_requires_an_unambiguous_filter(api, dataset, query):
    data.add(api, dataset, data.rows(3))
    answer = api.call("deleteLabels", dataset=dataset, query=query, expect=400)
    problem(answer, "invalid-parameter")
    assert counts(api, dataset)[0] == 3
