"""Names of requests in the server's log (the harness runs it with debug lines)."""

import os
import pathlib
import re
import time
import uuid

import pytest

TRACE = "0af7651916cd43dd8448eb211c80319c"


def lines_of(request_id: str) -> list[str]:
    """The log's lines about a request, of which there is one at least."""
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
def test_a_trace_shows_in_the_log(api, header, trace):
    name = uuid.uuid4().hex
    answer = api.send("GET", "/v1/datasets", headers={"traceparent": header.encode(), "X-Request-Id": name})
    assert answer.status_code == 200 and answer.headers["X-Request-Id"] == name
    for line in lines_of(name):
        assert f"request_id={name}" in line
        assert re.findall(r"trace_id=(\S+)", line) == ([trace] if trace else []), line


def test_every_answered_line_has_its_request(api, dataset):
    api.call("getDataset", dataset=dataset, expect=200)
    text = pathlib.Path(os.environ["CONTRACT_LOG"]).read_text(encoding="utf-8", errors="replace")
    answered = [line for line in text.splitlines() if "answered" in line and "status=" in line]
    assert answered and all("request_id=" in line for line in answered)


def test_a_streamed_answer_is_logged_under_its_name(api, trained):
    name = uuid.uuid4().hex
    rows = "\n".join('{"features": {"age": %d}}' % age for age in range(5)) + "\n{broken\n"
    answer = api.send("POST", f"/v1/datasets/{trained}/predictions/batch?store=false", data=rows.encode(),
                      headers={"Content-Type": "application/x-ndjson", "X-Request-Id": name})
    assert answer.status_code == 200 and lines_of(name)
