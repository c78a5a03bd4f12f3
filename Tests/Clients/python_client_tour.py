"""The README's tour with the client that openapi-python-client made: the answers are those of the README."""

import io
import json
import os
import pathlib
from http import HTTPStatus

from verdict_api import AuthenticatedClient
from verdict_api.api.datasets import create_dataset, get_dataset, update_dataset
from verdict_api.api.labels import add_labels
from verdict_api.api.predictions import label_prediction, predict
from verdict_api.api.quality import list_kpis
from verdict_api.api.training import create_training_job
from verdict_api.models import (
    DatasetPatch,
    LabelBatch,
    NewDataset,
    PredictionInput,
    PredictionLabelInput,
    TrainingParametersInput,
)
from verdict_api.types import File

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "Examples" / "adult"
client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["KEY"], timeout=300)


def answer(call, status: HTTPStatus, *arguments, **named):
    """The body of an answer with that status."""
    got = call.sync_detailed(*arguments, client=client, **named)
    assert got.status_code == status, f"{call.__name__}: {got.status_code} {got.content[:500]}"
    return got.parsed


def csv(name: str) -> File:
    return File(payload=(EXAMPLES / name).open("rb"), file_name=name, mime_type="text/csv")


def load(name: str) -> dict:
    return json.loads((EXAMPLES / name).read_text())


def lines(dataset: str, text: str):
    """Lines of JSON, which to the generated method are a file like CSV: only the type says what it is."""
    sent = add_labels._get_kwargs(dataset, body=File(payload=io.BytesIO(text.encode())))
    sent["headers"]["Content-Type"] = "application/x-ndjson"
    got = add_labels._build_response(client=client, response=client.get_httpx_client().request(**sent))
    assert got.status_code == HTTPStatus.CREATED, got.content[:500]
    return got.parsed


# The three forms of a batch.
answer(create_dataset, HTTPStatus.CREATED, body=NewDataset.from_dict(load("dataset.json") | {"name": "forms"}))
batch = [{"features": {"age": age, "occupation": "Sales"}, "label": age % 2} for age in range(18, 68)]
added = answer(add_labels, HTTPStatus.CREATED, "forms", body=LabelBatch.from_dict({"labels": batch}))
assert added.labels_stored == 50
assert lines("forms", "".join(json.dumps(row) + "\n" for row in batch)).labels_stored == 100
assert answer(add_labels, HTTPStatus.CREATED, "forms", body=csv("adult_test.csv")).labels_stored == 100 + 16281

made = answer(create_dataset, HTTPStatus.CREATED, body=NewDataset.from_dict(load("dataset.json")))
assert (made.name, made.label.positive, made.labels_stored) == ("adult", ">50K", 0)
added = answer(add_labels, HTTPStatus.CREATED, "adult", body=csv("adult_train.csv"))
assert (added.inserted, added.labels_stored, added.training_job) == (32561, 32561, None)
job = answer(create_training_job, HTTPStatus.OK, "adult", body=TrainingParametersInput(), prefer="wait=300")
assert job.state == "succeeded" and round(job.kpis.accuracy, 6) == 0.855037, job.kpis.accuracy
assert job.kpis.confusion_matrix.true_positive == 957
assert [round(each, 4) for each in job.kpis.intervals.additional_properties["accuracy"]] == [0.8463, 0.8634]
person = PredictionInput.from_dict(load("person.json"))
prediction = answer(predict, HTTPStatus.CREATED, "adult", body=person, explain=True)
assert prediction.label == 1 and round(prediction.probability, 6) == 0.753956 and prediction.model_version == 1
assert prediction.contributions[0].feature == "marital_status"
labelled = answer(label_prediction, HTTPStatus.OK, "adult", prediction.id, body=PredictionLabelInput(label=1))
assert (labelled.label, labelled.true_label) == (1, 1)
dataset = answer(get_dataset, HTTPStatus.OK, "adult")
assert (dataset.labels_stored, dataset.active_model.version) == (32562, 1)
gated = answer(update_dataset, HTTPStatus.OK, "adult",
               body=DatasetPatch.from_dict({"gate": {"metric": "accuracy", "minimum": 0.9}}))
assert gated.gate.min_labels == 100 and gated.gate.source == "validation"
refused = answer(predict, HTTPStatus.CONFLICT, "adult", body=person)
assert refused.type_ == "/problems/model-below-gate" and refused.minimum == 0.9, refused
assert answer(update_dataset, HTTPStatus.OK, "adult", body=DatasetPatch(gate=None)).gate is None
policy = {"auto_train": {"enabled": True, "min_new_labels": 1000, "max_delay_seconds": 60}}
assert answer(update_dataset, HTTPStatus.OK, "adult", body=DatasetPatch.from_dict(policy)).auto_train.enabled
added = answer(add_labels, HTTPStatus.CREATED, "adult", body=csv("adult_test.csv"))
assert (added.inserted, added.labels_stored) == (16281, 48843) and isinstance(added.training_job, int)
history = answer(list_kpis, HTTPStatus.OK, "adult")
assert history.data[0].model_version == 1
print("openapi-python-client walked the tour")
