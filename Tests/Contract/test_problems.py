"""The examples of problems match the server: each is provoked and compared word for word, except for numbers."""

import hashlib
import json
import random
import re
import time
import uuid

import pytest

from contract import document
from contract.client import Client

PATCH = "application/merge-patch+json"
# Problems that need a fault of the server or its database, or more load than a test can make.
# Tests/VerdictServerTests/ProblemTests.swift compares their texts.
FAULTS = {("500", "internal"), ("503", "database-unavailable"), ("503", "database-read-only"), ("503", "query-timeout"),
          ("503", "overloaded")}


def shown() -> dict[tuple[str, str], dict]:
    """Each example of a problem by its status and name."""
    found = {}
    for operation in document.operations().values():
        for status, response in operation.spec["responses"].items():
            examples = response.get("content", {}).get("application/problem+json", {}).get("examples", {})
            for name, example in examples.items():
                assert found.setdefault((status, name), example["value"]) == example["value"], f"two of {status} {name}"
    return found


class Mischief:
    """Provokes problems as a tenant with the dataset of the examples. The methods have the names of the examples."""

    def __init__(self, command, psql):
        self.command, self.psql = command, psql
        self.tenant = command.tenant("problems")
        self.api = self.tenant.client
        self.nobody = Client(self.api.url, None)
        self.dataset = document.operations()["createDataset"].spec["requestBody"]["content"]["application/json"][
            "examples"]["adult"]["value"]
        self.api.call("createDataset", json_body=self.dataset, expect=201)

    def labels(self, rows: list, **arguments):
        return self.api.call("addLabels", dataset="adult", data=json.dumps({"labels": rows}).encode(),
                             media_type="application/json", **arguments)

    def predict(self):
        return self.api.call("predict", dataset="adult", json_body={"features": {"age": 44}})

    def train(self) -> int:
        """A model without predictive power: the outcomes are random."""
        drawn = random.Random(1)
        self.labels([{"features": {"age": drawn.randint(17, 80)}, "label": drawn.randint(0, 1)} for _ in range(200)],
                    expect=201)
        return self.api.call("createTrainingJob", dataset="adult", json_body={"family": "linear"}, timeout=130, expect=200,
                             headers={"Prefer": "wait=120"}).json()["id"]

    # The order is that in which the dataset is filled.

    def unauthorized(self):
        return self.nobody.call("listDatasets")

    def invalid_parameter(self):
        return self.api.call("listDatasets", query={"limit": 0})

    def dataset_exists(self):
        return self.api.call("createDataset", json_body=self.dataset)

    def body_too_large(self):
        return self.api.call("createDataset", data=b" " * (2 << 20), media_type="application/json")

    def invalid_body(self):
        body = {"name": "bad", "features": [{"name": "a", "type": "discrete"}, {"name": "b", "type": "text"}], "gaet": None}
        return self.api.call("createDataset", json_body=body, checked=False)

    def idempotency_key_reused(self):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        for name in ("one", "two"):
            answer = self.api.call("createDataset", headers=headers,
                                   json_body={"name": name, "features": [{"name": "x", "type": "continuous"}]})
        return answer

    def not_found(self):
        return self.api.call("getDataset", dataset="adulz")

    def precondition_failed(self):
        return self.api.call("updateDataset", dataset="adult", json_body={"models_kept": 5}, media_type=PATCH,
                             headers={"If-Match": '"nonsense"'})

    def malformed_body(self):
        return self.api.call("addLabels", dataset="adult", data=b'{"labels": [{"features": {"age": 39}, "label": 1} oops]}',
                             media_type="application/json")

    def forbidden(self):
        made = self.api.call("createKey", json_body={"name": "p", "role": "predict"}, expect=201).json()
        return Client(self.api.url, made["secret"]).call("addLabels", dataset="adult", json_body={"labels": [
            {"features": {}, "label": 1}]})

    def not_acceptable(self):
        return self.api.call("listLabels", dataset="adult", headers={"Accept": "image/png"})

    def unsupported_media_type(self):
        return self.api.call("addLabels", dataset="adult", data=b"<labels/>", media_type="application/xml")

    def json(self):
        return self.labels([{"features": {"age": age}, "label": 1} for age in (1, 2, 3, "n/a")])

    def csv(self):
        lines = ["age,income", *["39,1"] * 15, "n/a,1"]
        return self.api.call("addLabels", dataset="adult", data="\n".join(lines).encode(), media_type="text/csv")

    def no_outcome(self):
        return self.api.call("inferSchema", query={"label": "income"}, media_type="text/csv",
                             data=b"age,income\n39,<=50K\n52,>50K\n38,unknown\n")

    def idempotency_key_in_use(self):
        """Simulates a concurrent request with the same key by taking its advisory lock."""
        key, tenant = str(uuid.uuid4()), self.api.key.split("_")[1]
        digest = hashlib.sha256(f"idempotency:{tenant}:{key}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        with self.psql.session(f"SELECT pg_advisory_lock({number});"):
            answer = self.labels([{"features": {}, "label": 1}], headers={"Idempotency-Key": key})
        assert answer.headers["Retry-After"] == "1"
        return answer

    def answer_erased(self):
        """The answer to an upload is erased with whatever the dataset stores about a key."""
        named, row = {"Idempotency-Key": str(uuid.uuid4())}, [{"features": {}, "label": 0, "key": "person-1"}]
        self.labels(row, headers=named, expect=201)
        erasure = self.api.call("createErasure", dataset="adult", json_body={"key": "person-1"}, expect=202).json()
        deadline = time.monotonic() + 60
        while self.api.call("getErasure", dataset="adult", id=erasure["id"]).json()["state"] != "succeeded":
            assert time.monotonic() < deadline, "the erasure does not end"
        return self.labels(row, headers=named)

    def no_model(self):
        return self.predict()

    def too_few_labels(self):
        self.labels([{"features": {}, "label": 0}] * 12, expect=201)
        return self.api.call("createTrainingJob", dataset="adult", json_body={})

    def job_finished(self):
        return self.api.call("cancelTrainingJob", dataset="adult", id=self.train())

    def model_active(self):
        return self.api.call("deleteModel", dataset="adult", version=1)

    def model_below_gate(self):
        return self.predict()

    def not_exportable(self):
        """No coefficient of a random outcome is exactly 0."""
        self.labels([{"features": {"occupation": "Ex\u0001ec"}, "label": place % 3 // 2} for place in range(9)], expect=201)
        self.train()
        return self.api.call("exportModelPmml", dataset="adult", version=2)

    def quota_exceeded(self):
        self.command("tenant", "set", self.tenant.name, "--rows", "1")
        time.sleep(1)
        return self.labels([{"features": {}, "label": 1}])

    def too_many_requests(self):
        self.command("tenant", "set", self.tenant.name, "--requests-per-second", "1")
        deadline = time.monotonic() + 60
        while (answer := self.api.call("listPredictions", dataset="adult")).status_code == 200:
            assert time.monotonic() < deadline, "more than one request a second"
        return answer


@pytest.fixture(scope="module")
def told(command, psql) -> dict[str, object]:
    """The responses by the names of the examples."""
    mischief = Mischief(command, psql)
    told = {}
    for name, method in vars(Mischief).items():
        if name.replace("_", "-") in {name for _, name in shown()}:
            told[name.replace("_", "-")] = method(mischief)
    return told


def test_all_examples_are_provoked(told):
    assert set(told) == {name for status, name in shown() if (status, name) not in FAULTS}


@pytest.mark.parametrize("key", [key for key in shown() if key not in FAULTS], ids="-".join)
def test_an_example_matches_the_response(told, key):
    status, name = key
    answer, example = told[name], shown()[key]
    assert str(answer.status_code) == status, answer.text
    assert plain(answer.json()) == plain(example)


def plain(problem: dict) -> dict:
    """A problem with its numbers normalised and without the request id."""
    text = json.dumps({name: value for name, value in problem.items() if name not in ("request_id", "status")})
    return json.loads(re.sub(r"(?<![\w/])-?\d+(\.\d+)?(e[-+]?\d+)?|(?<=/)\d+", "0", text))


def test_long_names_are_cut(api, dataset):
    """Names of any length are repeated up to the documented length, which the check of every response enforces."""
    long = "x" * 5000
    told = api.call("createDataset", json_body={long: 1}, checked=False, expect=422).json()
    assert "/" + "x" * 998 + "…" in [error["pointer"] for error in told["errors"]]
    told = api.call("listDatasets", query={long: "1"}, expect=400).json()
    assert [error["parameter"] for error in told["errors"]] == ["x" * 999 + "…"] and told["detail"].startswith("xxx")
    told = api.call("addLabels", dataset=dataset, data=f"age,income,{long}\n1,0,2\n".encode(),
                    media_type="text/csv", expect=422).json()
    assert [error["column"] for error in told["errors"] if "column" in error] == ["x" * 999 + "…"]
    told = api.call("createDataset", data=b"{}", media_type="text/" + long, expect=415).json()
    assert len(told["detail"]) == 2000
