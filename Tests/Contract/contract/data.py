"""A small dataset similar to UCI Adult, from a generator with a fixed seed."""

import math
import random
import time

FEATURES = [
    {"name": "age", "type": "continuous"},
    {"name": "workclass", "type": "categorical"},
    {"name": "education_num", "type": "discrete"},
    {"name": "sex", "type": "categorical", "categories": ["Female", "Male"]},
    {"name": "capital/gain ~net", "type": "continuous"},  # a name that JSON Pointer has to escape
]
LABEL = {"name": "income", "positive": ">50K", "negative": "<=50K"}
WORKCLASSES = ["Private", "State-gov", "Self-emp, \"inc\"", "Ünemployed"]


def rows(count: int, seed: int = 1) -> list[dict]:
    """A batch of labels with missing values."""
    generator = random.Random(seed)
    made = []
    for index in range(count):
        age = round(generator.uniform(17, 80), 3)
        education = generator.randint(1, 16)
        gain = generator.choice([0, 0, 0, 2174.5, 14084])
        logit = 0.05 * (age - 45) + 0.4 * (education - 10) + 0.0002 * gain + generator.gauss(0, 1)
        features = {
            "age": age,
            "workclass": generator.choice([*WORKCLASSES, None]),
            "education_num": education,
            "sex": generator.choice(["Female", "Male"]),
            "capital/gain ~net": gain,
        }
        if index % 7 == 0:
            del features["capital/gain ~net"]
        made.append({"features": features, "label": int(logit > 0)})
    return made


def create(api, name: str, **members) -> str:
    """Creates a dataset with these features, whose trainings are linear, and returns its name."""
    body = {"name": name, "features": FEATURES, "label": LABEL, "training": {"family": "linear"}} | members
    api.call("createDataset", json_body=body, expect=201)
    return name


def add(api, name: str, labels: list[dict]) -> dict:
    return api.call("addLabels", dataset=name, json_body={"labels": labels}, expect=201).json()


def train(api, name: str, count: int = 400) -> str:
    """Adds labels, trains and waits for the model."""
    add(api, name, rows(count))
    job = api.call("createTrainingJob", dataset=name, json_body={}, headers={"Prefer": "wait=120"}, timeout=130,
                   expect=200).json()
    assert job["state"] == "succeeded", job
    return name


def finished(api, name: str, job: int) -> dict:
    """Waits for the end of a job."""
    deadline = time.monotonic() + 60
    while (state := api.call("getTrainingJob", dataset=name, id=job, expect=200).json())["finished_at"] is None:
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def stored(api, name: str) -> dict:
    """The tenant's resources, one dataset in full, to verify that a refused request changed nothing."""
    return {
        "datasets": api.pages("listDatasets"),
        "keys": [key["id"] for key in api.pages("listKeys")],
        "jobs": [job["id"] for job in api.pages("listTrainingJobs", dataset=name)],
        "models": [(model["version"], model["active"]) for model in api.pages("listModels", dataset=name)],
        "predictions": [(each["id"], each["true_label"]) for each in api.pages("listPredictions", dataset=name)],
    }


def probability(model: dict, features: dict) -> float:
    """Computes the probability from a model's coefficients on the original scale."""
    logit = model["intercept"]
    means = {feature["name"]: feature.get("mean") for feature in model["features"]}
    for term in model["coefficients"]:
        value = features.get(term["feature"])
        if term["kind"] == "missing":
            logit += term["coefficient"] * (value is None)
        elif term["level"] is not None:
            logit += term["coefficient"] * (value == term["level"])
        else:
            logit += term["coefficient"] * (means[term["feature"]] if value is None else value)
    return sigmoid(logit)


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-logit)), without overflow."""
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))
