"""Datasets: create, read, list, change, delete."""

import uuid

import pytest

from contract import data, document
from contract.client import pointers, problem


def test_create_answers_with_all_defaults(api):
    name = f"smallest-{uuid.uuid4().hex[:8]}"
    answer = api.call("createDataset", json_body={"name": name, "features": [{"name": "x", "type": "discrete"}]},
                      expect=201)
    assert answer.headers["Location"] == f"/v1/datasets/{name}"
    made = answer.json()
    assert made["features"] == [{"name": "x", "type": "discrete"}]
    assert made["label"] == {"name": "label", "positive": None, "negative": None}
    assert made["auto_train"] == {"enabled": False, "min_new_labels": 1, "max_delay_seconds": 0}
    assert made["gate"] is None and made["active_model"] is None
    assert (made["labels_stored"], made["positives"], made["negatives"]) == (0, 0, 0)
    training = made["training"]
    assert (training["penalty"], training["C"], training["l1_ratio"], training["class_weight"]) == ("l2", 1, None, None)
    assert training["threshold"] == 0.5 and training["seed"] == 0
    assert training["validation"] == {"method": "holdout", "fraction": 0.2}
    assert api.call("getDataset", dataset=name, expect=200).json() == made


def test_names_are_unique_within_a_tenant(api, other, dataset):
    body = {"name": dataset, "features": [{"name": "x", "type": "continuous"}]}
    problem(api.call("createDataset", json_body=body, expect=409), "dataset-exists")
    other.call("createDataset", json_body=body, expect=201)
    other.call("deleteDataset", dataset=dataset, expect=204)


def test_rules_beyond_the_schema(api):
    def refused(pointer, **members):
        body = {"name": f"n-{uuid.uuid4().hex[:8]}", "features": data.FEATURES} | members
        answer = api.call("createDataset", json_body=body, checked=False, expect=422)
        assert pointer in pointers(answer), answer.text

    refused("/features/1/name", features=[{"name": "x", "type": "continuous"}, {"name": "x", "type": "discrete"}])
    refused("/features/0/categories", features=[{"name": "x", "type": "continuous", "categories": ["a"]}])
    refused("/label/name", label={"name": "age"})
    refused("/training/l1_ratio", training={"penalty": "elasticnet"})
    refused("/training/l1_ratio", training={"penalty": "l2", "l1_ratio": 0.5})


def test_list_is_sorted_by_name_and_paged(api):
    prefix = f"p-{uuid.uuid4().hex[:8]}"
    names = [data.create(api, f"{prefix}-{index}") for index in (3, 1, 2)]
    listed = [each["name"] for each in api.pages("listDatasets", limit=1)]
    assert listed == sorted(listed)
    assert [name for name in listed if name.startswith(prefix)] == sorted(names)


def test_a_merge_patch_changes_its_members_only(api, dataset):
    def patch(body, media_type="application/merge-patch+json"):
        return api.call("updateDataset", dataset=dataset, json_body=body, media_type=media_type, expect=200).json()

    before = api.call("getDataset", dataset=dataset).json()
    assert patch({}) | {"updated_at": 0} == before | {"updated_at": 0}
    gate = {"metric": "roc_auc", "minimum": 0.9}
    known = gate | {"source": "validation", "min_labels": 100, "bound": "lower"}
    assert patch({"gate": gate})["gate"] == known
    assert patch({"gate": {"minimum": 0.8}})["gate"] == known | {"minimum": 0.8}
    assert patch({"gate": {"bound": "estimate"}})["gate"] == known | {"minimum": 0.8, "bound": "estimate"}
    assert patch({"gate": {"minimum": 0.7}})["gate"] == known | {"minimum": 0.7, "bound": "estimate"}
    assert patch({"gate": {"minimum": 0.8, "bound": None}})["gate"] == known | {"minimum": 0.8}
    assert patch({"gate": {"source": "live", "min_labels": 5}})["gate"] == known | {
        "minimum": 0.8, "source": "live", "min_labels": 5}
    assert patch({"gate": {"source": None, "min_labels": None}})["gate"] == known | {"minimum": 0.8}
    changed = patch({"auto_train": {"min_new_labels": 50}, "training": {"C": 0.5, "seed": 9}}, "application/json")
    assert changed["auto_train"] == before["auto_train"] | {"min_new_labels": 50}
    assert changed["training"] == before["training"] | {"C": 0.5, "seed": 9}
    assert changed["gate"] is not None
    assert patch({"training": {"C": None}})["training"] == before["training"] | {"seed": 9}
    assert patch({"gate": None})["gate"] is None
    again = patch({"auto_train": None, "training": None})
    assert again["auto_train"] == before["auto_train"] and again["training"] == before["training"]
    assert again == api.call("getDataset", dataset=dataset).json()


PENALTIES = [
    {"penalty": "l2", "C": 0.25, "class_weight": "balanced", "threshold": {"maximize": "mcc"}, "seed": 9007199254740991},
    {"penalty": "l1", "threshold": {"metric": "recall", "at_least": 0.9}, "validation": {"method": "kfold", "folds": 7}},
    {"penalty": "elasticnet", "l1_ratio": 0.125, "threshold": {"cost": {"false_positive": 1, "false_negative": 2.5}}},
    {"penalty": "none", "threshold": 0.75, "validation": {"method": "holdout", "fraction": 0.5}},
    {"tolerance": 1e-6, "max_iterations": 7},
    {"family": "auto", "C": "auto", "max_pairs": 0, "monotone": {"age": "decreasing"}, "bags": 3},
    {"family": "additive", "edges": {"age": [30, 40.5]}, "pairs": [["sex", "age"]], "smoothness": 0.25},
]


@pytest.mark.parametrize("training", PENALTIES, ids=lambda training: training.get("penalty", training.get("family", "solver")))
def test_a_patch_with_what_a_dataset_shows_changes_nothing(api, dataset, training):
    patch = {"dataset": dataset, "media_type": "application/merge-patch+json", "expect": 200}
    other = {"auto_train": {"enabled": True, "min_new_labels": 1000, "max_delay_seconds": 60}, "models_kept": 3,
             "gate": {"metric": "roc_auc", "minimum": 0.5, "source": "live", "min_labels": 7,
                      "bound": "estimate"},
             "activation": {"policy": "best", "metric": "f1"}, "predictions_kept_days": 30, "outcome_after_days": 14,
             "min_bin_rows": 12}
    for settings in ({}, other):
        shown = api.call("updateDataset", json_body=settings | {"training": training}, **patch).json()
        members = document.resolve(document.document()["components"]["schemas"]["DatasetPatch"])["properties"]
        for name in members:
            again = api.call("updateDataset", json_body={name: shown[name]}, **patch).json()
            assert again | {"updated_at": 0} == shown | {"updated_at": 0}, name
        whole = {name: shown[name] for name in members}
        again = api.call("updateDataset", json_body=whole, **patch).json()
        assert again | {"updated_at": 0} == shown | {"updated_at": 0}
        copy = {name: shown[name] for name in [*members, "label"]} | {"name": f"copy-{uuid.uuid4().hex[:8]}"}
        made = api.call("createDataset", json_body=copy, expect=201).json()
        assert {name: made[name] for name in copy} == copy
        api.call("deleteDataset", dataset=copy["name"], expect=204)


def test_another_penalty_drops_the_ratio_of_the_last_one(api, dataset):
    def patch(training, expect=200):
        return api.call("updateDataset", dataset=dataset, json_body={"training": training}, expect=expect).json()

    mixed = {"penalty": "elasticnet", "l1_ratio": 0.5}
    for penalty in ("l2", "l1", "none", None):
        for more in ({}, {"l1_ratio": None}):
            assert patch(mixed)["training"]["l1_ratio"] == 0.5
            changed = patch({"penalty": penalty} | more)["training"]
            assert (changed["penalty"], changed["l1_ratio"]) == (penalty or "l2", None)
        patch(mixed)
        assert patch({"penalty": penalty, "l1_ratio": 0.5}, expect=422)["errors"][0]["pointer"] == "/training/l1_ratio"
    assert patch({"C": 2})["training"]["l1_ratio"] == 0.5


def test_an_incomplete_gate_is_refused(api, dataset):
    answer = api.call("updateDataset", dataset=dataset, json_body={"gate": {"minimum": 0.8}}, expect=422)
    assert pointers(answer)[0].startswith("/gate"), answer.text


GATES = [("roc_auc", 85), ("roc_auc", -0.1), ("accuracy", 1.0001), ("mcc", -1.5), ("mcc", 2), ("log_loss", -1),
         ("labels_used", -1), ("threshold", 2)]


@pytest.mark.parametrize("metric,minimum", GATES)
def test_a_gate_is_a_value_that_the_metric_can_have(api, dataset, metric, minimum):
    gate = {"metric": metric, "minimum": minimum}
    answer = api.call("updateDataset", dataset=dataset, json_body={"gate": gate}, expect=422)
    assert pointers(answer) == ["/gate/minimum"] and metric in answer.text
    answer = api.call("createDataset", json_body={"name": "gated", "features": data.FEATURES, "gate": gate}, expect=422)
    assert pointers(answer) == ["/gate/minimum"]
    assert api.call("getDataset", dataset=dataset).json()["gate"] is None


def test_the_bounds_of_a_gate_are_allowed(api, dataset):
    for metric, minimum in (("roc_auc", 0), ("roc_auc", 1), ("mcc", -1), ("log_loss", 3), ("labels_used", 1000)):
        gate = {"metric": metric, "minimum": minimum}
        api.call("updateDataset", dataset=dataset, json_body={"gate": gate}, expect=200)
    # The metric changes, and the minimum with it or not at all.
    answer = api.call("updateDataset", dataset=dataset, json_body={"gate": {"metric": "roc_auc"}}, expect=422)
    assert pointers(answer) == ["/gate/minimum"]


def test_features_are_added_at_the_end_only(api, dataset):
    def refused(features, pointer):
        answer = api.call("updateDataset", dataset=dataset, json_body={"features": features}, expect=422)
        assert pointers(answer) == [pointer], answer.text

    data.add(api, dataset, data.rows(1))
    added = {"name": "native_country", "type": "categorical"}
    refused(data.FEATURES[:-1], "/features")
    refused([data.FEATURES[0] | {"type": "discrete"}, *data.FEATURES[1:]], "/features/0/type")
    refused([added, *data.FEATURES], "/features/0/name")
    body = {"features": [*data.FEATURES, added]}
    assert api.call("updateDataset", dataset=dataset, json_body=body, expect=200).json()["features"] == body["features"]
    [label] = api.pages("listLabels", dataset=dataset)
    assert label["features"]["native_country"] is None
    row = data.rows(1)[0]
    row["features"]["native_country"] = "Cuba"
    data.add(api, dataset, [row])
    assert api.pages("listLabels", dataset=dataset)[1]["features"]["native_country"] == "Cuba"


def test_deletion_removes_everything_and_frees_the_name(api, dataset):
    data.add(api, dataset, data.rows(5))
    assert api.call("deleteDataset", dataset=dataset, expect=204).content == b""
    for call in ("getDataset", "listLabels", "listTrainingJobs", "listModels", "listKpis", "listPredictions"):
        problem(api.call(call, dataset=dataset, expect=404), "not-found")
    problem(api.call("deleteDataset", dataset=dataset, expect=404), "not-found")
    data.create(api, dataset)
    assert api.call("getDataset", dataset=dataset).json()["labels_stored"] == 0
    assert api.pages("listLabels", dataset=dataset) == []
