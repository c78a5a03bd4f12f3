"""Forgetting, filters and feedback by the reference of a case and the group of a person."""

import uuid

import pytest

from contract import data
from contract.client import pointers
from test_erasures import erase, train


@pytest.fixture
def people(api, dataset) -> str:
    """A dataset with 60 labels of twenty people, of three cases each, and a model."""
    data.add(api, dataset, [row | {"reference": f"case {number}", "group": f"person {number // 3}"}
                            for number, row in enumerate(data.rows(60))])
    return train(api, dataset)


def predict(api, dataset, reference=None, group=None, **more) -> str:
    row = {"features": {"age": 40}} | ({"reference": reference} if reference else {}) | ({"group": group} if group else {})
    return api.call("predict", dataset=dataset, json_body=row, expect=201, **more).json()["id"]


def test_a_person_is_forgotten(api, other, people):
    theirs = data.create(other, people)
    data.add(other, theirs, [data.rows(1)[0] | {"group": "person 4"}])
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    made = predict(api, people, "case 999", "person 4", headers=headers)
    api.call("labelPrediction", dataset=people, id=made, json_body={"label": 1}, expect=200)
    assert len(api.pages("listLabels", dataset=people, query={"group": "person 4"})) == 4
    done = erase(api, people, group="person 4", retrain=True)
    assert done["state"] == "succeeded" and done["models_deleted"] == 1, done
    assert (done["labels_deleted"], done["predictions_deleted"], done["answers_deleted"]) == (4, 1, 1)
    assert not api.pages("listLabels", dataset=people, query={"group": "person 4"})
    assert not api.pages("listPredictions", dataset=people, query={"group": "person 4"})
    api.call("getPrediction", dataset=people, id=made, expect=404)
    assert len(api.pages("listLabels", dataset=people)) == 57
    assert len(api.pages("listLabels", dataset=people, query={"group": "person 5"})) == 3
    assert len(other.pages("listLabels", dataset=theirs)) == 1
    for listed in ("listErasures", "listTrainingJobs", "listModels"):
        assert "person 4" not in api.call(listed, dataset=people, expect=200).text
    assert "person 4" not in api.call("listAudit", expect=200).text


def test_a_case_is_forgotten(api, people):
    predict(api, people, "case 7", "person 2")
    done = erase(api, people, reference="case 7")
    assert (done["labels_deleted"], done["predictions_deleted"]) == (1, 1)
    assert len(api.pages("listLabels", dataset=people, query={"group": "person 2"})) == 2


def test_lists_and_deletions_by_reference_and_group(api, people):
    made = [predict(api, people, f"case {number}", f"person {number % 2}") for number in (1, 1, 2)]
    assert [each["id"] for each in api.pages("listPredictions", dataset=people, query={"reference": "case 1"})] == made[1::-1]
    assert len(api.call("exportPredictionsNdjson", dataset=people, query={"group": "person 0"}, expect=200).text.splitlines()) == 1
    deleted = api.call("deletePredictions", dataset=people, query={"reference": "case 1"}, expect=200).json()
    assert deleted == {"deleted": 2, "labels_deleted": 0}
    assert api.call("deleteLabels", dataset=people, query={"group": "person 0"}, expect=200).json()["deleted"] == 3
    assert api.call("deleteLabels", dataset=people, query={"reference": "case 3"}, expect=200).json()["deleted"] == 1


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "text/csv"])
def test_feedback_by_reference(api, people, media_type):
    older, newer, single = predict(api, people, "case 1"), predict(api, people, "case 1"), predict(api, people, "case 2")
    bodies = {
        "application/json": '{"labels":[{"reference":"case 1","label":1},{"reference":"case 2","label":0}]}',
        "application/x-ndjson": '{"reference":"case 1","label":1}\n{"reference":"case 2","label":0}\n',
        "text/csv": "reference,label\ncase 1,1\ncase 2,0\n",
    }
    said = {"dataset": people, "media_type": media_type}
    first = api.call("labelPredictions", data=bodies[media_type].encode(), expect=200, **said).json()
    assert (first["inserted"], first["unchanged"]) == (2, 0)
    outcomes = [api.call("getPrediction", dataset=people, id=each).json()["true_label"] for each in (older, newer, single)]
    assert outcomes == [None, 1, 0]
    predict(api, people, "case 1")
    assert api.call("labelPredictions", data=bodies[media_type].encode(), expect=200, **said).json()["unchanged"] == 2
    lost = bodies[media_type].replace("case 2", "case 3").encode()
    assert pointers(api.call("labelPredictions", data=lost, expect=422, **said)) == ["/labels/1/reference"]
