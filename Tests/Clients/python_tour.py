"""The README's tour with the Python client that openapi-generator made: the answers are those of the README. Its methods
offer the first media type of a body only; the others go through the layer below them."""

import csv
import itertools
import json
import os
import pathlib

import verdict_api
from verdict_api.api import DatasetsApi, LabelsApi, PredictionsApi, QualityApi, TrainingApi

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "Examples" / "adult"
client = verdict_api.ApiClient(verdict_api.Configuration(host=os.environ["URL"], access_token=os.environ["KEY"]))
datasets, labels, training = DatasetsApi(client), LabelsApi(client), TrainingApi(client)
predictions, quality = PredictionsApi(client), QualityApi(client)


def load(name: str) -> dict:
    return json.loads((EXAMPLES / name).read_text())


def rows(count: int) -> list[dict]:
    """Labels of the census in the form of a batch."""
    types = {each["name"]: each["type"] for each in load("dataset.json")["features"]}
    with (EXAMPLES / "adult_train.csv").open() as file:
        return [
            {"features": {name: value if types[name] == "categorical" else float(value)
                          for name, value in row.items() if name in types and value}, "label": row["income"]}
            for row in itertools.islice(csv.DictReader(file), count)
        ]


def post(dataset: str, body: str, media_type: str) -> verdict_api.LabelsAdded:
    """Labels in a form that the generated method has no type for."""
    request = client.param_serialize(
        "POST", "/v1/datasets/{dataset}/labels", path_params={"dataset": dataset}, body=body, auth_settings=["bearer"],
        header_params={"Content-Type": media_type, "Accept": "application/json"})
    answer = client.call_api(*request)
    answer.read()
    return client.response_deserialize(answer, {"201": "LabelsAdded"}).data


# The three forms of a batch.
datasets.create_dataset(verdict_api.NewDataset.from_dict(load("dataset.json") | {"name": "forms"}))
batch = rows(100)
assert labels.add_labels("forms", verdict_api.LabelBatch.from_dict({"labels": batch})).labels_stored == 100
assert post("forms", "".join(json.dumps(row) + "\n" for row in batch), "application/x-ndjson").labels_stored == 200
head = "".join((EXAMPLES / "adult_train.csv").open().readlines()[:101])
assert post("forms", head, "text/csv").labels_stored == 300

made = datasets.create_dataset(verdict_api.NewDataset.from_dict(load("dataset.json")))
assert (made.name, made.label.positive, made.labels_stored) == ("adult", ">50K", 0)
added = post("adult", (EXAMPLES / "adult_train.csv").read_text(), "text/csv")
assert (added.inserted, added.labels_stored, added.training_job) == (32561, 32561, None)
job = training.create_training_job("adult", prefer="wait=300",
                                   training_parameters_input=verdict_api.TrainingParametersInput())
assert job.state == "succeeded" and round(job.kpis.accuracy, 6) == 0.855037, job
assert job.kpis.confusion_matrix.true_positive == 957
assert [round(each, 4) for each in job.kpis.intervals["accuracy"]] == [0.8463, 0.8634]
person = verdict_api.PredictionInput.from_dict(load("person.json"))
prediction = predictions.predict("adult", person, explain=True)
assert prediction.label == 1 and round(prediction.probability, 6) == 0.753956 and prediction.model_version == 1
assert prediction.contributions[0].feature == "marital_status"
said = verdict_api.PredictionLabelInput(label=verdict_api.Outcome(1))
assert predictions.label_prediction("adult", prediction.id, said).true_label == 1
dataset = datasets.get_dataset("adult")
assert (dataset.labels_stored, dataset.active_model.version) == (32562, 1)
gate = verdict_api.DatasetPatch.from_dict({"gate": {"metric": "accuracy", "minimum": 0.9}})
assert datasets.update_dataset("adult", dataset_patch=gate).gate.min_labels == 100
try:
    predictions.predict("adult", person)
    raise AssertionError("the gate let a prediction through")
except verdict_api.ApiException as refused:
    assert refused.status == 409 and json.loads(refused.body)["type"] == "/problems/model-below-gate"
no_gate = verdict_api.DatasetPatch(gate=None)
assert datasets.update_dataset("adult", dataset_patch=no_gate).gate is None
policy = verdict_api.DatasetPatch.from_dict({"auto_train": {"enabled": True, "min_new_labels": 1000, "max_delay_seconds": 60}})
assert datasets.update_dataset("adult", dataset_patch=policy).auto_train.enabled
added = post("adult", (EXAMPLES / "adult_test.csv").read_text(), "text/csv")
assert (added.inserted, added.labels_stored) == (16281, 48843) and isinstance(added.training_job, int)
assert quality.list_kpis("adult").data[0].model_version == 1
print("the Python client of openapi-generator walked the tour")
