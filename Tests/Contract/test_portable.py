"""Exported models give the server's predictions to 1e-12: the JSON in plain Python, the SQL in PostgreSQL, the PMML in
a PMML reader."""

import bisect
import json
import math
import random

import pytest
from jpmml_evaluator import make_evaluator

from contract import data
from contract.client import problem

NUMBERS = {
    "probability": "continuous", "label": "discrete", "a \"net\" <&> 'x'": "continuous", "select": "continuous",
    "x": "continuous", "x__standardized": "continuous", "created_ms": "continuous", "constant": "continuous",
    "ünï ✓ 雪": "discrete", "tiny": "continuous",
}
CATEGORIES = {
    "côlour's": ["red", "it's \"green\" & <blue>", "back\\slash", "grün", " spaced ", "a;b--", "NULL"],
    "outcome": ["yes", "no"],
    "code": [0, 7, 12],
    "is new": [True, False],
    "never filled": [],
}
FEATURES = [{"name": name, "type": kind} for name, kind in NUMBERS.items()] + [
    {"name": name, "type": "categorical"} for name in CATEGORIES]


def row(generator, missing=0.12, strange=0.0):
    """Values of all features, some of them missing, and with `strange` some that the training does not contain."""
    far = 50 if generator.random() < strange else 1
    values = {
        "probability": far * generator.gauss(0, 1), "label": generator.randint(-3, 9) * far,
        "a \"net\" <&> 'x'": generator.gauss(1e6, 3e5) * far, "select": generator.uniform(-1, 1),
        "x": generator.gauss(0, 1), "x__standardized": generator.expovariate(0.5),
        "created_ms": 1_732_000_000_000 + generator.randint(0, 10**9), "constant": 3.25,
        "ünï ✓ 雪": generator.randint(0, 4), "tiny": generator.gauss(0, 1e-6) * far,
    }
    for name, levels in CATEGORIES.items():
        values[name] = generator.choice(levels) if levels else None
        if generator.random() < strange:
            values[name] = "never seen"
    # These features have no missing values in the training.
    kept = {"x", "constant", "code"} if not strange else set()
    return {name: None if name not in kept and generator.random() < missing else value
            for name, value in values.items()}


@pytest.fixture(scope="module", params=[
    {"penalty": "l2", "threshold": {"maximize": "f1"}}, {"penalty": "l1", "C": 0.05}, {"penalty": "none"},
    {"penalty": "elasticnet", "l1_ratio": 0.5, "class_weight": "balanced"},
    {"family": "additive", "max_pairs": 6, "pairs": [["x", "côlour's"], ["tiny", "a \"net\" <&> 'x'"], ["code", "is new"]]},
], ids=lambda parameters: parameters.get("penalty", "additive"))
def elsewhere(api, request) -> dict:
    """A model with every kind of feature, unusual rows, and the server's predictions for them."""
    name = f"portable-{request.param.get('penalty', 'additive')}"
    body = {"name": name, "features": FEATURES, "label": {"name": "truth"}}
    api.call("createDataset", json_body=body, expect=201)
    generator = random.Random(5)
    labels = []
    for _ in range(1500):
        values = row(generator)
        logit = (values["probability"] or 0) + 0.4 * (values["x__standardized"] or 0) - 1
        logit += {"red": 1.5, "grün": -1.0, None: 0.5}.get(values["côlour's"], 0) + (values["is new"] is True)
        logit += 0.3 * ((values["label"] or 0) - 3) + 4e5 * (values["tiny"] or 0)
        labels.append({"features": values, "label": int(generator.random() < data.sigmoid(logit))})
    data.add(api, name, labels)
    job = api.call("createTrainingJob", dataset=name, json_body={"family": "linear"} | request.param, headers={"Prefer": "wait=60"},
                   expect=200).json()
    assert job["state"] == "succeeded", job
    rows = [label["features"] for label in labels[:60]] + [row(generator, strange=0.3) for _ in range(60)]
    rows.append(dict.fromkeys(NUMBERS | CATEGORIES))
    answers = api.call("predictBatch", dataset=name, query={"store": "false", "explain": "true"}, expect=200,
                       json_body={"predictions": [{"features": values} for values in rows]}).json()["predictions"]

    def export(form, **more):
        return api.call(f"exportModel{form}", dataset=name, version=1, query=more, expect=200)

    return {"name": name, "rows": rows, "answers": answers, "export": export,
            "is_additive": request.param.get("family") == "additive"}


def category(value):
    """The stored text of a category."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def agree(elsewhere, answered):
    for values, answer, (probability, label) in zip(elsewhere["rows"], elsewhere["answers"], answered, strict=True):
        assert abs(probability - answer["probability"]) < 1e-12, values
        assert label == answer["label"], values


def additive_logit(model, values) -> float:
    """The sum of the functions of an additive model. What it has no value for adds nothing."""
    def place(feature, value, edges, missing=None):
        """The index of a value among bins or categories."""
        if value is None:
            return missing
        if edges is not None:
            return bisect.bisect_right(edges, value)
        text = category(value)
        return feature["categories"].index(text) if text in feature["categories"] else None

    parts = [model["intercept"]]
    for feature in model["features"]:
        value = values.get(feature["name"])
        if value is None:
            parts.append(feature.get("missing", {"value": 0})["value"])
            continue
        edges = None if feature["kind"] == "categorical" else feature.get("edges", [])
        index = place(feature, value, edges)
        parts.append(0 if index is None else feature["bins"][index]["value"])
    for pair in model["pairs"]:
        indices = []
        for axis in (pair["first"], pair["second"]):
            feature = model["features"][axis["feature"]]
            value = values.get(feature["name"])
            edges = None if feature["kind"] == "categorical" else axis.get("edges", [])
            index = place(feature, value, edges, axis.get("missing"))
            if index is not None and value is not None and edges is None:
                index = axis["groups"][index]
            indices.append(index)
        if None not in indices:
            parts.append(pair["cells"][indices[0] * pair["second"]["count"] + indices[1]]["value"])
    return math.fsum(parts)


def test_by_hand(elsewhere):
    """Predicts as docs/learning.md describes."""
    model = elsewhere["export"]("Json").json()

    def predict(values):
        if elsewhere["is_additive"]:
            probability = data.sigmoid(additive_logit(model, values))
            return probability, int(probability >= model["threshold"])
        logit = model["standardized_intercept"]
        for feature in model["features"]:
            value = values.get(feature["name"])
            if value is None:
                logit += feature.get("missing", {}).get("standardized", 0)
            elif feature["kind"] == "categorical":
                named = {each["name"]: each["coefficient"]["standardized"] for each in feature["categories"]}
                logit += named.get(category(value), 0)
            elif feature["coefficient"]["standardized"] != 0:
                logit += feature["coefficient"]["standardized"] * (value - feature["mean"]) / feature["scale"]
        probability = data.sigmoid(logit)
        return probability, int(probability >= model["threshold"])

    agree(elsewhere, [predict(values) for values in elsewhere["rows"]])


def test_contributions_are_exact(elsewhere):
    for answer in elsewhere["answers"]:
        terms = answer["contributions"] + answer.get("pairs", [])
        logit = math.fsum([answer["intercept"], *(each["contribution"] for each in terms)])
        assert abs(data.sigmoid(logit) - answer["probability"]) < 1e-12
        if 1e-6 < answer["probability"] < 1 - 1e-6:
            assert abs(logit - math.log(answer["probability"] / (1 - answer["probability"]))) < 1e-9


def test_in_postgresql(elsewhere, psql):
    def identifier(name):
        return '"' + name.replace('"', '""') + '"'

    def constant(value):
        if value is None:
            return "NULL"
        return "E'" + category(value).replace("\\", "\\\\").replace("'", "''") + "'"

    types = [f"{identifier(name)} double precision" for name in NUMBERS]
    types += [f"{identifier(name)} {'boolean' if name == 'is new' else 'text'}" for name in CATEGORIES]
    rows = [values | {"is new": None if values["is new"] == "never seen" else values["is new"]}
            for values in elsewhere["rows"]]
    script = [f"CREATE TEMPORARY TABLE \"the rows\" (place integer, {', '.join(types)});"]
    for place, values in enumerate(rows):
        given = ", ".join(constant(values[name]) for name in NUMBERS | CATEGORIES)
        script.append(f"INSERT INTO \"the rows\" VALUES ({place}, {given});")
    select = elsewhere["export"]("Sql", table="the rows").text
    script.append(f"SELECT probability_, label_ FROM ({select}) AS answers ORDER BY place;")
    answered = [line.split("|") for line in psql("\n".join(script)).split()]
    for values, answer, (probability, label) in zip(elsewhere["rows"], elsewhere["answers"], answered, strict=True):
        if values["is new"] == "never seen":
            continue  # a column of booleans cannot say it
        assert abs(float(probability) - answer["probability"]) < 1e-12, values
        assert int(label) == answer["label"], values


def test_in_a_pmml_reader(elsewhere, tmp_path):
    path = tmp_path / "model.pmml"
    path.write_bytes(elsewhere["export"]("Pmml").content)
    evaluator = make_evaluator(str(path)).verify()

    def predict(values):
        texts = {name: value if value is None or name in NUMBERS else category(value) for name, value in values.items()}
        answer = evaluator.evaluate(texts)
        return float(answer["probability_"]), int(answer["label_"])

    agree(elsewhere, [predict(values) for values in elsewhere["rows"]])


def test_warnings_of_a_training_are_reported(api, elsewhere):
    model = api.call("getModel", dataset=elsewhere["name"], version=1, expect=200).json()
    problem(api.call("exportModelPmml", dataset=elsewhere["name"], version=2, expect=404), "not-found")
    assert ("constant_feature", "constant") in {(each["kind"], each["feature"]) for each in model["warnings"]}
    if elsewhere["is_additive"]:
        return
    states = {each["status"] for each in model["coefficients"]}
    assert "constant" in states and ("reference" in states) == (elsewhere["name"] == "portable-none")
