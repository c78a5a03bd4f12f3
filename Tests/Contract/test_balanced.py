"""Trainings with `class_weight: balanced`: decisions are balanced, and probabilities have the frequency of the rows."""

import math
import random
import uuid

import pytest

from contract import data

FEATURES = [{"name": "a", "type": "continuous"}, {"name": "b", "type": "continuous"},
            {"name": "c", "type": "categorical"}]
BALANCED = {"class_weight": "balanced"}
FOLDS = {"validation": {"method": "kfold", "folds": 4}}


def rare(count, seed):
    """Labels of which about one in a hundred is 1."""
    generator = random.Random(seed)
    labels = []
    for _ in range(count):
        values = {"a": generator.gauss(0, 1), "b": generator.gauss(5, 2), "c": generator.choice(["x", "y", "z"])}
        logit = -5.6 + values["a"] - 0.3 * (values["b"] - 5) + {"x": 0, "y": 1, "z": -1}[values["c"]]
        labels.append({"features": values, "label": int(generator.random() < data.sigmoid(logit))})
    return labels


def share(labels):
    return sum(label["label"] for label in labels) / len(labels)


def constant_loss(rate):
    return -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))


@pytest.fixture(scope="module")
def known():
    return rare(8000, 1)


@pytest.fixture(scope="module")
def rarely(api, known):
    name = f"rare-{uuid.uuid4().hex[:8]}"
    training = BALANCED | {"family": "linear"}
    api.call("createDataset", json_body={"name": name, "features": FEATURES, "training": training}, expect=201)
    for start in range(0, len(known), 2000):
        data.add(api, name, known[start:start + 2000])
    return name


def trained(api, dataset, **parameters):
    job = api.call("createTrainingJob", dataset=dataset, json_body=parameters, headers={"Prefer": "wait=60"},
                   expect=200).json()
    assert job["state"] == "succeeded", job
    return job


def predictions(api, dataset, version, labels):
    answers = []
    for start in range(0, len(labels), 1000):
        body = {"predictions": [{"features": label["features"]} for label in labels[start:start + 1000]]}
        answers += api.call("predictBatch", dataset=dataset, query={"store": "false"}, json_body=body,
                            expect=200).json()["predictions"]
    assert {answer["model_version"] for answer in answers} == {version}
    return answers


def by_hand(model, values, shift=0.0):
    """The log-odds of an exported model, less a shift."""
    logit = model["standardized_intercept"] - shift
    for feature in model["features"]:
        value = values[feature["name"]]
        if feature["kind"] == "categorical":
            named = {each["name"]: each["coefficient"]["standardized"] for each in feature["categories"]}
            logit += named.get(value, 0)
        else:
            logit += feature["coefficient"]["standardized"] * (value - feature["mean"]) / feature["scale"]
    return logit


@pytest.mark.parametrize("validation", [{}, FOLDS], ids=["holdout", "kfold"])
def test_probabilities_have_the_frequency_of_the_rows(api, rarely, known, validation):
    job = trained(api, rarely, **validation)
    kpis, rate = job["kpis"], share(known)
    assert job["parameters"]["class_weight"] == "balanced" and job["parameters"]["threshold"] is None
    answers = predictions(api, rarely, job["model_version"], known)
    assert abs(sum(answer["probability"] for answer in answers) / len(answers) - rate) < 1e-9
    fresh = rare(4000, 2)
    answers = predictions(api, rarely, job["model_version"], fresh)
    mean = sum(answer["probability"] for answer in answers) / len(answers)
    assert abs(mean - share(fresh)) < 4 * math.sqrt(rate / len(fresh) + rate / len(known))
    # Held-out rows are measured as fresh ones are.
    matrix = kpis["confusion_matrix"]
    measured = (matrix["true_positive"] + matrix["false_negative"]) / kpis["validation_rows"]
    assert kpis["log_loss"] < constant_loss(measured)
    assert kpis["brier_score"] < measured * (1 - measured)
    # Decisions are balanced: many more than one row in a hundred, and most of the positives.
    assert (matrix["true_positive"] + matrix["false_positive"]) / kpis["validation_rows"] > 0.1
    assert kpis["recall"] > 0.5 and kpis["balanced_accuracy"] > 0.6
    curve = api.call("getCurves", dataset=rarely, version=job["model_version"], expect=200).json()["calibration"]
    assert max(point["mean_probability"] for point in curve) < 0.2
    missed = [point for point in curve if not point["interval"][0] <= point["mean_probability"] <= point["interval"][1]]
    assert len(missed) <= 4, missed


def test_decisions_and_exports_are_those_of_the_balanced_fit(api, rarely, known, psql):
    version = trained(api, rarely)["model_version"]
    answers = predictions(api, rarely, version, known[:1000])
    model = api.call("exportModelJson", dataset=rarely, version=version, expect=200).json()
    threshold = api.call("getModel", dataset=rarely, version=version, expect=200).json()["threshold"]
    assert model["threshold"] == threshold == answers[0]["threshold"]
    assert math.isclose(threshold, data.sigmoid(model["intercept_shift"]), rel_tol=1e-12)
    assert model["parameters"]["threshold"] is None
    for label, answer in zip(known, answers, strict=False):
        logit = by_hand(model, label["features"])
        assert abs(data.sigmoid(logit) - answer["probability"]) < 1e-12
        assert answer["label"] == int(answer["probability"] >= threshold)
        # The weighted fit decides at 0.5, where the logit is 0.
        assert answer["label"] == int(by_hand(model, label["features"], model["intercept_shift"]) >= 0)
    assert 100 < sum(answer["label"] for answer in answers) < 900
    script = ['CREATE TEMPORARY TABLE rare (place integer, a double precision, b double precision, c text);']
    for place, label in enumerate(known[:1000]):
        values = label["features"]
        script.append(f"INSERT INTO rare VALUES ({place}, {values['a']!r}, {values['b']!r}, '{values['c']}');")
    select = api.call("exportModelSql", dataset=rarely, version=version, query={"table": "rare"}, expect=200).text
    script.append(f"SELECT probability, label FROM ({select}) AS answers ORDER BY place;")
    lines = [line.split("|") for line in psql("\n".join(script)).split()]
    for answer, (probability, decision) in zip(answers, lines, strict=True):
        assert abs(float(probability) - answer["probability"]) < 1e-12
        assert int(decision) == answer["label"]


def test_a_given_threshold_is_a_probability(api, rarely):
    for given in (0.3, 0.5):
        job = trained(api, rarely, threshold=given)
        assert job["parameters"]["threshold"] == job["kpis"]["threshold"] == given
        model = api.call("getModel", dataset=rarely, version=job["model_version"], expect=200).json()
        assert model["threshold"] == model["parameters"]["threshold"] == given
        matrix = job["kpis"]["confusion_matrix"]
        assert matrix["true_positive"] + matrix["false_positive"] < 0.02 * job["kpis"]["validation_rows"]
    cost = {"cost": {"false_positive": 1, "false_negative": 49}}
    job = trained(api, rarely, threshold=cost, **FOLDS)
    assert job["parameters"]["threshold"] == cost
    # Decisions cost least from the probability 1 / (1 + 49) on.
    assert 0.008 < job["kpis"]["threshold"] < 0.05


def test_a_dataset_tells_one_half_from_the_default(api):
    def training(name):
        return api.call("getDataset", dataset=name, expect=200).json()["training"]

    def patched(name, change):
        return api.call("updateDataset", dataset=name, json_body={"training": change},
                        media_type="application/merge-patch+json", expect=200).json()["training"]

    name = f"half-{uuid.uuid4().hex[:8]}"
    api.call("createDataset", json_body={"name": name, "features": FEATURES}, expect=201)
    assert training(name)["threshold"] == 0.5
    assert patched(name, BALANCED)["threshold"] is None
    shown = training(name)
    assert "threshold_given" not in shown and patched(name, shown) == shown
    assert patched(name, {"threshold": 0.5})["threshold"] == 0.5
    shown = training(name)
    assert "threshold_given" not in shown and patched(name, shown) == shown
    assert patched(name, {"C": 2})["threshold"] == 0.5
    assert patched(name, {"threshold": None})["threshold"] is None
    assert patched(name, {"class_weight": None})["threshold"] == 0.5
