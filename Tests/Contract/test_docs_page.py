"""The page at /docs works in a browser without other network access: a key, labels, a training, a prediction."""

import json
import os
import pathlib
import random
import uuid

import pytest
from playwright import sync_api as playwright

from contract.equipment import CHROMIUM, SWAGGER_UI, need

# The machine may be busy.
TIMEOUT_MS = 120_000


@pytest.fixture(scope="module")
def page(url):
    need(CHROMIUM, "no Chromium here")
    need(SWAGGER_UI.exists(), "built without Swagger UI")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(TIMEOUT_MS)
        page.elsewhere, page.complaints = [], []
        page.on("request", lambda request: request.url.startswith((url, "data:", "blob:")) or
                page.elsewhere.append(request.url))
        page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(url + "/docs")
        page.wait_for_selector(".opblock")
        yield page
        browser.close()


def execute(page, tag: str, operation: str, parameters=None, body=None) -> tuple[int, dict]:
    """Opens an operation, fills in its form, executes it, and returns the status and the body that the page shows."""
    block = page.locator(f"#operations-{tag}-{operation}")
    block.locator(".opblock-summary-control").click()
    for name, value in (parameters or {}).items():
        block.locator(f'tr[data-param-name="{name}"] input').fill(value)
    if body is not None:
        block.locator("textarea.body-param__text").fill(json.dumps(body))
    block.locator("button.execute").click()
    live = block.locator(".live-responses-table")
    status = live.locator("tbody .response-col_status").first.inner_text().split()[0]
    text = live.locator("tbody .response-col_description code").first.inner_text()
    return int(status), json.loads(text)


def test_from_key_to_prediction(page, api):
    page.locator("button.authorize").first.click()
    page.locator(".auth-container input").fill(api.key)
    page.locator(".auth-btn-wrapper button.authorize").click()
    page.locator(".auth-btn-wrapper .btn-done").click()

    name = f"docs-{uuid.uuid4().hex[:8]}"
    at = {"dataset": name}
    features = [{"name": "x", "type": "continuous"}]
    status, made = execute(page, "Datasets", "createDataset", body={"name": name, "features": features})
    assert (status, made["name"]) == (201, name)
    drawn = random.Random(1)
    labels = [{"features": {"x": x}, "label": int(drawn.random() < x)} for x in [drawn.random() for _ in range(200)]]
    status, added = execute(page, "Labels", "addLabels", at, {"labels": labels})
    assert (status, added["inserted"]) == (201, 200)
    status, job = execute(page, "Training", "createTrainingJob", at | {"Prefer": "wait=120"}, {})
    assert (status, job["state"]) == (200, "succeeded")
    status, prediction = execute(page, "Predictions", "predict", at, {"features": {"x": 0.9}})
    assert status == 201 and prediction["label"] == 1 and prediction["model_version"] == 1

    folder = os.environ.get("CONTRACT_SCREENSHOTS")
    if folder:
        page.locator("#operations-Predictions-predict .live-responses-table").scroll_into_view_if_needed()
        page.screenshot(path=str(pathlib.Path(folder) / "docs-prediction.png"))
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=str(pathlib.Path(folder) / "docs-top.png"))
    assert page.elsewhere == [] and page.complaints == []


def test_optional_fields_are_empty(page):
    block = page.locator("#operations-Predictions-predict")
    assert block.locator('tr[data-param-name="Idempotency-Key"] input').input_value() == ""
    assert block.locator('tr[data-param-name="dataset"] input').input_value() != ""
