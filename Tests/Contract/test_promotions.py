"""The active model: policies, pins, comparisons on the same rows, and the history of promotions."""

import pytest

from contract import data
from contract.client import problem

TRAIN = {"headers": {"Prefer": "wait=60"}, "expect": 200}


@pytest.fixture(scope="module")
def compared(api, module_dataset) -> str:
    """A dataset with a model that has learnt nothing, and one that has."""
    data.add(api, module_dataset, data.rows(300))
    api.call("createTrainingJob", dataset=module_dataset, json_body={"C": 1e-9}, **TRAIN)
    api.call("createTrainingJob", dataset=module_dataset, json_body={}, **TRAIN)
    return module_dataset


@pytest.fixture(scope="module")
def module_dataset(api) -> str:
    return data.create(api, "promotions-of-a-module")


def versions(api, dataset) -> list:
    return [(entry["version"], entry["previous_version"]) for entry in api.pages("listPromotions", dataset=dataset)]


def active(api, dataset):
    model = api.call("getDataset", dataset=dataset, expect=200).json()["active_model"]
    return model and model["version"]


def test_two_models_on_the_same_rows(roles, compared):
    answer = roles["read"].call("compareModels", dataset=compared, query={"champion": 1, "challenger": 2}, expect=200)
    found = answer.json()
    assert (found["champion"], found["challenger"], found["rows_used"], found["sampled"]) == (1, 2, 300, False)
    assert found["rows_measured"] == found["positives"] + found["negatives"] == 60
    tests = {name: kpi["test"] for name, kpi in found["kpis"].items()}
    assert (tests["roc_auc"], tests["accuracy"], tests["log_loss"]) == ("delong", "mcnemar", "bootstrap")
    assert not {"threshold", "labels_used", "baseline_accuracy"} & tests.keys()
    loss = found["kpis"]["log_loss"]
    assert loss["interval"][0] < loss["difference"] < loss["interval"][1] < 0 and loss["p_value"] < 0.001
    stored = roles["read"].call("getModel", dataset=compared, version=2).json()["kpis"]["log_loss"]
    assert loss["challenger"] == pytest.approx(stored, abs=1e-6), "the same rows as those of its training"
    back = roles["read"].call("compareModels", dataset=compared, query={"champion": 2, "challenger": 1}, expect=200).json()
    assert back["kpis"]["log_loss"]["difference"] == pytest.approx(-loss["difference"], abs=1e-6)


@pytest.mark.parametrize(("query", "parameter"), [
    ({}, "champion"), ({"champion": 1}, "challenger"), ({"challenger": 2}, "champion"),
    ({"champion": 0, "challenger": 1}, "champion"),
    ({"champion": "1.0", "challenger": 2}, "champion"), ({"champion": 1, "challenger": 2, "metric": "f1"}, "metric"),
    ({"champion": 1, "challenger": 2147483648}, "challenger"),
], ids=str)
def test_wrong_comparisons(api, compared, query, parameter):
    answer = api.call("compareModels", dataset=compared, query=query, checked=False, expect=400)
    assert [error["parameter"] for error in problem(answer, "invalid-parameter")["errors"]] == [parameter]


def test_unknown_versions_and_too_few_labels(api, compared, dataset):
    for query in ({"champion": 1, "challenger": 99}, {"champion": 99, "challenger": 2}):
        problem(api.call("compareModels", dataset=compared, query=query, expect=404), "not-found")
    data.add(api, dataset, data.rows(40))
    for c in (1, 2):
        api.call("createTrainingJob", dataset=dataset, json_body={"C": c}, **TRAIN)
    api.call("deleteLabels", dataset=dataset, query={"all": "true"}, expect=200)
    problem(api.call("compareModels", dataset=dataset, query={"champion": 1, "challenger": 2}, expect=409), "too-few-labels")


def test_worse_parameters_stay_behind_on_the_same_rows(api, dataset):
    api.call("updateDataset", dataset=dataset, json_body={"activation": {"policy": "best", "metric": "log_loss", "margin": 0.05}}, expect=200)
    # Four rows that every model separates: their KPIs are perfect, and of no other rows.
    few = [{"features": {"age": age, "education_num": 10}, "label": int(age > 50)} for age in (20, 30, 60, 70)]
    data.add(api, dataset, few)
    api.call("createTrainingJob", dataset=dataset, json_body={"C": 100}, **TRAIN)
    data.add(api, dataset, data.rows(400))
    api.call("createTrainingJob", dataset=dataset, json_body={}, **TRAIN)
    assert active(api, dataset) == 2
    comparison = api.call("getModel", dataset=dataset, version=2, expect=200).json()["comparison"]
    assert (comparison["champion"], comparison["metric"], comparison["margin"], comparison["not_worse"]) == (1, "log_loss", 0.05, True)
    api.call("createTrainingJob", dataset=dataset, json_body={"C": 1e-9}, **TRAIN)
    assert active(api, dataset) == 2
    kept = api.call("getModel", dataset=dataset, version=3, expect=200).json()
    assert (kept["active"], kept["comparison"]["not_worse"]) == (False, False)
    assert kept["comparison"]["kpis"]["log_loss"]["interval"][1] > 0.05
    entries = api.pages("listPromotions", dataset=dataset)
    assert [(entry["version"], entry["reason"], entry["by"]["type"]) for entry in entries] == \
        [(2, "best", "training"), (1, "best", "training")]
    assert list(entries[0]["comparison"]["kpis"]) == ["log_loss"] and entries[1]["comparison"] is None


def test_a_version_does_not_differ_from_itself(api, trained):
    same = api.call("compareModels", dataset=trained, query={"champion": 1, "challenger": 1}, expect=200).json()
    assert {difference["difference"] for difference in same["kpis"].values()} == {0}


def test_a_manual_policy_promotes_nothing(api, dataset):
    api.call("updateDataset", dataset=dataset, json_body={"activation": {"policy": "manual"}}, expect=200)
    data.add(api, dataset, data.rows(60))
    api.call("createTrainingJob", dataset=dataset, json_body={}, **TRAIN)
    assert active(api, dataset) is None and versions(api, dataset) == []
    refused = api.call("predict", dataset=dataset, json_body={"features": {"age": 50}}, expect=409)
    assert "promote" in problem(refused, "no-model")["detail"]
    api.call("setActiveModel", dataset=dataset, json_body={"version": 1}, expect=200)
    api.call("predict", dataset=dataset, json_body={"features": {"age": 50}}, expect=201)
    api.call("createTrainingJob", dataset=dataset, json_body={}, **TRAIN)
    assert active(api, dataset) == 1 and versions(api, dataset) == [(1, None)]


def test_a_pin_holds_until_it_is_released(api, roles, dataset):
    data.add(api, dataset, data.rows(60))
    api.call("createTrainingJob", dataset=dataset, json_body={}, **TRAIN)
    pinned = roles["write"].call("setActiveModel", dataset=dataset, json_body={"version": 1, "pinned": True}, expect=200)
    assert pinned.json()["pinned"] is True
    api.call("updateDataset", dataset=dataset, json_body={"models_kept": 1}, expect=200)
    for _ in range(2):
        api.call("createTrainingJob", dataset=dataset, json_body={}, **TRAIN)
    listed = api.pages("listModels", dataset=dataset)
    assert [(model["version"], model["active"], model["pinned"]) for model in listed] == [(3, False, False), (1, True, True)]
    problem(api.call("deleteModel", dataset=dataset, version=1, expect=409), "model-active")
    released = api.call("setActiveModel", dataset=dataset, json_body={"version": 1}, expect=200).json()
    assert (released["active"], released["pinned"]) == (True, False)
    api.call("createTrainingJob", dataset=dataset, json_body={}, **TRAIN)
    assert active(api, dataset) == 4
    entries = roles["read"].pages("listPromotions", dataset=dataset, limit=1)
    assert [(entry["version"], entry["previous_version"], entry["pinned"], entry["reason"]) for entry in entries] == \
        [(4, 1, False, "newest"), (1, 1, False, "manual"), (1, 1, True, "manual"), (1, None, False, "newest")]
    by = [entry["by"] for entry in entries]
    assert by[2]["type"] == "key" and by[2]["key_name"] == "contract write" and by[2]["training_job"] is None
    jobs = [job["id"] for job in api.pages("listTrainingJobs", dataset=dataset)]
    assert (by[0]["training_job"], by[3]["training_job"]) == (jobs[0], jobs[-1]) and by[0]["key_id"] is None
    answer = api.call("setActiveModel", dataset=dataset, json_body={"version": 1, "pinned": "yes"}, checked=False, expect=422)
    assert problem(answer, "invalid-body")["errors"][0]["pointer"] == "/pinned"


def test_a_deleted_dataset_takes_its_history_along(api, dataset, psql):
    data.train(api, dataset, 50)
    assert versions(api, dataset) == [(1, None)]
    api.call("deleteDataset", dataset=dataset, expect=204)
    data.create(api, dataset)
    assert versions(api, dataset) == []
