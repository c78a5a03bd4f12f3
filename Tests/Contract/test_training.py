"""Training jobs: queue, wait, read, follow, cancel; automatic training; the resulting KPIs."""

import csv
import io
import json
import math
import time

import pytest

from contract import data, document
from contract.client import problem

FINAL = ("succeeded", "failed", "cancelled")


def finished(api, dataset, job, seconds=120) -> dict:
    deadline = time.monotonic() + seconds
    while True:
        state = api.call("getTrainingJob", dataset=dataset, id=job, expect=200).json()
        if state["state"] in FINAL:
            return state
        assert time.monotonic() < deadline, state
        time.sleep(0.05)


def check_kpis(kpis: dict, labels: int, positives: int) -> None:
    matrix = kpis["confusion_matrix"]
    tp, fp = matrix["true_positive"], matrix["false_positive"]
    tn, fn = matrix["true_negative"], matrix["false_negative"]
    rows = kpis["validation_rows"]
    assert (kpis["labels_used"], kpis["positives"], kpis["negatives"]) == (labels, positives, labels - positives)
    assert tp + fp + tn + fn == rows
    assert math.isclose(kpis["accuracy"], (tp + tn) / rows)
    assert math.isclose(kpis["recall"], tp / (tp + fn)) and math.isclose(kpis["specificity"], tn / (tn + fp))
    assert math.isclose(kpis["balanced_accuracy"], (kpis["recall"] + kpis["specificity"]) / 2)
    assert math.isclose(kpis["baseline_accuracy"], max(tp + fn, tn + fp) / rows)
    assert kpis["precision"] is None if tp + fp == 0 else math.isclose(kpis["precision"], tp / (tp + fp))
    for name, interval in kpis["intervals"].items():
        if interval is not None:
            low, high = interval
            assert low <= kpis[name] <= high, (name, interval, kpis[name])


def test_a_job_is_queued_and_runs_to_its_end(api, dataset):
    rows = data.rows(200)
    data.add(api, dataset, rows)
    answer = api.call("createTrainingJob", dataset=dataset, json_body={"C": 0.5, "seed": 3}, expect=202)
    job = answer.json()
    assert answer.headers["Location"] == f"/v1/datasets/{dataset}/training-jobs/{job['id']}"
    assert job["trigger"] == "manual" and job["state"] in ("queued", "running", *FINAL)
    assert (job["parameters"]["C"], job["parameters"]["seed"], job["parameters"]["penalty"]) == (0.5, 3, "l2")
    done = finished(api, dataset, job["id"])
    assert (done["state"], done["progress"], done["error"], done["model_version"]) == ("succeeded", 1, None, 1)
    assert done["created_at"] <= done["started_at"] <= done["finished_at"]
    check_kpis(done["kpis"], 200, sum(row["label"] for row in rows))
    described = api.call("getDataset", dataset=dataset).json()
    assert (described["active_model"]["version"], described["active_model"]["labels_used"]) == (1, 200)
    assert api.pages("listTrainingJobs", dataset=dataset) == [done]


@pytest.mark.parametrize("body", [None, b""], ids=["no body", "empty body"])
def test_waiting_for_the_finished_job(api, dataset, body):
    data.add(api, dataset, data.rows(100))
    answer = api.call("createTrainingJob", dataset=dataset, data=body, media_type=body and "application/json",
                      headers={"Prefer": "wait=60"}, expect=200)
    assert answer.headers["Preference-Applied"] == "wait=60"
    assert answer.json()["state"] == "succeeded"
    answer = api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "wait=0"},
                      expect=(200, 202))
    finished(api, dataset, answer.json()["id"])
    answer = api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "respond-async"},
                      expect=202)
    assert "Preference-Applied" not in answer.headers
    finished(api, dataset, answer.json()["id"])


@pytest.mark.parametrize("parameters", [
    {"penalty": "l1", "C": 0.3}, {"penalty": "elasticnet", "l1_ratio": 0.5}, {"penalty": "none"},
    {"class_weight": "balanced", "validation": {"method": "kfold", "folds": 3}},
    {"threshold": {"maximize": "mcc"}}, {"threshold": {"metric": "recall", "at_least": 0.9}},
    {"threshold": {"cost": {"false_positive": 1, "false_negative": 5}}}, {"threshold": 0.3},
], ids=str)
def test_every_kind_of_training(api, trained, parameters):
    answer = api.call("createTrainingJob", dataset=trained, json_body=parameters, headers={"Prefer": "wait=60"},
                      expect=200)
    job = answer.json()
    assert job["state"] == "succeeded", job["error"]
    for name, value in parameters.items():
        assert job["parameters"][name] == value
    check_kpis(job["kpis"], 400, job["kpis"]["positives"])
    if parameters.get("threshold") == 0.3:
        assert job["kpis"]["threshold"] == 0.3


OWN = {"family": "linear", "penalty": "elasticnet", "l1_ratio": 0.25, "C": 0.5, "class_weight": "balanced",
       "threshold": {"maximize": "f1"},
       "validation": {"method": "kfold", "folds": 3}, "seed": 7, "tolerance": 1e-7, "max_iterations": 50}


@pytest.mark.parametrize("given,changed", [
    ({}, {}), (dict.fromkeys(OWN), {}), ({"C": None, "seed": 8}, {"seed": 8}),
    ({"penalty": "l2"}, {"penalty": "l2", "l1_ratio": None}), ({"penalty": "l1"}, {"penalty": "l1", "l1_ratio": None}),
    ({"penalty": "none", "l1_ratio": None}, {"penalty": "none", "l1_ratio": None}),
    ({"penalty": None, "l1_ratio": 0.75}, {"l1_ratio": 0.75}), ({"validation": {"method": "holdout"}},
                                                               {"validation": {"method": "holdout", "fraction": 0.2}}),
], ids=str)
def test_parameters_of_a_job_are_laid_over_those_of_the_dataset(api, dataset, given, changed):
    """Null is the same as absent: the dataset's own parameter."""
    data.add(api, dataset, data.rows(30))
    api.call("updateDataset", dataset=dataset, json_body={"training": OWN}, expect=200)
    train = {"dataset": dataset, "headers": {"Prefer": "wait=60"}, "expect": 200}
    job = api.call("createTrainingJob", json_body=given, **train).json()
    assert job["parameters"] == OWN | changed and job["state"] == "succeeded", job
    again = api.call("createTrainingJob", json_body=job["parameters"], **train).json()
    # Here, too, null is the dataset's own.
    assert again["parameters"] == job["parameters"]
    assert api.call("getDataset", dataset=dataset).json()["training"] == OWN


def test_a_ratio_that_does_not_fit_the_penalty_is_refused(api, dataset):
    data.add(api, dataset, data.rows(30))
    api.call("updateDataset", dataset=dataset, json_body={"training": OWN}, expect=200)
    for given in ({"penalty": "l2", "l1_ratio": 0.25}, {"l1_ratio": 2}):
        answer = api.call("createTrainingJob", dataset=dataset, json_body=given, checked=False, expect=422)
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/l1_ratio"]


@pytest.mark.parametrize("labels", [[], [0] * 12, [1] * 12, [0, 1]], ids=str)
def test_too_few_labels_are_refused_at_once(api, dataset, labels):
    if labels:
        data.add(api, dataset, [{"features": {"age": 20 + i}, "label": label} for i, label in enumerate(labels)])
    answer = api.call("createTrainingJob", dataset=dataset, json_body={}, expect=409)
    problem(answer, "too-few-labels")
    assert api.pages("listTrainingJobs", dataset=dataset) == []


def test_cancel(api, dataset):
    data.add(api, dataset, data.rows(3000))
    jobs = [api.call("createTrainingJob", dataset=dataset, json_body={"seed": n}, expect=202).json()["id"]
            for n in range(6)]
    assert [job["id"] for job in api.pages("listTrainingJobs", dataset=dataset, limit=2)] == jobs[::-1]
    answer = api.call("cancelTrainingJob", dataset=dataset, id=jobs[-1], expect=200)
    assert answer.json()["state"] == "cancelled", "one job of a dataset runs at a time: the last one was queued"
    for job in jobs[:-1]:
        assert finished(api, dataset, job)["state"] == "succeeded"
    for job in jobs:
        problem(api.call("cancelTrainingJob", dataset=dataset, id=job, expect=409), "job-finished")
    assert len(api.pages("listModels", dataset=dataset)) == 5


def test_follow(api, dataset):
    data.add(api, dataset, data.rows(1000))
    job = api.call("createTrainingJob", dataset=dataset, json_body={}, expect=202).json()["id"]
    answer = api.call("followTrainingJob", dataset=dataset, id=job, expect=200)
    events = []
    for block in answer.text.replace("\r\n", "\n").split("\n\n"):
        fields = [line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":")]
        if fields:
            named = dict(fields)
            events.append((named["event"], json.loads(named["data"])))
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert "no-transform" in answer.headers["Cache-Control"]
    schema = document.resolve(document.document()["components"]["schemas"]["TrainingJob"])
    for name, state in events:
        assert name in ("state", "progress")
        document.check_value("event", schema, state)
    assert events[0][0] == "state" and events[-1][0] == "state"
    assert events[-1][1] == api.call("getTrainingJob", dataset=dataset, id=job).json()
    assert events[-1][1]["state"] == "succeeded"
    progress = [state["progress"] for _, state in events]
    assert progress == sorted(progress) and progress[-1] == 1
    again = api.call("followTrainingJob", dataset=dataset, id=job, expect=200)
    assert again.text.count("event: state") == 1, "a finished job has one event"


def test_follow_from_any_event(api, dataset):
    data.add(api, dataset, data.rows(1000))
    job = api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "wait=60"},
                   expect=200).json()

    def follow(last):
        headers = {} if last is None else {"Last-Event-ID": last}
        answer = api.call("followTrainingJob", dataset=dataset, id=job["id"], headers=headers, expect=(200, 204))
        if answer.status_code == 204:
            return None
        blocks = [dict(line.split(": ", 1) for line in block.splitlines())
                  for block in answer.text.strip().split("\n\n")]
        return [(int(block["id"]), block["event"], json.loads(block["data"])) for block in blocks]

    [(end, kind, state)] = follow(None)
    assert (kind, state) == ("state", job)
    everything = follow("0")
    assert [(name, state["state"]) for _, name, state in everything] == [
        ("state", "queued"), ("state", "running"), ("state", "succeeded")]
    assert [number for number, _, _ in everything] == sorted({number for number, _, _ in everything})
    assert everything[0][2]["started_at"] is None and everything[0][2]["attempt"] == 0
    assert everything[1][2]["started_at"] == job["started_at"] and everything[1][2]["finished_at"] is None
    for number, _, _ in everything[:-1]:
        assert follow(str(number)) == [event for event in everything if event[0] > number]
    assert follow(str(end)) is None, "no reason to call again"
    for nonsense in ("x", "-1", str(end + 1), "9" * 30):
        assert follow(nonsense) == follow(None)


def test_automatic_training(api, dataset):
    policy = {"auto_train": {"enabled": True, "min_new_labels": 50}}
    api.call("updateDataset", dataset=dataset, json_body=policy, expect=200)
    assert data.add(api, dataset, data.rows(49))["training_job"] is None
    job = data.add(api, dataset, data.rows(1, seed=2))["training_job"]
    assert isinstance(job, int)
    done = finished(api, dataset, job)
    assert (done["state"], done["trigger"], done["kpis"]["labels_used"]) == ("succeeded", "auto", 50)
    assert data.add(api, dataset, data.rows(1, seed=3))["training_job"] is None
    [record] = api.pages("listKpis", dataset=dataset)
    assert (record["trigger"], record["training_job"]) == ("auto", job)


def test_a_new_policy_applies_at_once(api, dataset):
    data.add(api, dataset, data.rows(60))
    policy = {"auto_train": {"enabled": True, "min_new_labels": 60, "max_delay_seconds": 3600}}
    api.call("updateDataset", dataset=dataset, json_body=policy, expect=200)
    [job] = api.pages("listTrainingJobs", dataset=dataset)
    done = finished(api, dataset, job["id"])
    assert (done["state"], done["trigger"], done["kpis"]["labels_used"]) == ("succeeded", "auto", 60)
    waiting = data.add(api, dataset, data.rows(1, seed=2))["training_job"]
    assert api.call("getTrainingJob", dataset=dataset, id=waiting).json()["state"] == "queued"
    api.call("updateDataset", dataset=dataset, json_body={"auto_train": None}, expect=200)
    ended = api.call("getTrainingJob", dataset=dataset, id=waiting).json()
    assert (ended["state"], ended["error"]["type"]) == ("cancelled", "cancelled")


def test_history_of_kpis(api, dataset):
    for count, seed in ((60, 1), (40, 2), (30, 3)):
        data.add(api, dataset, data.rows(count, seed))
        api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    history = api.pages("listKpis", dataset=dataset, limit=2)
    assert [record["model_version"] for record in history] == [1, 2, 3]
    assert [record["labels_used"] for record in history] == [60, 100, 130]
    api.call("deleteModel", dataset=dataset, version=1, expect=204)
    assert api.pages("listKpis", dataset=dataset) == history, "the history stays when a model goes"
    answer = api.call("exportKpisCsv", dataset=dataset, expect=200)
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(line["model_version"]) for line in table] == [1, 2, 3]
    for line, record in zip(table, history, strict=True):
        for name in ("accuracy", "roc_auc", "log_loss", "labels_used"):
            assert float(line[name]) == record[name]
        assert int(line["true_positive"]) == record["confusion_matrix"]["true_positive"]


def test_an_empty_object_counts_as_no_body(api, dataset):
    """Cancelling accepts an empty object as an absent body."""
    data.add(api, dataset, data.rows(40))
    job = api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "wait=120"}, timeout=130,
                   expect=200).json()["id"]

    def cancel(body: bytes, media_type: str, status: int, kind: str):
        answer = api.call("cancelTrainingJob", dataset=dataset, id=job, data=body, media_type=media_type, expect=status)
        problem(answer, kind)

    cancel(b"{}", "application/json", 409, "job-finished")
    cancel(b"<cancel/>", "application/xml", 415, "unsupported-media-type")
    cancel(b" " * (2 << 20), "application/json", 413, "body-too-large")
    cancel(b'{"why": "not"}', "application/json", 422, "invalid-body")
    cancel(b"{", "application/json", 400, "malformed-body")


def test_events_are_a_stream_regardless_of_accept(api, trained):
    job = api.pages("listTrainingJobs", dataset=trained)[0]["id"]
    for accept in ("text/event-stream", "application/problem+json", "application/json", "*/*"):
        answer = api.call("followTrainingJob", dataset=trained, id=job, headers={"Accept": accept}, expect=200)
        assert answer.headers["Content-Type"] == "text/event-stream"
