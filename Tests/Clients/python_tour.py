"""The README's tour with the Python client that openapi-generator made. It offers the first media type of a body only, so
the labels go as JSON, and a part of them: as models of pydantic they are slow."""

import csv
import itertools
import json
import os
import pathlib

import verdict_api
from verdict_api.api import DatasetsApi, LabelsApi, PredictionsApi, QualityApi, TrainingApi

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "Examples" / "adult"
ROWS = 4000
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


made = datasets.create_dataset(verdict_api.NewDataset.from_dict(load("dataset.json")))
assert (made.name, made.label.positive, made.labels_stored) == ("adult", ">50K", 0)
added = labels.add_labels("adult", verdict_api.LabelBatch.from_dict({"labels": rows(ROWS)}))
assert (added.inserted, added.labels_stored, added.training_job) == (ROWS, ROWS, None)
job = training.create_training_job("adult", prefer="wait=300",
                                   training_parameters_input=verdict_api.TrainingParametersInput())
assert job.state == "succeeded" and job.kpis.accuracy > 0.8, job
assert job.kpis.intervals["accuracy"][0] < job.kpis.accuracy < job.kpis.intervals["accuracy"][1]
person = verdict_api.PredictionInput.from_dict(load("person.json"))
prediction = predictions.predict("adult", person, explain=True)
assert prediction.label in (0, 1) and prediction.model_version == 1 and len(prediction.contributions) == 14
said = verdict_api.PredictionLabelInput(label=verdict_api.Outcome(1))
assert predictions.label_prediction("adult", prediction.id, said).true_label == 1
dataset = datasets.get_dataset("adult")
assert (dataset.labels_stored, dataset.active_model.version) == (ROWS + 1, 1)
gate = verdict_api.DatasetPatch.from_dict({"gate": {"metric": "accuracy", "minimum": 0.99}})
assert datasets.update_dataset("adult", dataset_patch=gate).gate.min_labels == 100
try:
    predictions.predict("adult", person)
    raise AssertionError("the gate let a prediction through")
except verdict_api.ApiException as refused:
    assert refused.status == 409 and json.loads(refused.body)["type"] == "/problems/model-below-gate"
no_gate = verdict_api.DatasetPatch(gate=None)
assert datasets.update_dataset("adult", dataset_patch=no_gate).gate is None
policy = verdict_api.DatasetPatch.from_dict({"auto_train": {"enabled": True, "min_new_labels": 1000}})
assert datasets.update_dataset("adult", dataset_patch=policy).auto_train.enabled
added = labels.add_labels("adult", verdict_api.LabelBatch.from_dict({"labels": rows(1000)}))
assert isinstance(added.training_job, int)
assert quality.list_kpis("adult").data[0].model_version == 1
print("the Python client of openapi-generator walked the tour")
