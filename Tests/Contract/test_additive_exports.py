"""Exported additive models give the server's predictions to 1e-12: the JSON in plain Python, the SQL in PostgreSQL, the PMML in a PMML
reader. Contributions of features and pairs add up to the log-odds."""

import json
import math
import random
import unicodedata

import pytest
from jpmml_evaluator import make_evaluator

from contract import data
from contract.client import problem

NUMBERS = {
    "probability": "continuous", "label": "discrete", "a \"net\" <&> 'x'": "continuous", "x": "continuous",
    "x__effect": "continuous", "created_ms": "continuous", "constant": "continuous", "ünï ✓ 雪": "discrete", "tiny": "continuous",
}
CATEGORIES = {
    "côlour's": ["red", "it's \"green\" & <blue>", "back\\slash", "grün", " spaced ", "\t", "a\nb", "NULL", "3"],
    "outcome": ["yes", "no"],
    "is new": [True, False],
    "never filled": [],
}
FEATURES = [{"name": name, "type": kind} for name, kind in NUMBERS.items()] + [
    {"name": name, "type": "categorical"} for name in CATEGORIES]
PAIRS = [["probability", "x"], ["x", "côlour's"], ["côlour's", "outcome"], ["label", "is new"]]
SPELLINGS = ["gru\u0308n", "3.0", "03", "Red", "  spaced "]


def row(generator, missing=0.12, strange=0.0):
    """Values of all features, some of them missing, and with `strange` some that the training does not contain."""
    far = 50 if generator.random() < strange else 1
    values = {
        "probability": far * generator.gauss(0, 1), "label": generator.randint(-3, 9) * far,
        "a \"net\" <&> 'x'": generator.gauss(1e6, 3e5) * far, "x": generator.gauss(0, 1),
        "x__effect": generator.expovariate(0.5), "created_ms": 1_732_000_000_000 + generator.randint(0, 10**9), "constant": 3.25,
        "ünï ✓ 雪": generator.randint(0, 4), "tiny": generator.gauss(0, 1e-6) * far,
    }
    for name, levels in CATEGORIES.items():
        values[name] = generator.choice(levels) if levels else None
        if generator.random() < strange:
            values[name] = "never seen"
    # These features have no missing values in the training.
    kept = {"x", "constant", "outcome"} if not strange else set()
    return {name: None if name not in kept and generator.random() < missing else value for name, value in values.items()}


@pytest.fixture(scope="module", params=["pairs given", "pairs chosen", "no pairs"])
def elsewhere(api, request) -> dict:
    """A model with every kind of feature, unusual rows, and the server's predictions for them."""
    name = f"additive-{request.param.replace(' ', '-')}"
    api.call("createDataset", json_body={"name": name, "features": FEATURES, "label": {"name": "truth"}}, expect=201)
    generator = random.Random(5)
    labels = []
    for _ in range(2000):
        values = row(generator)
        logit = abs(values["probability"] or 0) + 0.4 * (values["x__effect"] or 0) - 1.5
        logit += {"red": 1.5, "grün": -1.0, None: 0.5}.get(values["côlour's"], 0) + (values["is new"] is True)
        logit += 2 * (values["probability"] or 0) * values["x"] + 4e5 * (values["tiny"] or 0)
        labels.append({"features": values, "label": int(generator.random() < data.sigmoid(logit))})
    data.add(api, name, labels)
    parameters = {"pairs given": {"pairs": PAIRS}, "pairs chosen": {"max_pairs": 3}, "no pairs": {"max_pairs": 0}}[request.param]
    job = api.call("createTrainingJob", dataset=name, json_body={"family": "additive", **parameters},
                   headers={"Prefer": "wait=60"}, expect=200).json()
    assert job["state"] == "succeeded", job
    rows = [label["features"] for label in labels[:60]] + [row(generator, strange=0.3) for _ in range(100)]
    rows += [labels[0]["features"] | {"côlour's": spelling} for spelling in SPELLINGS]
    rows.append(dict.fromkeys(NUMBERS | CATEGORIES))
    # Numbers on the edges of the bins are in the bins above them.
    model = api.call("exportModelJson", dataset=name, version=1, expect=200).json()
    for feature in model["features"]:
        for edge in (feature.get("edges") or [])[:20]:
            number = round(edge) if NUMBERS[feature["name"]] == "discrete" else edge
            rows.append(labels[1]["features"] | {feature["name"]: number})

    def answers(**query):
        return api.call("predictBatch", dataset=name, query={"store": "false", **query}, expect=200,
                        json_body={"predictions": [{"features": values} for values in rows]}).json()["predictions"]

    def export(form, **more):
        return api.call(f"exportModel{form}", dataset=name, version=1, query=more, expect=200)

    return {"kind": request.param, "name": name, "rows": rows, "ask": answers, "answers": answers(explain="true"), "export": export,
            "model": model}


def category(value):
    """The stored text of a category."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def agree(elsewhere, answered):
    for values, answer, (probability, label) in zip(elsewhere["rows"], elsewhere["answers"], answered, strict=True):
        assert abs(probability - answer["probability"]) < 1e-12, values
        assert label == answer["label"], values


def test_the_model_has_the_pairs_that_were_asked_for(elsewhere):
    names = [feature["name"] for feature in elsewhere["model"]["features"]]
    pairs = [{names[pair["first"]["feature"]], names[pair["second"]["feature"]]} for pair in elsewhere["model"]["pairs"]]
    if elsewhere["kind"] == "no pairs":
        assert pairs == []
    else:
        assert {"probability", "x"} in pairs
    assert len({answer["probability"] for answer in elsewhere["answers"]}) > 100


def test_by_hand(elsewhere):
    """Predicts as docs/learning.md describes."""
    model = elsewhere["model"]

    def read(value):
        text = unicodedata.normalize("NFC", category(value))
        return "3" if text == "3.0" else text

    def place(feature, value):
        if feature["kind"] != "categorical":
            return sum(edge <= value for edge in feature.get("edges") or [])
        named = [unicodedata.normalize("NFC", each) for each in feature["categories"]]
        return named.index(read(value)) if read(value) in named else None

    def index(axis, feature, value):
        if value is None:
            return axis.get("missing")
        if feature["kind"] != "categorical":
            return sum(edge <= value for edge in axis.get("edges") or [])
        found = place(feature, value)
        return None if found is None else axis["groups"][found]

    def predict(values):
        logit = model["intercept"]
        features = model["features"]
        for feature in features:
            value = values.get(feature["name"])
            if value is None:
                logit += feature.get("missing", {}).get("value", 0)
            elif (found := place(feature, value)) is not None:
                logit += feature["bins"][found]["value"]
        for pair in model["pairs"]:
            first, second = (index(axis, features[axis["feature"]], values.get(features[axis["feature"]]["name"]))
                             for axis in (pair["first"], pair["second"]))
            if first is not None and second is not None:
                logit += pair["cells"][first * pair["second"]["count"] + second]["value"]
        probability = data.sigmoid(logit)
        return probability, int(probability >= model["threshold"])

    agree(elsewhere, [predict(values) for values in elsewhere["rows"]])


def test_contributions_are_exact(elsewhere):
    for answer in elsewhere["answers"]:
        pairs = answer.get("pairs", [])
        assert ("pairs" in answer) == bool(elsewhere["model"]["pairs"])
        sizes = [abs(each["contribution"]) for each in pairs]
        assert sizes == sorted(sizes, reverse=True)
        logit = math.fsum([answer["intercept"], *(each["contribution"] for each in answer["contributions"] + pairs)])
        assert abs(data.sigmoid(logit) - answer["probability"]) < 1e-12


def test_pairs_are_split_by_halves_on_request(api, elsewhere):
    for joint, split in zip(elsewhere["answers"], elsewhere["ask"](explain="true", pair_contributions="split"), strict=True):
        assert "pairs" not in split
        wanted = {each["feature"]: each["contribution"] for each in joint["contributions"]}
        for pair in joint.get("pairs", []):
            for feature in pair["features"]:
                wanted[feature] += pair["contribution"] / 2
        assert {each["feature"] for each in split["contributions"]} == set(wanted)
        for each in split["contributions"]:
            assert abs(each["contribution"] - wanted[each["feature"]]) < 1e-12
    assert elsewhere["ask"](explain="true", pair_contributions="joint") == elsewhere["answers"]
    refused = api.call("predict", dataset=elsewhere["name"], json_body={"features": {}}, checked=False, expect=400,
                       query={"explain": "true", "pair_contributions": "halves"})
    assert [each["parameter"] for each in problem(refused, "invalid-parameter")["errors"]] == ["pair_contributions"]


def test_in_postgresql(elsewhere, psql):
    def identifier(name):
        return '"' + name.replace('"', '""') + '"'

    def constant(value):
        if value is None:
            return "NULL"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return f"'{value!r}'"
        return "E'" + "".join(each if each.isascii() and each.isalnum() else f"\\U{ord(each):08X}" for each in category(value)) + "'"

    types = [f"{identifier(name)} double precision" for name in NUMBERS]
    types += [f"{identifier(name)} text" for name in CATEGORIES]
    script = ["SET client_min_messages = error;", f"CREATE TEMPORARY TABLE \"the rows\" (place integer, {', '.join(types)});"]
    far = [elsewhere["rows"][0] | {"x": value} for value in ("Infinity", "-1.1e150")]
    nan = [elsewhere["rows"][0] | {name: "NaN" for name in NUMBERS}, elsewhere["rows"][0] | dict.fromkeys(NUMBERS)]
    for place, values in enumerate(elsewhere["rows"] + far + nan):
        given = ", ".join(constant(values[name]) for name in NUMBERS | CATEGORIES)
        script.append(f"INSERT INTO \"the rows\" VALUES ({place}, {given});")
    select = elsewhere["export"]("Sql", table="the rows").text
    script.append(f"SELECT probability_, label_ FROM ({select}) AS answers ORDER BY place;")
    answered = [line.split("|") for line in psql("\n".join(script)).split()]
    known = len(elsewhere["rows"])
    agree(elsewhere, [(float(probability), int(label)) for probability, label in answered[:known]])
    assert answered[known:known + 2] == [["", ""], ["", ""]]
    assert answered[-1] == answered[-2]


def test_in_a_pmml_reader(elsewhere, tmp_path):
    path = tmp_path / "model.pmml"
    path.write_bytes(elsewhere["export"]("Pmml").content)
    evaluator = make_evaluator(str(path)).verify()

    def predict(values):
        texts = {name: value if value is None or name in NUMBERS else category(value) for name, value in values.items()}
        answer = evaluator.evaluate(texts)
        return float(answer["probability_"]), int(answer["label_"])

    agree(elsewhere, [predict(values) for values in elsewhere["rows"]])
    for far in (1.1e150, float("-inf")):
        with pytest.raises(Exception, match="cannot accept invalid value"):
            predict({"x": far})
