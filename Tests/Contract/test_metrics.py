"""/metrics matches docs/operations.md in names, labels and meaning."""

import json
import re
import time
import uuid

import pytest

from contract import data, document

ROW = {"features": {"age": 44}}
TABLE = (document.PATH.parent / "docs" / "operations.md").read_text(encoding="utf-8")
# The suffixes of the series of histograms and summaries (Prometheus's text format 0.0.4).
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


def described() -> dict[str, tuple[str, set[str]]]:
    """Kind and labels of each metric in the table."""
    rows = re.findall(r"^\| `(verdict_\w+)` \((gauge|counter|histogram|summary)(?:; ([^)]*))?\) \| ([^|]+) \|", TABLE, re.M)
    assert rows and all(words.strip() for *_, words in rows)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows}


def scrape(nobody, **query) -> dict[tuple[str, frozenset], float]:
    """The samples by name and labels."""
    text = nobody.call("metrics", query=query, expect=200).text
    samples = {}
    for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
        key = name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
        assert key not in samples, f"{key} is there twice"
        samples[key] = float(value)
    return samples


def kinds(nobody, **query) -> dict[str, str]:
    """The kind of each metric, from its TYPE line."""
    text = nobody.call("metrics", query=query, expect=200).text
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))


class Difference:
    """The increase of counters."""

    def __init__(self, nobody, **query):
        self.nobody, self.query = nobody, query
        self.before = scrape(nobody, **query)

    def of(self, name: str, **labels) -> float:
        key = name, frozenset(labels.items())
        return scrape(self.nobody, **self.query).get(key, 0) - self.before.get(key, 0)

    def comes_to(self, expected: float, name: str, **labels) -> None:
        """Waits for counters that may be updated after the response."""
        deadline = time.monotonic() + 30
        while (found := self.of(name, **labels)) != expected:
            assert time.monotonic() < deadline, f"{name}: {found} instead of {expected}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def busy(api, trained) -> str:
    """A dataset with activity for every metric."""
    api.call("predict", dataset=trained, json_body=ROW, expect=201)
    api.call("predict", dataset=trained, json_body=ROW, query={"store": "false"}, expect=200)
    api.call("predict", dataset=trained, data=b" " * (1 << 20) + b" ", media_type="application/json", expect=413)
    return trained


def test_names_kinds_and_labels_are_those_of_the_table(nobody, busy):
    table = described()
    assert kinds(nobody, by="tenant") == {name: kind for name, (kind, _) in table.items()}
    found: dict[str, set[str]] = {name: set() for name in table}
    for name, labels in scrape(nobody, by="tenant"):
        family = name
        for metric, (kind, _) in table.items():
            if name in [metric + part for part in PARTS.get(kind, ())]:
                family = metric
        found[family] |= {label for label, _ in labels if label != "le"}
    assert found == {name: labels for name, (_, labels) in table.items()}


def test_tenants_are_shown_on_request_only(nobody, busy):
    assert set(kinds(nobody, by="tenant")) - set(kinds(nobody)) == {
        "verdict_tenant_predictions_total", "verdict_tenant_requests_refused_total"}


def test_predictions_are_counted_by_being_stored_and_by_tenant(api, nobody, busy):
    tenant = api.key.split("_")[1]
    since = Difference(nobody, by="tenant")
    api.call("predict", dataset=busy, json_body=ROW, expect=201)
    api.call("predictBatch", dataset=busy, json_body={"predictions": [ROW, ROW]}, expect=201)
    lines = (json.dumps(ROW) + "\n") * 3
    api.call("predictBatchNdjson", dataset=busy, data=lines.encode(), media_type="application/x-ndjson", expect=201)
    api.call("predictBatch", dataset=busy, json_body={"predictions": [ROW] * 5}, query={"store": "false"}, expect=200)
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    for _ in range(2):
        api.call("predict", dataset=busy, json_body=ROW, headers=headers, expect=201)
    assert since.of("verdict_predictions_total", stored="true") == 1 + 2 + 3 + 1
    assert since.of("verdict_predictions_total", stored="false") == 5
    assert since.of("verdict_tenant_predictions_total", tenant=tenant) == 12
    assert since.of("verdict_predictions_shed_total") == 0


def test_a_commit_counts_its_rows(api, nobody, busy):
    since = Difference(nobody)
    for _ in range(3):
        api.call("predict", dataset=busy, json_body=ROW, expect=201)
    since.comes_to(3, "verdict_prediction_flush_rows_sum")
    since.comes_to(3, "verdict_prediction_flush_rows_count")
    since.comes_to(3, "verdict_prediction_flush_seconds_count")
    assert since.of("verdict_prediction_flush_seconds_sum") > 0
    assert scrape(nobody)["verdict_predictions_waiting", frozenset()] == 0


def test_refusals_by_the_gate_are_counted(api, nobody):
    name = data.train(api, data.create(api, f"g-{uuid.uuid4().hex[:12]}"), 60)
    api.call("updateDataset", dataset=name, json_body={"gate": {"metric": "labels_used", "minimum": 61}}, expect=200)
    since = Difference(nobody)
    api.call("predict", dataset=name, json_body=ROW, expect=409)
    api.call("predictBatch", dataset=name, json_body={"predictions": [ROW, ROW]}, expect=409)
    api.call("predictBatchNdjson", dataset=name, data=json.dumps(ROW).encode(), media_type="application/x-ndjson", expect=409)
    assert since.of("verdict_gate_refusals_total") == 3
    assert since.of("verdict_predictions_total", stored="true") == 0


def test_refusals_are_counted_by_reason_and_by_tenant(command, nobody):
    tenant = command.tenant("refused")
    client, number = tenant.client, tenant.client.key.split("_")[1]
    name = data.train(client, data.create(client, "only"), 60)
    client.call("updateDataset", dataset=name, json_body={"gate": {"metric": "labels_used", "minimum": 61}}, expect=200)
    command("tenant", "set", tenant.name, "--rows", "60", "--body-bytes", "1000")
    time.sleep(1)
    since = Difference(nobody, by="tenant")
    client.call("addLabels", dataset=name, json_body={"labels": data.rows(1)}, expect=403)
    for _ in range(2):
        client.call("addLabels", dataset=name, data=b" " * 2000, media_type="application/json", expect=413)
    client.call("predict", dataset=name, json_body=ROW, expect=409)
    client.call("predict", dataset="absent", json_body=ROW, expect=404)
    client.call("predict", dataset=name, json_body={"features": 1}, checked=False, expect=(409, 422))
    expected = {"quota": 1, "body_size": 2, "gate": 2}
    found = {dict(labels)["reason"]: value for (series, labels), value in scrape(nobody, by="tenant").items()
             if series == "verdict_tenant_requests_refused_total" and dict(labels)["tenant"] == number}
    assert found | {"gate": 2} == expected
    for reason, count in expected.items():
        assert since.of("verdict_requests_refused_total", reason=reason) >= count
        assert since.of("verdict_tenant_requests_refused_total", tenant=number, reason=reason) == count
    command("tenant", "set", tenant.name, "--requests-per-second", "1")
    time.sleep(1)
    refused = 0
    for _ in range(20):
        answer = client.call("predict", dataset=name, json_body=ROW)
        refused += answer.status_code == 429
    assert refused > 0
    assert since.of("verdict_tenant_requests_refused_total", tenant=number, reason="request_rate") == refused


def test_trainings_are_timed_by_their_outcome(api, nobody, dataset):
    since = Difference(nobody)
    data.train(api, dataset, 60)
    since.comes_to(1, "verdict_job_seconds_count", outcome="succeeded")
    assert since.of("verdict_job_seconds_sum", outcome="succeeded") > 0
    states = {dict(labels)["state"] for name, labels in scrape(nobody) if name == "verdict_jobs"}
    assert states == {"queued", "running"}
    assert scrape(nobody)["verdict_jobs_oldest_wait_seconds", frozenset()] >= 0


def test_requests_are_counted_by_method_route_and_status(api, nobody, dataset):
    since = Difference(nobody)
    for _ in range(2):
        api.call("getDataset", dataset=dataset, expect=200)
    api.call("getDataset", dataset="absent", expect=404)
    route = {"method": "GET", "route": "/v1/datasets/{dataset}"}
    assert since.of("verdict_http_request_seconds_count", **route, status="200") == 2
    assert since.of("verdict_http_request_seconds_count", **route, status="404") == 1
    assert since.of("verdict_http_request_seconds_bucket", **route, status="200", le="+Inf") == 2


def test_the_states_of_pool_connections_add_up(nobody, busy):
    found = {dict(labels)["state"]: value for (name, labels), value in scrape(nobody).items()
             if name == "verdict_pool_connections"}
    assert found.keys() == {"open", "idle", "in_use", "waiting"}
    assert found["open"] >= found["idle"] + found["in_use"] and found["open"] >= 1
