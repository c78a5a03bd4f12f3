"""Additive models: parameters, terms, explanations, monotone functions, merged bins, roles and tenants."""

import itertools
import math
import random
import uuid

import pytest

from contract import data
from contract.client import pointers, problem

WAIT = {"headers": {"Prefer": "wait=120"}, "timeout": 130}
ADDITIVE = ("max_pairs", "monotone", "edges", "pairs", "quantile_bins", "merged_bins", "smoothness", "bags")
FEATURES = [{"name": "age", "type": "continuous"}, {"name": "visits", "type": "discrete"}, {"name": "plan", "type": "categorical"}]
PLANS = ["basic", "plus", "pro"]


def rows(count: int, seed: int = 1) -> list[dict]:
    """Labels whose log-odds are a curve of the age, falling visits, a value a plan, and the product of age and visits."""
    generator = random.Random(seed)
    made = []
    for index in range(count):
        age, visits, plan = generator.uniform(18, 80), generator.randint(0, 9), generator.choice(PLANS)
        logit = 2 * math.cos((age - 49) / 10) - 0.3 * (visits - 4.5) + {"basic": -1, "plus": 0, "pro": 1}[plan]
        logit += 0.05 * (age - 49) * (visits - 4.5)
        values = {"age": None if index % 11 == 0 else age, "visits": visits, "plan": plan}
        made.append({"features": values, "label": int(generator.random() < data.sigmoid(logit))})
    return made


def create(api, **members) -> str:
    name = f"a-{uuid.uuid4().hex[:12]}"
    api.call("createDataset", json_body={"name": name, "features": FEATURES} | members, expect=201)
    return name


def train(api, name: str, **parameters) -> dict:
    job = api.call("createTrainingJob", dataset=name, json_body=parameters, expect=200, **WAIT).json()
    assert job["state"] == "succeeded", job
    return job


def terms(api, name: str, version: int = 1, **query) -> dict:
    return api.call("getModelTerms", dataset=name, version=version, query=query, expect=200).json()


@pytest.fixture(scope="module")
def curved(api) -> str:
    """A dataset of 3,000 labels with one additive model. The tests of the module share it and do not change its models."""
    name = create(api)
    data.add(api, name, rows(3000))
    train(api, name, family="additive")
    return name


# Parameters, which are refused before anything is trained


@pytest.mark.parametrize("training,pointer", [
    ({"family": "tree"}, "/family"), ({"family": 1}, "/family"), ({"family": "linear", "max_pairs": 3}, "/max_pairs"),
    ({"family": "linear", "monotone": {}}, "/monotone"), ({"family": "auto", "max_pairs": -1}, "/max_pairs"),
    ({"family": "auto", "monotone": {"age": "up"}}, "/monotone/age"),
    ({"family": "auto", "monotone": {"plan": "increasing"}}, "/monotone/plan"),
    ({"family": "auto", "monotone": {"size": "increasing"}}, "/monotone/size"),
    ({"family": "auto", "edges": {"age": [40, 30]}}, "/edges/age"),
    ({"family": "auto", "edges": {"age": [40, "50"]}}, "/edges/age/1"),
    ({"family": "auto", "edges": {"plan": [1]}}, "/edges/plan"), ({"family": "auto", "edges": {"a/b~": [1]}}, "/edges/a~1b~0"),
    ({"family": "auto", "pairs": [["age", "size"]]}, "/pairs/0/1"), ({"family": "auto", "pairs": [["age"]]}, "/pairs/0"),
    ({"family": "auto", "pairs": [["age", "plan"], ["plan", "age"]]}, "/pairs/1"),
    ({"family": "auto", "pairs": [["age", "plan"]], "monotone": {"age": "increasing"}}, "/pairs/0"),
    ({"family": "auto", "quantile_bins": 129}, "/quantile_bins"), ({"family": "auto", "merged_bins": 1.5}, "/merged_bins"),
    ({"family": "auto", "smoothness": "smooth"}, "/smoothness"), ({"family": "auto", "bags": 0}, "/bags"),
    ({"family": "auto", "bins": 3}, "/bins"), ({"C": "best"}, "/C"), ({"C": "auto", "penalty": "l1"}, "/C"),
], ids=str)
def test_bad_parameters_are_refused_with_a_pointer(api, training, pointer):
    name = create(api)
    answer = api.call("createTrainingJob", dataset=name, json_body=training, checked=False, expect=422)
    problem(answer, "invalid-body")
    assert pointers(answer) == [pointer], answer.text
    before = api.call("getDataset", dataset=name).json()
    answer = api.call("updateDataset", dataset=name, json_body={"training": training}, checked=False, expect=422)
    assert pointers(answer) == ["/training" + pointer], answer.text
    assert api.call("getDataset", dataset=name).json() == before
    body = {"name": f"n-{uuid.uuid4().hex[:8]}", "features": FEATURES, "training": training}
    assert pointers(api.call("createDataset", json_body=body, checked=False, expect=422)) == ["/training" + pointer]
    assert api.pages("listTrainingJobs", dataset=name) == []


def test_parameters_are_shown_and_laid_over_those_of_the_dataset(api):
    own = {"family": "additive", "max_pairs": 2, "monotone": {"visits": "decreasing"}, "edges": {"age": [30, 50]},
           "pairs": [["age", "plan"]], "quantile_bins": 6, "merged_bins": 5, "smoothness": 3.5, "bags": 1, "C": "auto"}
    name = create(api, training=own)
    shown = api.call("getDataset", dataset=name).json()["training"]
    assert {member: shown[member] for member in own} == own

    def patch(training):
        return api.call("updateDataset", dataset=name, json_body={"training": training}, expect=200).json()["training"]

    assert patch(shown) == shown, "what a dataset shows changes nothing"
    assert patch({"monotone": {"visits": None}, "edges": {"visits": [2]}, "C": 2}) == shown | {
        "monotone": {}, "edges": {"age": [30, 50], "visits": [2]}, "C": 2}
    assert patch(shown | {"edges": {"visits": None}}) == shown
    data.add(api, name, rows(30))
    job = api.call("createTrainingJob", dataset=name, json_body={"max_pairs": 1, "edges": {"age": None}, "bags": None},
                   expect=202).json()
    assert job["parameters"] == shown | {"max_pairs": 1, "edges": {}}
    api.call("cancelTrainingJob", dataset=name, id=job["id"], expect=(200, 409))
    plain = patch({"family": "linear"})
    assert plain == {member: value for member, value in shown.items() if member not in ADDITIVE} | {"family": "linear"}
    assert patch({"penalty": "l1"})["C"] == 1, "a choice of C ends with its penalty"
    default = patch({"family": "auto"})
    assert (default["max_pairs"], default["monotone"], default["edges"], default["pairs"]) == (10, {}, {}, None)
    assert (default["quantile_bins"], default["merged_bins"], default["smoothness"], default["bags"]) == (24, 24, None, None)


def test_names_are_compared_in_normal_form(api):
    name = create(api, features=[{"name": "caf\u00e9", "type": "continuous"}, {"name": "x", "type": "discrete"}],
                  training={"family": "auto", "monotone": {"cafe\u0301": "increasing"}, "pairs": []})
    shown = api.call("getDataset", dataset=name).json()["training"]
    assert list(shown["monotone"]) == ["caf\u00e9"]
    body = {"family": "auto", "edges": {"cafe\u0301": [1], "caf\u00e9": [2]}}
    answer = api.call("createTrainingJob", dataset=name, json_body=body, expect=422)
    assert pointers(answer) == ["/edges/caf\u00e9"], answer.text


def test_features_can_be_added_together_with_their_parameters(api):
    name = create(api)
    patch = {"features": [*FEATURES, {"name": "size", "type": "discrete"}],
             "training": {"family": "auto", "monotone": {"size": "increasing"}}}
    answer = api.call("updateDataset", dataset=name, json_body={"training": patch["training"]}, expect=422)
    assert pointers(answer) == ["/training/monotone/size"]
    changed = api.call("updateDataset", dataset=name, json_body=patch, expect=200).json()
    assert changed["training"]["monotone"] == {"size": "increasing"}


def test_stored_parameters_from_before_there_were_families_stay_linear(api, psql):
    name = create(api, training={"family": "linear"})
    old = '{"penalty": "l2", "C": 0.5, "l1_ratio": null, "class_weight": null, "threshold": 0.5, "seed": 3}'
    with psql.session(f"UPDATE datasets SET training = '{old}' WHERE name = '{name}';"):
        training = api.call("getDataset", dataset=name, expect=200).json()["training"]
        assert (training["family"], training["C"], training["seed"]) == ("linear", 0.5, 3)
        assert not set(ADDITIVE) & set(training)
        data.add(api, name, rows(200))
        job = train(api, name)
        assert job["parameters"]["family"] == "linear"
        assert api.call("getModel", dataset=name, version=1, expect=200).json()["family"] == "linear"
        changed = api.call("updateDataset", dataset=name, json_body={"training": {"seed": 4}}, expect=200).json()
        assert changed["training"] == training | {"seed": 4}


# min_bin_rows, and the terms of any model


@pytest.mark.parametrize("value", [0, -1, 10001, 1.5, "5", True])
def test_min_bin_rows_has_bounds(api, dataset, value):
    answer = api.call("updateDataset", dataset=dataset, json_body={"min_bin_rows": value}, checked=False, expect=422)
    assert pointers(answer) == ["/min_bin_rows"]


def test_min_bin_rows_is_a_setting(api):
    name = create(api, min_bin_rows=17)
    assert api.call("getDataset", dataset=name).json()["min_bin_rows"] == 17
    assert api.call("updateDataset", dataset=name, json_body={"min_bin_rows": None}, expect=200).json()["min_bin_rows"] == 5


def test_terms_of_a_linear_model(api):
    name = create(api)
    data.add(api, name, rows(300))
    train(api, name, family="linear")
    model = api.call("getModel", dataset=name, version=1, expect=200).json()
    told = terms(api, name)
    assert (told["model_version"], told["family"], told["min_bin_rows"]) == (1, "linear", 5) and model["family"] == "linear"
    assert [term["features"] for term in told["terms"]] == [["age"], ["visits"], ["plan"]]
    slopes = {each["feature"]: each for each in model["coefficients"] if each["kind"] == "value"}
    for term in told["terms"][:2]:
        assert term["form"] == "line" and term["line"]["slope"] == slopes[term["features"][0]]["coefficient"]
        assert term["line"]["standard_error"] == slopes[term["features"][0]]["standard_error"]
    levels = {each["level"]: each["coefficient"] for each in model["coefficients"] if each["kind"] == "level"}
    plan = told["terms"][2]
    assert plan["form"] == "levels"
    assert {names[0]: value for names, value in zip(plan["axes"][0]["categories"], plan["values"])} == levels


def test_terms_are_absent_for_others(api, other, roles, curved):
    """Roles and tenants, as for reading models."""
    at = {"dataset": curved, "version": 1}
    for role, status in (("admin", 200), ("write", 200), ("read", 200), ("predict", 403)):
        roles[role].call("getModelTerms", expect=status, **at)
    problem(other.call("getModelTerms", expect=404, **at), "not-found")
    problem(api.call("getModelTerms", dataset=curved, version=99, expect=404), "not-found")
    problem(api.call("getModelTerms", dataset=curved, version="first", expect=404), "not-found")


# Additive models


def test_an_additive_model_is_shown_with_its_terms(api, curved):
    model = api.call("getModel", dataset=curved, version=1, expect=200).json()
    assert model["family"] == "additive" and "coefficients" not in model
    assert [feature["name"] for feature in model["features"]] == ["age", "visits", "plan"]
    told = terms(api, curved)
    assert told["family"] == "additive" and told["next_cursor"] is None
    features, pairs = told["terms"][:3], told["terms"][3:]
    assert [term["features"] for term in features] == [["age"], ["visits"], ["plan"]]
    assert [term["form"] for term in features] == ["steps", "steps", "levels"]
    assert [term["features"] for term in pairs] == [pair["features"] for pair in model["pairs"]]
    assert ["age", "visits"] in [sorted(term["features"]) for term in pairs], "the product of both was not found"
    for term, shown in zip(features, model["features"]):
        axis, count = term["axes"][0], len(term["values"])
        assert axis["count"] == count and all(len(term[name]) == count for name in ("standard_errors", "lower", "upper", "rows"))
        assert term["importance"] == shown["importance"] and term["degrees_of_freedom"] == shown["degrees_of_freedom"]
        assert 0 < term["degrees_of_freedom"] <= count + 1 and term["smoothness"] > 0
        missing = term["missing"]
        assert (missing is not None) == (axis["feature"] == "age")
        assert sum(term["rows"]) + (missing["rows"] if missing else 0) == 3000
        assert min(term["rows"]) >= 5
        mean = sum(value * count for value, count in zip(term["values"], term["rows"]))
        mean += missing["value"] * missing["rows"] if missing else 0
        assert abs(mean) / 3000 < 1e-6, "a term has the mean 0 over its rows"
        for value, error, low, high in zip(*(term[name] for name in ("values", "standard_errors", "lower", "upper"))):
            assert error > 0 and abs(low - (value - 1.959964 * error)) < 1e-5 and abs(high - (value + 1.959964 * error)) < 1e-5
        if axis["edges"] is not None:
            assert len(axis["edges"]) == count - 1 and axis["edges"] == sorted(set(axis["edges"]))
        else:
            assert sorted(sum(axis["categories"], [])) == PLANS
    for term in pairs:
        first, second = term["axes"]
        assert term["form"] == "table" and len(term["regions"]) == first["count"] * second["count"]
        assert set(term["regions"]) == set(range(len(term["values"]))) and sum(term["rows"]) == 3000
    age = features[0]

    def value(term, number):
        return term["values"][sum(edge <= number for edge in term["axes"][0]["edges"])]

    assert value(age, 49) > value(age, 20) + 1, "the curve has its peak in the middle"
    assert value(age, 49) > value(age, 78) + 1


def test_terms_are_paged_and_conditional(api, curved):
    whole = terms(api, curved)["terms"]
    pages, cursor = [], None
    while True:
        page = terms(api, curved, limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["terms"]) <= 2
        pages += page["terms"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == whole
    answer = api.call("getModelTerms", dataset=curved, version=1, expect=200)
    again = api.call("getModelTerms", dataset=curved, version=1, headers={"If-None-Match": answer.headers["ETag"]}, expect=304)
    assert again.content == b""


def test_bins_with_few_rows_are_merged(api):
    name = create(api, min_bin_rows=1)
    data.add(api, name, rows(400))
    train(api, name, family="additive", bags=1, edges={"age": list(range(20, 80))}, max_pairs=1,
          pairs=[["visits", "plan"]])
    before = api.call("predict", dataset=name, query={"store": "false"}, json_body={"features": rows(1)[0]["features"]}, expect=200)
    fine = terms(api, name)
    tag = api.call("getModelTerms", dataset=name, version=1, expect=200).headers["ETag"]
    assert min(fine["terms"][0]["rows"]) < 10 and len(fine["terms"][0]["values"]) == 61
    api.call("updateDataset", dataset=name, json_body={"min_bin_rows": 20}, expect=200)
    coarse = api.call("getModelTerms", dataset=name, version=1, headers={"If-None-Match": tag}, expect=200).json()
    assert coarse["min_bin_rows"] == 20
    for less, more in zip(coarse["terms"], fine["terms"]):
        assert less["features"] == more["features"] and sum(less["rows"]) <= sum(more["rows"])
        assert min(less["rows"], default=20) >= 20
        assert less["missing"] is None or less["missing"]["rows"] >= 20
    assert 1 < len(coarse["terms"][0]["values"]) < 61
    assert set(coarse["terms"][0]["axes"][0]["edges"]) < set(fine["terms"][0]["axes"][0]["edges"])
    api.call("updateDataset", dataset=name, json_body={"min_bin_rows": 10000}, expect=200)
    assert all(term["values"] == [] or min(term["rows"]) >= 10000 for term in terms(api, name)["terms"])
    after = api.call("predict", dataset=name, query={"store": "false"}, json_body={"features": rows(1)[0]["features"]}, expect=200)
    assert before.json()["probability"] == after.json()["probability"], "the model itself stays as it is"


def test_edges_and_pairs_of_the_owner(api):
    name = create(api, min_bin_rows=1)
    data.add(api, name, rows(600))
    job = train(api, name, family="additive", bags=1, edges={"age": [30, 40.5, 60]}, pairs=[["age", "plan"]])
    assert job["parameters"]["edges"] == {"age": [30, 40.5, 60]}
    told = terms(api, name)["terms"]
    assert told[0]["axes"][0]["edges"] == [30, 40.5, 60]
    assert [term["features"] for term in told[3:]] == [["age", "plan"]]
    train(api, name, family="additive", max_pairs=0)
    assert len(terms(api, name, version=2)["terms"]) == 3


@pytest.mark.parametrize("direction", ["increasing", "decreasing"])
def test_a_monotone_function_is_held_exactly(api, direction):
    name = create(api, min_bin_rows=1)
    data.add(api, name, rows(1500))
    train(api, name, family="additive", monotone={"age": direction}, max_pairs=3)
    model = terms(api, name)["terms"]
    values = model[0]["values"]
    ordered = values if direction == "increasing" else values[::-1]
    assert len(values) > 2 and all(low <= high for low, high in itertools.pairwise(ordered)), values
    assert not any("age" in term["features"] for term in model[3:])
    grid = [{"features": {"age": age, "visits": 3, "plan": "plus"}} for age in range(10, 90)]
    answers = api.call("predictBatch", dataset=name, query={"store": "false"}, json_body={"predictions": grid}, expect=200).json()
    seen = [each["probability"] for each in answers["predictions"]]
    assert seen == sorted(seen, reverse=direction == "decreasing")


def test_contributions_sum_to_the_log_odds(api, curved):
    asked = [{"features": row["features"]} for row in rows(40, seed=2)] + [
        {"features": {}}, {"features": {"age": 500, "visits": -3, "plan": "never seen"}}]
    answers = api.call("predictBatch", dataset=curved, query={"store": "false", "explain": "true"},
                       json_body={"predictions": asked}, expect=200).json()["predictions"]
    for answer in answers:
        logit = answer["intercept"] + sum(each["contribution"] for each in answer["contributions"])
        assert abs(data.sigmoid(logit) - answer["probability"]) < 1e-12
    assert any(warning["kind"] == "unseen_category" for warning in answers[-1]["warnings"])


def test_auto_says_what_it_chose_and_why(api):
    name = create(api)
    data.add(api, name, rows(3000))
    job = train(api, name, family="auto")
    assert job["parameters"]["family"] == "auto"
    model = api.call("getModel", dataset=name, version=1, expect=200).json()
    assert model["family"] == model["selection"]["family"] == "additive", "the curve cannot be missed"
    scores = {each["family"]: each["score"] for each in model["selection"]["candidates"]}
    assert set(scores) == {"linear", "additive"} and scores["additive"] < scores["linear"]
    assert model["selection"]["criterion"] and model["selection"]["reason"]
    kpis = train(api, name, family="linear")["kpis"]
    assert job["kpis"]["roc_auc"] > kpis["roc_auc"] + 0.05
    linear = api.call("getModel", dataset=name, version=2, expect=200).json()
    assert linear["family"] == "linear" and linear["coefficients"] and "pairs" not in linear


def test_champion_and_challenger_of_different_families(api):
    name = create(api)
    data.add(api, name, rows(2000))
    train(api, name, family="linear")
    train(api, name, family="additive")
    told = api.call("compareModels", dataset=name, query={"champion": 1, "challenger": 2}, timeout=130, expect=200).json()
    assert told["kpis"]["roc_auc"]["difference"] > 0
