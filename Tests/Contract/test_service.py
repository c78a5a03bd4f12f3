"""Paths without a key, and the common behaviour of all paths."""

import re

import pytest

from contract import data, document
from contract.client import problem
from contract.equipment import SWAGGER_UI, need


def test_health(nobody):
    assert nobody.call("live", expect=200).json() == {"status": "ok"}


def test_readiness_reports_versions(nobody):
    ready = nobody.call("ready", expect=200).json()
    assert (ready["status"], ready["read_only"]) == ("ok", False)
    assert ready["schema"] == ready["database_schema"]
    build = f'verdict_build_info{{version="{ready["version"]}",schema="{ready["schema"]}"}} 1'
    assert build in nobody.call("metrics", expect=200).text.splitlines()


def test_metrics_are_prometheus_text(nobody, api, trained):
    api.call("predict", dataset=trained, json_body={"features": {}}, expect=201)
    text = nobody.call("metrics", expect=200).text
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert samples
    for line in samples:
        form = r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)( \d+)?'
        assert re.fullmatch(form, line), line
    assert trained not in text, "names of tenants' datasets are nobody else's business"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.yaml", "/openapi.json", "/docs"])
def test_open_paths_ignore_query_parameters(nobody, path):
    assert nobody.send("GET", path + "?t=1&t=2&%zz").status_code == 200


def test_metrics_check_query_parameters(nobody):
    problem(nobody.call("metrics", query={"nonsense": "1"}, expect=400), "invalid-parameter")
    problem(nobody.call("metrics", query={"by": "dataset"}, expect=400), "invalid-parameter")


def test_the_document_is_served(nobody):
    nobody.call("openapiYaml", expect=200)
    nobody.call("openapiJson", expect=200)


def test_the_page_uses_no_other_server(nobody):
    page = nobody.call("docs", expect=200)
    addresses = r"""(?:src|href|url|action|import)\s*[=(]\s*["']?((?:https?:)?//[^"')\s>]+)"""
    for address in re.findall(addresses, page.text):
        pytest.fail(f"the page refers to {address}")
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
    files = re.findall(r'(?:src|href)="docs/([^"]+)"', page.text)
    fetched = [name for name in files if name == "start.js" or SWAGGER_UI.exists()]
    texts = [page.text] + [nobody.call("docsFile", file=name, expect=200).text for name in fetched]
    assert any("openapi.json" in text for text in texts)
    for name in ("absent.js", "..%2Fopenapi.yaml", "%00"):
        assert nobody.send("GET", f"/docs/{name}").status_code == 404


def test_the_page_is_swagger_ui_where_it_was_fetched(nobody):
    need(SWAGGER_UI.exists(), "Swagger UI was not fetched before the build")
    assert nobody.call("docsFile", file="swagger-ui-bundle.js", expect=200).content == SWAGGER_UI.read_bytes()
    assert nobody.call("docsFile", file="LICENSE", expect=200).headers["Content-Type"].startswith("text/plain")
    style = nobody.call("docsFile", file="swagger-ui.css", expect=200)
    nobody.call("docsFile", file="swagger-ui.css", headers={"If-None-Match": style.headers["ETag"]}, expect=304)


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
    for name, value in {"dataset": dataset, "version": 1, "id": 1, "file": "start.js"}.items():
        sent = sent.replace("{" + name + "}", str(value))
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - documented:
        answer = api.send(method, sent)
        assert answer.status_code == 405, f"{method} {sent}: {answer.status_code} {answer.text}"
        document.check_problem(f"{method} {sent}", answer)
        allowed = {each.strip() for each in answer.headers["Allow"].split(",")}
        assert allowed == documented | ({"HEAD"} if "GET" in documented else set())


def test_request_ids_are_the_clients_or_new(api):
    ids = {api.call("listDatasets", expect=200).headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5
    answer = api.call("getDataset", dataset="absent", expect=404)
    assert problem(answer, "not-found")["request_id"] == answer.headers["X-Request-Id"]


def test_the_order_of_members_does_not_matter(api, dataset):
    """A body with its members in another order is equivalent."""
    body = {"training": {}, "label": data.LABEL, "features": data.FEATURES, "name": dataset + "-r"}
    api.call("createDataset", json_body=body, expect=201)
