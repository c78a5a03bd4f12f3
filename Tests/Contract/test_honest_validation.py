"""KPIs are measured as the world decides: by group, by time, by the owner's own split, and with weights."""

import random

import pytest

from contract import data
from contract.client import problem

TRAIN = {"headers": {"Prefer": "wait=120"}, "timeout": 130, "expect": 200}
FEATURES = [{"name": "customer", "type": "categorical"}, {"name": "x", "type": "continuous"}]


@pytest.fixture
def small(api, dataset) -> str:
    """A new dataset with a category and a number."""
    return data.create(api, f"{dataset}-small", features=FEATURES, label={"name": "label"})


def kpis(api, dataset, validation, **parameters) -> dict:
    body = {"validation": validation} | parameters
    job = api.call("createTrainingJob", dataset=dataset, json_body=body, **TRAIN).json()
    assert job["state"] == "succeeded", job
    return job["kpis"]


def test_customers_are_not_on_both_sides(api, small):
    generator = random.Random(16)
    rows = []
    for customer in range(200):
        outcome = generator.randrange(2)
        for _ in range(10):
            features = {"customer": f"c{customer}", "x": generator.gauss(0, 1)}
            rows.append({"features": features, "label": outcome, "group": f"c{customer}"})
    generator.shuffle(rows)
    data.add(api, small, rows)
    assert kpis(api, small, {"method": "holdout"})["roc_auc"] > 0.99
    for method in ("holdout", "kfold"):
        honest = kpis(api, small, {"method": method, "group": True})
        assert 0.3 < honest["roc_auc"] < 0.7, method
        low, high = honest["intervals"]["roc_auc"]
        assert low < 0.5 < high, method


def test_a_relation_that_turns_round_is_seen_by_time(api, small):
    generator = random.Random(17)
    rows = []
    for day in range(100):
        for _ in range(10):
            x = generator.gauss(0, 1)
            outcome = int(x > 0) if day < 80 else int(x < 0)
            moment = f"2024-{1 + day // 28:02}-{1 + day % 28:02}"
            rows.append({"features": {"x": x}, "label": outcome, "occurred_at": moment})
    generator.shuffle(rows)
    data.add(api, small, rows)
    assert kpis(api, small, {"method": "holdout"})["roc_auc"] > 0.6
    later = kpis(api, small, {"method": "time", "fraction": 0.2})
    assert later["roc_auc"] < 0.2 and later["validation_rows"] == 200
    gap = kpis(api, small, {"method": "time", "fraction": 0.2, "gap_days": 14})
    assert gap["validation_rows"] == 200


def test_one_time_cannot_be_cut(api, small):
    data.add(api, small, [{"features": {"x": n}, "label": n % 2, "occurred_at": "2024-01-01"} for n in range(40)])
    job = api.call("createTrainingJob", dataset=small, json_body={"validation": {"method": "time"}}, **TRAIN).json()
    assert (job["state"], job["error"]["type"]) == ("failed", "one-time")


def test_the_owner_s_split_is_measured(api, small):
    header = "x,label,set\r\n"
    lines = "".join(f"{n},{int(n > 50)},{'TEST' if n % 4 == 0 else 'TRAIN'}\r\n" for n in range(100))
    api.call("addLabels", dataset=small, query={"split_column": "set"}, data=(header + lines).encode(), media_type="text/csv", expect=201)
    measured = kpis(api, small, {"method": "split"})
    assert (measured["validation_rows"], measured["labels_used"]) == (25, 100)
    api.call("deleteLabels", dataset=small, query={"split": "validation"}, expect=200)
    job = api.call("createTrainingJob", dataset=small, json_body={"validation": {"method": "split"}}, **TRAIN).json()
    assert (job["state"], job["error"]["type"]) == ("failed", "cannot-validate")


def test_a_weight_counts_as_so_many_rows(api, small, dataset):
    generator = random.Random(18)
    rows = [{"features": {"x": generator.gauss(n % 2, 1)}, "label": n % 2, "split": "validation" if n % 5 == 0 else "train"} for n in range(200)]
    copies = data.create(api, f"{dataset}-copies", features=FEATURES, label={"name": "label"})
    data.add(api, small, [row | {"weight": 1 + n % 3} for n, row in enumerate(rows)])
    data.add(api, copies, [row for n, row in enumerate(rows) for _ in range(1 + n % 3)])
    weighted, counted = kpis(api, small, {"method": "split"}), kpis(api, copies, {"method": "split"})
    for metric in ("roc_auc", "pr_auc", "log_loss", "brier_score", "accuracy", "mcc", "f1"):
        assert weighted[metric] == pytest.approx(counted[metric], abs=1e-6), metric
    assert weighted["validation_rows"] == 40 and 30 < weighted["effective_rows"] < 40


@pytest.mark.parametrize(
    "validation",
    [
        {"method": "time", "folds": 5}, {"method": "split", "fraction": 0.2}, {"method": "holdout", "gap_days": 1}, {"method": "later"},
        {"method": "time", "gap_days": -1}, {"method": "kfold", "group": 1},
    ],
)
def test_members_that_do_not_go_with_the_method_are_refused(api, small, validation):
    answer = api.call("createTrainingJob", dataset=small, json_body={"validation": validation}, checked=False, expect=422)
    problem(answer, "invalid-body")
