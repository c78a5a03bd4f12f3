"""Methods of validation: what is accepted and shown, and which rows the KPIs are measured on."""

import pytest

from contract import data


def train(api, dataset, validation):
    return api.call("createTrainingJob", dataset=dataset, json_body={"validation": validation},
                    headers={"Prefer": "wait=60"}, expect=200).json()


@pytest.mark.parametrize("given,shown", [
    ({"method": "holdout", "group": True}, {"method": "holdout", "fraction": 0.2, "group": True}),
    ({"method": "holdout", "group": False}, {"method": "holdout", "fraction": 0.2}),
    ({"method": "kfold", "folds": 3, "group": None}, {"method": "kfold", "folds": 3}),
    ({"method": "time"}, {"method": "time", "fraction": 0.2, "gap_days": 0}),
    ({"method": "time", "fraction": 0.5, "gap_days": 1.5, "group": True},
     {"method": "time", "fraction": 0.5, "gap_days": 1.5, "group": True}),
    ({"method": "split"}, {"method": "split"}),
    ({"method": "split", "group": True}, {"method": "split", "group": True}),
], ids=str)
def test_methods_are_shown_as_they_are_accepted(api, dataset, given, shown):
    patch = {"dataset": dataset, "expect": 200}
    for validation in (given, shown):
        answer = api.call("updateDataset", json_body={"training": {"validation": validation}}, **patch).json()
        assert answer["training"]["validation"] == shown
    data.add(api, dataset, data.rows(30))
    job = api.call("createTrainingJob", dataset=dataset, json_body={}, expect=202).json()
    assert job["parameters"]["validation"] == shown


@pytest.mark.parametrize("validation,pointers", [
    ({"method": "newest"}, ["method"]), ({"group": True}, ["method"]),
    ({"method": "holdout", "gap_days": 1}, ["gap_days"]), ({"method": "kfold", "gap_days": 1}, ["gap_days"]),
    ({"method": "kfold", "fraction": 0.2}, ["fraction"]), ({"method": "time", "folds": 3}, ["folds"]),
    ({"method": "time", "gap_days": -1}, ["gap_days"]), ({"method": "time", "gap_days": 36501}, ["gap_days"]),
    ({"method": "time", "fraction": 0.95}, ["fraction"]), ({"method": "time", "gap": 1}, ["gap"]),
    ({"method": "split", "fraction": 0.2, "folds": 2, "gap_days": 0}, ["fraction", "folds", "gap_days"]),
    ({"method": "holdout", "group": "yes"}, ["group"]),
], ids=str)
def test_members_of_another_method_and_bad_values_are_refused(api, dataset, validation, pointers):
    answer = api.call("updateDataset", dataset=dataset, json_body={"training": {"validation": validation}},
                      checked=False, expect=422)
    assert sorted(error["pointer"] for error in answer.json()["errors"]) == sorted(
        f"/training/validation/{pointer}" for pointer in pointers)
    answer = api.call("createTrainingJob", dataset=dataset, json_body={"validation": validation}, checked=False,
                      expect=422)
    assert sorted(error["pointer"] for error in answer.json()["errors"]) == sorted(
        f"/validation/{pointer}" for pointer in pointers)


def test_a_batch_that_came_at_once_stays_together(api, dataset):
    rows = data.rows(400)
    data.add(api, dataset, rows[:300])
    job = train(api, dataset, {"method": "time"})
    assert (job["state"], job["error"]["type"], job["model_version"]) == ("failed", "one-time", None)
    assert job["error"]["detail"].startswith("All 300 rows have the same time")
    data.add(api, dataset, rows[300:])
    job = train(api, dataset, {"method": "time"})
    assert job["state"] == "succeeded", job["error"]
    assert (job["kpis"]["validation_rows"], job["kpis"]["labels_used"]) == (100, 400)
    # The rows that came before the last ones came on the same day.
    job = train(api, dataset, {"method": "time", "gap_days": 1})
    assert (job["state"], job["error"]["type"]) == ("failed", "cannot-validate")
    assert "with the gap left out" in job["error"]["detail"]


def test_a_split_without_marks_has_nothing_to_measure(api, dataset):
    data.add(api, dataset, data.rows(100))
    job = train(api, dataset, {"method": "split"})
    assert (job["state"], job["error"]["type"]) == ("failed", "cannot-validate")
    assert "No row has the split validation" in job["error"]["detail"]


@pytest.mark.parametrize("validation", [{"method": "holdout"}, {"method": "kfold"}], ids=str)
def test_duplicates_on_both_sides_are_counted(api, dataset, validation):
    rows = data.rows(300)
    data.add(api, dataset, rows)

    def warnings(job):
        assert job["state"] == "succeeded", job["error"]
        model = api.call("getModel", dataset=dataset, version=job["model_version"], expect=200).json()
        return [warning for warning in model["warnings"] if warning["kind"] == "duplicate_rows"]

    assert warnings(train(api, dataset, validation)) == []
    data.add(api, dataset, rows)
    job = train(api, dataset, validation)
    [warning] = warnings(job)
    count, rest = warning["detail"].split(" of the ", 1)
    measured = job["kpis"]["validation_rows"]
    assert rest.startswith(f"{measured} measured rows") and warning["feature"] is None
    # A duplicate is on the same side with the probability of the side.
    assert 0.6 * measured < int(count) < measured
