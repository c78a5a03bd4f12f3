"""Models: list, read, verify by hand, promote, roll back, delete."""

import itertools
import math
import xml.etree.ElementTree

import pytest

from contract import data
from contract.client import pointers, problem


@pytest.fixture
def versions(api, dataset) -> str:
    """A dataset with three models."""
    data.add(api, dataset, data.rows(150))
    for seed in range(3):
        api.call("createTrainingJob", dataset=dataset, json_body={"seed": seed}, headers={"Prefer": "wait=60"},
                 expect=200)
    return dataset


def predicted_by(api, dataset) -> int:
    return api.call("predict", dataset=dataset, query={"store": "false"}, json_body={"features": {"age": 50}},
                    expect=200).json()["model_version"]


def test_list_is_newest_first(api, versions):
    models = api.pages("listModels", dataset=versions, limit=2)
    assert [(model["version"], model["active"]) for model in models] == [(3, True), (2, False), (1, False)]
    assert [model["parameters"]["seed"] for model in models] == [2, 1, 0]
    assert all(model["converged"] and model["labels_used"] == 150 for model in models)
    for model in models:
        job = api.call("getTrainingJob", dataset=versions, id=model["training_job"]).json()
        assert job["model_version"] == model["version"] and job["kpis"] == model["kpis"]
        one = api.call("getModel", dataset=versions, version=model["version"], expect=200).json()
        assert {name: one[name] for name in model} == model


def test_promote_and_roll_back(api, versions):
    answer = api.call("setActiveModel", dataset=versions, json_body={"version": 1}, expect=200).json()
    assert (answer["version"], answer["active"]) == (1, True)
    assert predicted_by(api, versions) == 1
    assert api.call("getDataset", dataset=versions).json()["active_model"]["version"] == 1
    assert [model["version"] for model in api.pages("listModels", dataset=versions) if model["active"]] == [1]
    api.call("setActiveModel", dataset=versions, json_body={"version": 3}, expect=200)
    assert predicted_by(api, versions) == 3
    problem(api.call("setActiveModel", dataset=versions, json_body={"version": 99}, expect=404), "not-found")
    assert predicted_by(api, versions) == 3


def test_delete(api, versions):
    problem(api.call("deleteModel", dataset=versions, version=3, expect=409), "model-active")
    api.call("deleteModel", dataset=versions, version=2, expect=204)
    problem(api.call("getModel", dataset=versions, version=2, expect=404), "not-found")
    problem(api.call("deleteModel", dataset=versions, version=2, expect=404), "not-found")
    problem(api.call("setActiveModel", dataset=versions, json_body={"version": 2}, expect=404), "not-found")
    api.call("createTrainingJob", dataset=versions, json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    assert [model["version"] for model in api.pages("listModels", dataset=versions)] == [4, 3, 1], "no version twice"


def test_models_are_marked_when_their_labels_are_deleted(api, versions):
    ids = [label["id"] for label in api.pages("listLabels", dataset=versions)]
    api.call("deleteLabel", dataset=versions, id=ids[0], expect=204)
    api.call("deleteLabels", dataset=versions, query={"id": f"{ids[1]},{ids[2]}"}, expect=200)
    assert [model["labels_deleted_since"] for model in api.pages("listModels", dataset=versions)] == [3, 3, 3]
    api.call("createTrainingJob", dataset=versions, json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    newest = api.call("getModel", dataset=versions, version=4).json()
    assert (newest["labels_deleted_since"], newest["labels_used"]) == (0, 147)


def test_probabilities_can_be_verified_by_hand(api, trained):
    model = api.call("getModel", dataset=trained, version=1, expect=200).json()
    assert [feature["name"] for feature in model["features"]] == [feature["name"] for feature in data.FEATURES]
    for row in data.rows(50, seed=9):
        features = row["features"]
        answer = api.call("predict", dataset=trained, query={"store": "false"}, json_body={"features": features},
                          expect=200).json()
        assert math.isclose(answer["probability"], data.probability(model, features), rel_tol=1e-9, abs_tol=1e-12)
        assert answer["label"] == int(answer["probability"] >= answer["threshold"])


def test_an_exported_model(api, trained):
    path = {"dataset": trained, "version": 1}
    json_form = api.call("exportModelJson", **path, expect=200).json()
    assert json_form["intercept"] == api.call("getModel", **path).json()["intercept"]
    answer = api.call("exportModelPmml", **path, expect=200)
    root = xml.etree.ElementTree.fromstring(answer.content)
    assert root.tag == "{http://www.dmg.org/PMML-4_4}PMML"
    named = [field.get("name") for field in root.iter("{http://www.dmg.org/PMML-4_4}DataField")]
    assert {feature["name"] for feature in data.FEATURES} <= set(named)
    text = api.call("exportModelSql", **path, query={"table": 'a "b"'}, expect=200).text
    assert 'FROM "a ""b""") ' in text and '"capital/gain ~net"' in text
    for operation in ("exportModelJson", "exportModelPmml"):
        problem(api.call(operation, **path, query={"table": "x"}, expect=400), "invalid-parameter")


def test_curves(api, trained):
    curves = api.call("getCurves", dataset=trained, version=1, expect=200).json()
    kpis = api.call("getModel", dataset=trained, version=1).json()["kpis"]
    roc = [(point["false_positive_rate"], point["true_positive_rate"]) for point in curves["roc"]]
    assert roc == sorted(roc) and (roc[0], roc[-1]) == ((0, 0), (1, 1))
    area = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in itertools.pairwise(roc))
    assert math.isclose(area, kpis["roc_auc"], abs_tol=1e-9), "80 rows fit into 200 points"
    assert sum(group["rows"] for group in curves["calibration"]) == kpis["validation_rows"]


def test_a_version_of_a_wrong_type(api, versions):
    answer = api.call("setActiveModel", dataset=versions, json_body={"version": "1"}, checked=False, expect=422)
    assert pointers(answer) == ["/version"]


def test_only_the_better_model_is_activated(api, dataset):
    rule = {"policy": "best", "metric": "log_loss"}
    described = api.call("updateDataset", dataset=dataset, json_body={"activation": rule}, expect=200).json()
    assert described["activation"] == rule | {"margin": None}
    data.add(api, dataset, data.rows(300))
    train = {"headers": {"Prefer": "wait=60"}, "expect": 200}
    good = api.call("createTrainingJob", dataset=dataset, json_body={}, **train).json()
    # The penalty is so strong that the model learns almost nothing.
    worse = api.call("createTrainingJob", dataset=dataset, json_body={"C": 1e-9}, **train).json()
    assert worse["kpis"]["log_loss"] > good["kpis"]["log_loss"]
    assert predicted_by(api, dataset) == 1
    same = api.call("createTrainingJob", dataset=dataset, json_body={}, **train).json()
    assert math.isclose(same["kpis"]["log_loss"], good["kpis"]["log_loss"], abs_tol=1e-9), "same labels, same split"
    assert predicted_by(api, dataset) == 3, "the same parameters: the newest wins without a comparison"
    assert [m["active"] for m in api.pages("listModels", dataset=dataset)] == [True, False, False]
    api.call("setActiveModel", dataset=dataset, json_body={"version": 2}, expect=200)
    api.call("createTrainingJob", dataset=dataset, json_body={}, **train)
    assert predicted_by(api, dataset) == 4
    api.call("updateDataset", dataset=dataset, json_body={"activation": None}, expect=200)
    api.call("createTrainingJob", dataset=dataset, json_body={"C": 1e-9}, **train)
    assert predicted_by(api, dataset) == 5


@pytest.mark.parametrize(("patch", "pointer"), [
    ({"activation": {"policy": "oldest"}}, "/activation/policy"),
    ({"activation": {"policy": "newest", "metric": "f1"}}, "/activation/metric"),
    ({"activation": {"policy": "best", "metric": "beauty"}}, "/activation/metric"),
    ({"activation": {"rule": "best"}}, "/activation/rule"),
    ({"activation": {"policy": "manual", "metric": "f1"}}, "/activation/metric"),
    ({"activation": {"policy": "newest", "margin": 0.1}}, "/activation/margin"),
    ({"activation": {"policy": "best", "margin": 1.5}}, "/activation/margin"),
    ({"models_kept": 0}, "/models_kept"), ({"models_kept": 1001}, "/models_kept"),
], ids=str)
def test_invalid_model_policies(api, dataset, patch, pointer):
    before = api.call("getDataset", dataset=dataset).json()
    answer = api.call("updateDataset", dataset=dataset, json_body=patch, checked=False, expect=422)
    assert pointers(answer) == [pointer]
    assert api.call("getDataset", dataset=dataset).json() == before


def test_old_models_are_deleted_and_their_kpis_stay(api, dataset):
    described = api.call("getDataset", dataset=dataset).json()
    assert (described["models_kept"], described["activation"]) == (50, {"policy": "newest", "metric": None, "margin": None})
    api.call("updateDataset", dataset=dataset, json_body={"models_kept": 3}, expect=200)
    data.add(api, dataset, data.rows(80))
    train = {"headers": {"Prefer": "wait=60"}, "expect": 200}
    for seed in range(4):
        api.call("createTrainingJob", dataset=dataset, json_body={"seed": seed}, **train)
    assert [m["version"] for m in api.pages("listModels", dataset=dataset)] == [4, 3, 2]
    patch = {"activation": {"policy": "best", "metric": "log_loss"}}
    api.call("updateDataset", dataset=dataset, json_body=patch, expect=200)
    api.call("setActiveModel", dataset=dataset, json_body={"version": 2}, expect=200)
    for _ in range(3):
        api.call("createTrainingJob", dataset=dataset, json_body={"C": 1e-9}, **train)
    assert [m["version"] for m in api.pages("listModels", dataset=dataset)] == [7, 6, 2], "never the active one"
    assert predicted_by(api, dataset) == 2
    assert [r["model_version"] for r in api.pages("listKpis", dataset=dataset)] == [1, 2, 3, 4, 5, 6, 7]
