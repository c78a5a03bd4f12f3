"""Usage, limits and audit log of a tenant."""

import gzip
import json
import pathlib
import re
import time

from contract import data
from contract.client import problem


def test_usage_counts_stored_data(api, dataset):
    before = api.call("getUsage", expect=200).json()
    api.call("addLabels", dataset=dataset, json_body={"labels": data.rows(2)}, expect=201)
    after = api.call("getUsage", expect=200).json()
    assert after["rows"]["used"] == before["rows"]["used"] + 2
    assert after["keys"]["used"] == len(api.pages("listKeys"))
    assert after["datasets"]["used"] == len(api.pages("listDatasets"))
    assert all("limit" in each for each in after.values())


def test_usage_shows_the_shares_of_the_process(command):
    """A limit that applies is shown, whether it is the tenant's own, the standard one, or a share of the process."""
    tenant = command.tenant("sharing")
    client = tenant.client
    name = data.create(client, "only")
    shown = client.call("getUsage", expect=200).json()
    standard = {"rows": 50_000_000, "datasets": 1000, "keys": 100, "body_bytes": 1 << 30, "requests_per_second": 50_000}
    assert {name: shown[name]["limit"] for name in standard} == standard
    assert {"connections", "streams", "request_memory_bytes"} < shown.keys()
    assert 1 <= shown["streams"]["limit"] <= shown["connections"]["limit"] and shown["request_memory_bytes"]["limit"] > 1 << 20
    assert [shown[each]["used"] for each in ("connections", "streams", "request_memory_bytes")] == [0, 0, 0]
    command("tenant", "set", tenant.name, "--rows", "1000000", "--body-bytes", "50000000")
    lines = "".join(json.dumps(row) + "\n" for row in data.rows(20_000)).encode()
    used = []

    def slowly():
        for start in range(0, len(lines), 1 << 18):
            yield lines[start:start + (1 << 18)]
            used.append(client.call("getUsage", expect=200).json())

    time.sleep(1)
    client.call("addLabels", dataset=name, data=slowly(), media_type="application/x-ndjson", expect=201)
    assert all((each["rows"]["limit"], each["body_bytes"]["limit"]) == (1_000_000, 50_000_000) for each in used)
    assert max(each["streams"]["used"] for each in used) == max(each["connections"]["used"] for each in used) == 1
    assert max(each["request_memory_bytes"]["used"] for each in used) >= 1 << 18
    after = client.call("getUsage", expect=200).json()
    assert [after[each]["used"] for each in ("connections", "streams", "request_memory_bytes")] == [0, 0, 0]


def test_a_body_beyond_the_tenants_limit_is_refused(command):
    tenant = command.tenant("narrow")
    client = tenant.client
    name = data.create(client, "only")
    command("tenant", "set", tenant.name, "--body-bytes", "100")
    time.sleep(1)
    labels = json.dumps({"labels": data.rows(5)}).encode()
    for sent, encoding in ((labels, {}), (gzip.compress(labels), {"Content-Encoding": "gzip"})):
        answer = client.call("addLabels", dataset=name, data=sent, media_type="application/json", headers=encoding, expect=413)
        refused = problem(answer, "body-too-large")
        assert (refused["limit"], refused["maximum"]) == ("body_bytes", 100)


def test_responses_kept_for_replays_are_limited(command):
    tenant = command.tenant("repeating")
    client = tenant.client
    command("tenant", "set", tenant.name, "--answer-bytes", "3000", "--queued-jobs", "0")
    name = data.create(client, "only")
    add = {"dataset": name, "json_body": {"labels": data.rows(40)}}
    for key in ("a", "b"):
        client.call("addLabels", **add, headers={"Idempotency-Key": key}, expect=201)
    used = client.call("getUsage", expect=200).json()["answer_bytes"]
    assert 2000 < used["used"] <= 3000 and used["limit"] == 3000
    refused = problem(client.call("addLabels", **add, headers={"Idempotency-Key": "c"}, expect=403), "quota-exceeded")
    assert (refused["limit"], refused["maximum"], refused["present"]) == ("answer_bytes", 3000, used["used"])
    assert client.call("getDataset", dataset=name, expect=200).json()["labels_stored"] == 80
    # Replays of kept responses work, and requests without the header succeed.
    again = client.call("addLabels", **add, headers={"Idempotency-Key": "a"}, expect=201)
    assert again.headers["Idempotency-Replayed"] == "true"
    client.call("addLabels", **add, expect=201)
    waiting = client.call("createTrainingJob", dataset=name, json_body={}, expect=403)
    assert problem(waiting, "quota-exceeded")["limit"] == "queued_jobs"


def test_a_replay_is_answered_before_limits_are_asked(command):
    """The limit that a request has reached does not refuse its repetition, in every format and for every size."""
    tenant = command.tenant("full")
    client = tenant.client
    name = data.create(client, "only")
    rows = data.rows(6000)
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    sent = {
        "json": {"json_body": {"labels": rows}},
        "large": {"json_body": {"labels": rows * 3}},
        "ndjson": {"data": lines, "media_type": "application/x-ndjson"},
        "stream": {"data": lines * 3, "media_type": "application/x-ndjson"},
    }
    first = {key: client.call("addLabels", dataset=name, **body, headers={"Idempotency-Key": key}, expect=201)
             for key, body in sent.items()}
    stored = client.call("getDataset", dataset=name, expect=200).json()["labels_stored"]
    other = data.create(client, "another")
    client.call("createKey", json_body={"name": "k", "role": "read"}, headers={"Idempotency-Key": "key"}, expect=201)
    client.call("createTrainingJob", dataset=name, json_body={}, headers={"Idempotency-Key": "job"}, expect=202)
    command("tenant", "set", tenant.name, "--rows", "10", "--datasets", "1", "--keys", "0", "--queued-jobs", "0",
            "--predictions", "0", "--answer-bytes", "0")
    time.sleep(1)
    for key, body in sent.items():
        again = client.call("addLabels", dataset=name, **body, headers={"Idempotency-Key": key}, expect=201)
        assert again.content == first[key].content and again.headers["Idempotency-Replayed"] == "true"
        # Another request under the key is told so, and a new one reaches the limit.
        changed = {"data": body["data"] + b"\n"} if "data" in body else {"json_body": {"labels": body["json_body"]["labels"][1:]}}
        answer = client.call("addLabels", dataset=name, **body | changed, headers={"Idempotency-Key": key}, expect=422)
        problem(answer, "idempotency-key-reused")
        answer = client.call("addLabels", dataset=name, **body, headers={"Idempotency-Key": key + "2"}, expect=403)
        assert problem(answer, "quota-exceeded")["limit"] == "rows"
        answer = client.call("addLabels", dataset=other, **body, headers={"Idempotency-Key": key}, expect=422)
        problem(answer, "idempotency-key-reused")
    for operation, key, path, body in (("createKey", "key", {}, {"name": "k", "role": "read"}),
                                       ("createTrainingJob", "job", {"dataset": name}, {})):
        again = client.call(operation, **path, json_body=body, headers={"Idempotency-Key": key}, expect=(201, 202))
        assert again.headers["Idempotency-Replayed"] == "true"
    assert client.call("getDataset", dataset=name, expect=200).json()["labels_stored"] == stored


def test_every_act_is_in_the_log(api, dataset):
    made = api.call("createKey", json_body={"name": "audited", "role": "read"}, expect=201).json()
    api.call("addLabels", dataset=dataset, json_body={"labels": data.rows(2)}, expect=201)
    api.call("updateDataset", dataset=dataset, json_body={"gate": None}, media_type="application/merge-patch+json",
             expect=200)
    api.call("deleteLabels", dataset=dataset, query={"all": "true"}, expect=200)
    api.call("deleteDataset", dataset=dataset, expect=204)
    api.call("deleteKey", id=made["id"], expect=204)
    entries = [(each["action"], each["target"], each["detail"]) for each in api.pages("listAudit")[:6]]
    assert entries == [
        ("key.revoked", f"key {made['id']}", None), ("dataset.deleted", f"dataset {dataset}", None),
        ("labels.deleted", f"dataset {dataset}", "2 labels"), ("dataset.changed", f"dataset {dataset}", None),
        ("key.created", f"key {made['id']}", "audited, read"), ("dataset.created", f"dataset {dataset}", None),
    ]
    first = api.pages("listAudit", limit=7)[0]
    assert first["actor"] == {"type": "key", "key_id": first["actor"]["key_id"], "key_name": "first"}


def test_the_log_is_scoped_to_the_tenant(api, other, dataset):
    assert f"dataset {dataset}" in [each["target"] for each in api.pages("listAudit")]
    assert f"dataset {dataset}" not in [each["target"] for each in other.pages("listAudit")]


def test_a_full_tenant_gets_its_limit(command, url):
    """Limits set by the command line apply within a second, and problems name them."""
    tenant = command.tenant("small")
    command("tenant", "set", tenant.name, "--datasets", "1", "--rows", "2")
    time.sleep(1)
    client = tenant.client
    name = data.create(client, "only")
    refused = problem(client.call("createDataset", json_body={
        "name": "second", "features": [{"name": "x", "type": "continuous"}]}, expect=403), "quota-exceeded")
    assert (refused["limit"], refused["maximum"], refused["present"]) == ("datasets", 1, 1)
    batch = {"labels": data.rows(3)}
    assert client.call("addLabels", dataset=name, json_body=batch, expect=403).json()["limit"] == "rows"
    command("tenant", "set", tenant.name, "--requests-per-second", "1")
    deadline = time.monotonic() + 60
    while (late := client.call("getUsage")).status_code == 200:
        assert time.monotonic() < deadline, "more than one request a second"
    assert late.headers["Retry-After"] == "1" and late.json()["limit"] == "requests_per_second"
    assert late.headers["RateLimit-Policy"] == '"requests";q=1;w=1'
    shown = command("tenant", "show", tenant.name, "--json")
    limits = {each["name"]: (each["limit"], each["is_set"]) for each in shown["usage"]}
    assert limits["rows"] == (2, True) and limits["keys"] == (100, False)
    sources = {each["name"]: each["source"] for each in shown["usage"]}
    assert (sources["rows"], sources["keys"], sources["jobs"]) == ("tenant", "standard", "environment")
    command("tenant", "set", tenant.name, "--requests-per-second", "standard")


def test_the_documented_proof_of_an_erasure_works(command, psql):
    """Runs the script of docs/tenants.md in the private PostgreSQL of a running server."""
    text = (pathlib.Path(__file__).parents[2] / "docs" / "tenants.md").read_text()
    [script] = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    tenant = command.tenant("erased")
    data.add(tenant.client, data.create(tenant.client, "only"), data.rows(5))
    number = tenant.client.key.split("_")[1]
    asked = "\\connect verdict\n" + re.sub(r"(?m)^\\set tenant 7$", f"\\\\set tenant {number}", script)

    def rows() -> dict[str, int]:
        return {table: int(count) for table, count in (line.split("|") for line in psql(asked).splitlines())}

    before = rows()
    assert before["labels"] == 5 and before["tenants"] == 1 and len(before) > 10
    assert number in command("tenant", "delete", tenant.name, "--yes")
    assert rows() == dict.fromkeys(before, 0)
    time.sleep(1)
    tenant.client.call("listDatasets", expect=401)
