"""What is answered without a key, and what every path does alike."""

import re

import pytest

from contract import data, document
from contract.client import problem


@pytest.mark.parametrize("operation", ["live", "ready"])
def test_health(nobody, operation):
    assert nobody.call(operation, expect=200).json() == {"status": "ok"}


def test_metrics_are_prometheus_text(nobody, api, trained):
    api.call("predict", dataset=trained, json_body={"features": {}}, expect=201)
    text = nobody.call("metrics", expect=200).text
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert samples
    for line in samples:
        form = r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)( \d+)?'
        assert re.fullmatch(form, line), line
    assert trained not in text, "names of tenants' datasets are nobody else's business"


def test_the_document_is_served(nobody):
    nobody.call("openapiYAML", expect=200)
    nobody.call("openapiJSON", expect=200)


def test_the_page_needs_no_other_server(nobody):
    page = nobody.call("docs", expect=200).text
    for address in re.findall(r"""(?:src|href|url|action|import)\s*[=(]\s*["']?((?:https?:)?//[^"')\s>]+)""", page):
        pytest.fail(f"the page refers to {address}")
    assert "/openapi.json" in page


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/nonsense", "/v2/datasets", "/v1/datasets/adult/nonsense",
                                  "/v1/datasets/adult/labels/1/nonsense", "/problems", "/..", "/%00", "/%ff",
                                  "/" + "x" * 4000])
def test_unknown_paths(api, path):
    answer = api.send("GET", path)
    assert answer.status_code == 404, answer.text
    document.check_problem(path, answer)


@pytest.mark.parametrize("path", list(document.document()["paths"]))
def test_other_methods_are_refused(api, dataset, path):
    item = document.document()["paths"][path]
    documented = {method.upper() for method in document.METHODS if method in item}
    sent = path
    for name, value in {"dataset": dataset, "version": 1, "id": 1}.items():
        sent = sent.replace("{" + name + "}", str(value))
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - documented:
        if path == "/v1/datasets/{dataset}/models/active" and method in ("GET", "DELETE"):
            continue  # to a router this may be the version "active", which is absent
        if path in (f"/v1/datasets/{{dataset}}/predictions/{each}" for each in ("batch", "labels")) and method == "GET":
            continue
        answer = api.send(method, sent)
        assert answer.status_code == 405, f"{method} {sent}: {answer.status_code} {answer.text}"
        document.check_problem(f"{method} {sent}", answer)
        allowed = {each.strip() for each in answer.headers["Allow"].split(",")}
        assert documented <= allowed and method not in allowed


def test_request_ids_are_the_client_s_or_new(api):
    ids = {api.call("listDatasets", expect=200).headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5
    answer = api.call("getDataset", dataset="absent", expect=404)
    assert problem(answer, "not-found")["request_id"] == answer.headers["X-Request-Id"]


def test_answers_do_not_depend_on_the_order_of_members(api, dataset):
    """A body with its members in another order is the same body."""
    body = {"training": {}, "label": data.LABEL, "features": data.FEATURES, "name": dataset + "-r"}
    api.call("createDataset", json_body=body, expect=201)
