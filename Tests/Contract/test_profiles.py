"""Profiles of datasets: what the rows look like."""

import statistics
import time

from contract import data
from contract.client import problem


def profile(api, dataset, **query):
    return api.call("getProfile", dataset=dataset, query=query, expect=200).json()


def stored(api, dataset):
    """The profile that the newest training stores after its result."""
    for _ in range(100):
        told = profile(api, dataset)
        if told["changes_since"] or told["labels_used"] < told["labels_stored"]:
            return told
        time.sleep(0.1)
    raise AssertionError("no profile was stored")


def test_a_profile_describes_each_feature_by_outcome(api, dataset):
    rows = data.rows(300)
    data.add(api, dataset, rows)
    told = profile(api, dataset)
    assert told["exact"] and told["labels_used"] == told["labels_stored"] == 300 and told["changes_since"] == 0
    positives = sum(bool(row["label"]) for row in rows)
    assert told["label"]["positives"] == positives and told["label"]["negatives"] == 300 - positives
    declared = api.call("getDataset", dataset=dataset, expect=200).json()["features"]
    assert [feature["name"] for feature in told["features"]] == [feature["name"] for feature in declared]
    for feature in told["features"]:
        parts = {"all": rows, "positive": [row for row in rows if row["label"]],
                 "negative": [row for row in rows if not row["label"]]}
        for part, chosen in parts.items():
            values = [row["features"].get(feature["name"]) for row in chosen]
            present = [value for value in values if value is not None]
            summary = feature if part == "all" else feature["by_outcome"][part]
            assert (summary["count"], summary["missing"]) == (len(present), len(values) - len(present))
            assert summary["distinct"] == len({str(value) for value in present})
            if feature["type"] == "categorical":
                assert summary["numbers"] is None
                continue
            numbers = summary["numbers"]
            assert (numbers["minimum"], numbers["maximum"]) == (min(present), max(present))
            assert abs(numbers["mean"] - statistics.fmean(present)) < 1e-9 * max(map(abs, present))
            assert abs(numbers["standard_deviation"] - statistics.stdev(present)) < 1e-9 * max(map(abs, present))
            quartiles = statistics.quantiles(present, n=4, method="inclusive")
            assert all(abs(told["value"] - value) < 1e-9 * max(map(abs, present))
                       for told, value in zip(numbers["quantiles"][1:4], quartiles))
        if feature["type"] == "categorical":
            counted = sum(each["positives"] + each["negatives"] for each in feature["categories"]["top"])
            assert counted == feature["count"] and feature["categories"]["others"]["distinct"] == 0
        else:
            histogram = feature["histogram"]
            assert len(histogram["edges"]) == len(histogram["positives"]) + 1 == len(histogram["negatives"]) + 1
            assert sum(histogram["positives"]) == feature["by_outcome"]["positive"]["count"]
            assert sum(histogram["negatives"]) == feature["by_outcome"]["negative"]["count"]


def test_a_training_stores_the_profile(api, trained):
    data.add(api, trained, data.rows(3, seed=9))
    told = stored(api, trained)
    assert told["exact"] and told["changes_since"] == 3 and told["labels_used"] == told["labels_stored"] - 3


def test_deleted_labels_leave_the_profile(api, trained):
    data.add(api, trained, data.rows(1, seed=9))
    stored(api, trained)
    first = api.call("listLabels", dataset=trained, query={"limit": 1}).json()["data"][0]["id"]
    api.call("deleteLabel", dataset=trained, id=first, expect=204)
    told = profile(api, trained)
    assert told["labels_used"] == told["labels_stored"] and told["changes_since"] == 0


def test_pages(api, dataset):
    data.add(api, dataset, data.rows(5))
    whole = profile(api, dataset)
    assert whole["next_cursor"] is None and len(whole["features"]) > 2
    seen, cursor = [], {}
    while True:
        page = profile(api, dataset, limit=2, **cursor)
        seen += page["features"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == whole["features"]
    for query in ({"limit": "0"}, {"cursor": "x"}, {"feature": "x"}):
        problem(api.call("getProfile", dataset=dataset, query=query, expect=400), "invalid-parameter")


def test_an_unchanged_profile_is_not_repeated(api, trained):
    api.call("createTrainingJob", dataset=trained, json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    data.add(api, trained, data.rows(1, seed=9))
    stored(api, trained)
    first = api.call("getProfile", dataset=trained, expect=200)
    again = api.call("getProfile", dataset=trained, headers={"If-None-Match": first.headers["ETag"]}, expect=304)
    assert again.content == b""


def test_an_empty_dataset(api, dataset):
    told = profile(api, dataset)
    assert told["exact"] and told["labels_used"] == 0
    assert all(feature["numbers"] is None and feature["histogram"] is None for feature in told["features"])


def test_another_tenant_finds_nothing(other, trained):
    problem(other.call("getProfile", dataset=trained, expect=404), "not-found")
