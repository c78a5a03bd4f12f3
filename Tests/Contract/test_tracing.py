"""Request ids and trace ids in the server's log (the harness runs the server at the level debug)."""

import concurrent.futures
import os
import pathlib
import re
import time
import uuid

import pytest

from contract import data

TRACE = "0af7651916cd43dd8448eb211c80319c"


def lines_of(request_id: str) -> list[str]:
    """The log lines about a request, at least one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        text = pathlib.Path(os.environ["CONTRACT_LOG"]).read_text(encoding="utf-8", errors="replace")
        found = [line for line in text.splitlines() if request_id in line]
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"no line about {request_id}")


@pytest.mark.parametrize("header,trace", [
    (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
    (f"00-{TRACE}-b7ad6b7169203331-00", TRACE),
    (f"cc-{TRACE}-b7ad6b7169203331-01-what-comes-later", TRACE),
    (f"ff-{TRACE}-b7ad6b7169203331-01", None),
    (f"00-{TRACE}-b7ad6b7169203331-01-more", None),
    (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
    (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
    (f"00-{TRACE}-{'0' * 16}-01", None),
    (f"00-{TRACE}-b7ad6b7169203331", None),
    (f"00-{TRACE}-b7ad6b716920333g-01", None),
    ("nonsense", None), ("", None), ("é" * 30, None),
])
def test_a_trace_is_in_the_log(api, header, trace):
    name = uuid.uuid4().hex
    answer = api.send("GET", "/v1/datasets", headers={"traceparent": header.encode(), "X-Request-Id": name})
    assert answer.status_code == 200 and answer.headers["X-Request-Id"] == name
    for line in lines_of(name):
        assert f"request_id={name}" in line
        assert re.findall(r"trace_id=(\S+)", line) == ([trace] if trace else []), line


def log() -> str:
    return pathlib.Path(os.environ["CONTRACT_LOG"]).read_text(encoding="utf-8", errors="replace")


def test_every_log_line_of_a_request_has_its_id(api, dataset):
    """All log lines that are written while only one request is active belong to that request."""
    before = len(log())
    name, parent = uuid.uuid4().hex, f"00-{TRACE}-b7ad6b7169203331-01"
    headers = {"X-Request-Id": name, "traceparent": parent}
    api.call("getDataset", dataset=dataset, headers=headers, expect=200)
    api.call("addLabels", dataset=dataset, json_body={"labels": data.rows(3)}, headers=headers, expect=201)
    api.call("addLabels", dataset=dataset, data=b"{", media_type="application/json", headers=headers, expect=400)
    api.call("createTrainingJob", dataset="absent", json_body={}, headers=headers, expect=404)
    assert lines_of(name)
    said = [line for line in log()[before:].splitlines() if line]
    assert len([line for line in said if line.endswith("answered")]) == 4
    for line in said:
        # A training of an earlier test may end meanwhile.
        if "[JobQueue]" not in line and not line.endswith("[VerdictCore] trained"):
            assert f"request_id={name}" in line and f"trace_id={TRACE}" in line, line


def test_failures_are_logged_with_the_request_id(api, psql, dataset):
    """The database closes the request's connection while the request waits for a lock."""
    before, name = len(log()), uuid.uuid4().hex
    headers = {"X-Request-Id": name, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%datasets%' AND state = 'active'"
    with psql.session("BEGIN; LOCK TABLE datasets;"), concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(api.send, "GET", f"/v1/datasets/{dataset}", headers=headers)
        deadline = time.monotonic() + 30
        while psql(f"SELECT count(*) {waiting}").strip() == "0":
            assert time.monotonic() < deadline, "the request does not wait for the lock"
        psql(f"SELECT pg_terminate_backend(pid) {waiting}")
        assert call.result().status_code == 503
    assert len(lines_of(name)) > 1
    wrong = [line for line in log()[before:].splitlines() if "database unavailable" in line]
    assert wrong and all(f"request_id={name}" in line and f"trace_id={TRACE}" in line for line in wrong)


def test_every_completion_line_has_its_request():
    answered = [line for line in log().splitlines() if "answered" in line and "status=" in line]
    assert answered and all("request_id=" in line for line in answered)


def test_a_streamed_response_is_logged_with_its_request_id(api, trained):
    name = uuid.uuid4().hex
    rows = "\n".join('{"features": {"age": %d}}' % age for age in range(5)) + "\n{broken\n"
    answer = api.send("POST", f"/v1/datasets/{trained}/predictions/batch.ndjson?store=false", data=rows.encode(),
                      headers={"Content-Type": "application/x-ndjson", "X-Request-Id": name})
    assert answer.status_code == 200 and lines_of(name)
