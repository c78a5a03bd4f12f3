"""The life cycle of two datasets from the document's examples: each request example is sent, and each response is
kept."""

import itertools
import json
import random
import time

from . import document

CENSUS = document.PATH.parent / "Examples" / "adult" / "adult_train.csv"
# The census columns that the dataset of the example does not declare.
LEFT_OUT = "fnlwgt,education,marital_status,relationship,race,capital_loss,native_country"


class Walk:
    """Calls operations as a tenant without data, and keeps requests and responses by the names of the examples."""

    def __init__(self, api, rows: int = 3000):
        self.api = api
        self.rows = rows
        self.sent: set[tuple[str, str, str]] = set()  # operation, media type, name
        self.kept: dict[tuple[str, int, str, str], object] = {}  # operation, status, media type, name

    def body(self, operation: str, media_type: str, name: str):
        content = document.operations()[operation].spec["requestBody"]["content"][media_type]
        self.sent.add((operation, media_type, name))
        return content["examples"][name]["value"]

    def call(self, operation: str, *, expect: int, send: str | None = None, media: str = "application/json",
             keep: str | None = None, data=None, **arguments):
        """Sends one request. `send` names the example for its body, unless `data` replaces it. `keep` names the example
        of the response."""
        if send:
            body = self.body(operation, media, send)
            body = body if data is None else data
            if media.endswith("json") and media != "application/x-ndjson":
                arguments["json_body"] = body
            else:
                arguments["data"] = body.encode()
            arguments["media_type"] = media
        elif data is not None:
            arguments["data"] = data
        answer = self.api.call(operation, expect=expect, **arguments)
        if keep:
            media_type = answer.headers["Content-Type"].split(";")[0]
            is_json = media_type in ("application/json", "application/problem+json")
            self.kept[operation, answer.status_code, media_type, keep] = answer.json() if is_json else answer.text
        return answer

    def run(self) -> "Walk":
        self.datasets()
        self.labels()
        self.trainings()
        self.models()
        self.policies()
        self.predictions()
        self.feedback()
        self.erasures()
        self.keys()
        self.operations()
        return self

    def datasets(self):
        self.call("listDatasets", expect=200, keep="none")
        self.call("createDataset", send="adult", expect=201, keep="adult")
        self.call("createDataset", send="smallest", expect=201)
        for media in ("application/x-ndjson", "text/csv"):
            self.call("inferSchema", send="adult", media=media, query={"label": "income", "name": "adult"}, expect=200,
                      keep="adult")

    def labels(self):
        at = {"dataset": "adult"}
        self.call("addLabels", send="adult", expect=201, keep="added", **at)
        self.call("addLabels", send="adult", media="application/x-ndjson", expect=201, **at)
        self.call("addLabels", send="adult", media="text/csv", expect=201, **at)
        header, line = CENSUS.read_text().splitlines()[:2]
        spoiled = "\n".join([header, line, line.replace(line.split(",")[0], "n/a", 1), line]) + "\n"
        self.call("addLabels", data=spoiled.encode(), media_type="text/csv", query={"ignore": LEFT_OUT, "on_error": "skip"},
                  expect=201, keep="skipped", **at)
        self.call("listLabels", query={"limit": 1}, expect=200, keep="page", **at)
        # The order is that of the rows: person-1, the other one of that batch, and so on.
        ids = [label["id"] for label in self.api.pages("listLabels", **at)]
        for operation in ("exportLabelsCsv", "exportLabelsNdjson"):
            self.call(operation, query={"key": "person-1"}, expect=200, keep="export", **at)
        self.call("getLabel", id=ids[0], expect=200, keep="label", **at)
        for name in ("outcome", "value"):
            self.call("updateLabel", id=ids[0], send=name, media="application/merge-patch+json", expect=200, keep="label", **at)
        self.call("updateLabel", id=ids[0], send="outcome", expect=200, **at)
        self.call("deleteLabel", id=ids[1], expect=204, **at)
        self.call("deleteLabels", query={"id": ",".join(map(str, ids[2:5]))}, expect=200, keep="deleted", **at)
        with CENSUS.open() as file:
            lines = "".join(itertools.islice(file, self.rows + 1))
        self.call("addLabels", data=lines.encode(), media_type="text/csv", query={"ignore": LEFT_OUT}, expect=201, **at)
        drawn = random.Random(1)
        few = [{"features": {"months_since_order": months}, "label": int(drawn.random() < months / 12)}
               for months in [drawn.randint(0, 12) for _ in range(40)]]
        self.api.call("addLabels", dataset="churn", json_body={"labels": few}, expect=201)

    def trainings(self):
        at = {"dataset": "adult"}
        self.wait()
        wait = {"headers": {"Prefer": "wait=300"}, "timeout": 310}
        self.call("createTrainingJob", send="defaults", expect=200, keep="finished", **wait, **at)
        self.call("createTrainingJob", send="sparse", expect=200, **wait, **at)
        self.call("createTrainingJob", json_body={"class_weight": "balanced"}, expect=200, **wait, **at)
        queued = self.call("createTrainingJob", json_body={}, expect=202, keep="queued", **at).json()
        self.call("getTrainingJob", id=queued["id"], expect=200, keep="running", **at)
        answer = self.api.call("cancelTrainingJob", id=queued["id"], expect=(200, 409), **at)
        if answer.status_code == 200:
            self.kept["cancelTrainingJob", 200, "application/json", "cancelled"] = answer.json()
        self.wait()
        self.call("listTrainingJobs", query={"limit": 1}, expect=200, keep="page", **at)
        finished = self.kept["createTrainingJob", 200, "application/json", "finished"]
        self.call("getTrainingJob", id=finished["id"], expect=200, keep="succeeded", **at)
        self.call("followTrainingJob", id=finished["id"], expect=200, keep="stream", **at)
        self.call("createTrainingJob", dataset="churn", json_body={}, expect=200, **wait)
        self.call("getProfile", expect=200, keep="adult", **at)

    def wait(self):
        """Waits until no job is left, by following the events of each."""
        for job in self.api.pages("listTrainingJobs", dataset="adult"):
            if job["state"] in ("queued", "running"):
                self.api.call("followTrainingJob", dataset="adult", id=job["id"], timeout=300, expect=200)

    def models(self):
        few = {"dataset": "churn", "version": 1}
        self.call("listModels", dataset="churn", expect=200, keep="page")
        self.call("getModel", **few, expect=200, keep="model")
        self.call("getModelTerms", **few, expect=200, keep="linear")
        self.call("getCurves", **few, expect=200, keep="curves")
        for form in ("json", "pmml", "sql"):
            self.call(f"exportModel{form.capitalize()}", **few, expect=200, keep=form)
            self.call("exportModel", **few, query={"format": form}, expect=200, keep=form)
        self.call("listKpis", dataset="churn", expect=200, keep="page")
        self.call("exportKpisCsv", dataset="churn", expect=200, keep="history")
        version = self.body("setActiveModel", "application/json", "rollback")["version"]
        self.sent.add(("setActiveModel", "application/json", "pin"))
        self.call("setActiveModel", dataset="adult", json_body={"version": version, "pinned": True}, expect=200)
        self.call("setActiveModel", dataset="adult", json_body={"version": version}, expect=200, keep="rollback")
        self.call("compareModels", dataset="adult", query={"champion": 2, "challenger": version}, expect=200, keep="adult")
        self.call("listPromotions", dataset="adult", query={"limit": 2}, expect=200, keep="page")
        self.call("deleteModel", dataset="adult", version=1, expect=204)
        self.call("getDataset", dataset="adult", expect=200, keep="adult")
        self.call("listDatasets", query={"limit": 1}, expect=200, keep="page")

    def predictions(self):
        at = {"dataset": "adult"}
        self.first = self.call("predict", send="adult", expect=201, keep="adult", **at).json()
        self.call("predict", send="adult", query={"explain": "true"}, expect=201, keep="explained", **at)
        self.call("predict", send="adult", query={"store": "false"}, expect=200, keep="adult", **at)
        for operation, media in (("predictBatch", "application/json"), ("predictBatchNdjson", "application/x-ndjson"),
                                 ("predictBatchCsv", "text/csv")):
            self.call(operation, send="adult", media=media, expect=201, keep="adult", **at)
            self.call(operation, send="adult", media=media, query={"store": "false"}, expect=200, keep="adult", **at)
        self.call("listPredictions", query={"limit": 1}, expect=200, keep="page", **at)
        for operation in ("exportPredictionsNdjson", "exportPredictionsCsv"):
            self.call(operation, expect=200, keep="export", **at)
        self.call("getPrediction", id=self.first["id"], expect=200, keep="prediction", **at)

    def feedback(self):
        at = {"dataset": "adult"}
        self.call("labelPrediction", id=self.first["id"], send="positive", expect=200, keep="labelled", **at)
        self.call("unlabelPrediction", id=self.first["id"], expect=204, **at)
        ids = [each["id"] for each in self.api.pages("listPredictions", **at)]
        for media in ("application/json", "application/x-ndjson", "text/csv"):
            body = self.body("labelPredictions", media, "three")
            text = body if isinstance(body, str) else json.dumps(body)
            # The ids of the predictions in the examples are replaced by the real ones.
            for number, wanted in enumerate(("204", "205", "206")):
                text = text.replace(f"01935a41-2b7c-7d3e-8f10-5a9be3c1d{wanted}", ids[number])
            sent = text if isinstance(body, str) else json.loads(text)
            self.call("labelPredictions", send="three", media=media, data=sent, expect=200, keep="labelled", **at)
        model = self.api.call("getDataset", **at).json()["active_model"]["version"]
        self.call("getLiveKpis", version=model, expect=200, keep="live", **at)

    def erasures(self):
        at = {"dataset": "adult"}
        place = self.call("createErasure", send="key", expect=202, keep="pending", **at).json()
        for name in ("case", "person"):
            self.call("createErasure", send=name, expect=202, **at)
        deadline = time.monotonic() + 120
        while True:
            state = self.call("getErasure", id=place["id"], expect=200, keep="succeeded", **at).json()["state"]
            if state not in ("pending", "running"):
                break
            assert time.monotonic() < deadline, "the erasure does not end"
            time.sleep(0.1)
        assert state == "succeeded"
        self.call("listErasures", query={"limit": 1}, expect=200, keep="page", **at)
        self.call("deletePrediction", id=self.first["id"], query={"labels": "true"}, expect=204, **at)
        self.call("deletePredictions", query={"labelled": "false", "created_from": "2020-01-01T00:00:00Z"}, expect=200,
                  keep="deleted", **at)

    def policies(self):
        for media, names in (("application/merge-patch+json", ("gate", "nogate", "auto")),
                             ("application/json", ("training",))):
            for name in names:
                self.call("updateDataset", dataset="adult", send=name, media=media, expect=200, keep="adult")
        self.call("deleteDataset", dataset="churn", expect=204)

    def keys(self):
        made = self.call("createKey", send="shop", expect=201, keep="shop").json()
        self.call("listKeys", query={"limit": 2}, expect=200, keep="page")
        self.call("getKey", id=made["id"], expect=200, keep="shop")
        self.call("deleteKey", id=made["id"], expect=204)

    def operations(self):
        for operation in ("getMe", "getUsage", "listAudit"):
            self.call(operation, expect=200, keep="shop")
        for operation in ("live", "ready"):
            self.call(operation, expect=200, keep="ok")
        self.call("metrics", expect=200, keep="scrape")
