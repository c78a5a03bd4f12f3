"""Forgetting: erasures by the key of a label, and deletions of predictions. Erasures by reference and group are in
test_erasure_references.py."""

import re
import time
import uuid

import pytest

from contract import data
from contract.client import pointers, problem


def ended(api, dataset, erasure: dict, seconds: int = 120) -> dict:
    """The erasure when it has ended."""
    deadline = time.monotonic() + seconds
    while erasure["state"] in ("pending", "running"):
        assert time.monotonic() < deadline, erasure
        time.sleep(0.05)
        erasure = api.call("getErasure", dataset=dataset, id=erasure["id"], expect=200).json()
    return erasure


def erase(api, dataset, **body) -> dict:
    return ended(api, dataset, api.call("createErasure", dataset=dataset, json_body=body, expect=202).json())


def train(api, dataset) -> str:
    """Trains on the stored labels."""
    job = api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "wait=120"}, timeout=130, expect=200)
    assert job.json()["state"] == "succeeded"
    return dataset


@pytest.fixture
def keyed(api, dataset) -> str:
    """A dataset with 60 keyed labels and a model."""
    data.add(api, dataset, [row | {"key": f"k{number}"} for number, row in enumerate(data.rows(60))])
    return train(api, dataset)


def test_an_erasure_removes_the_label(api, keyed):
    answer = api.call("createErasure", dataset=keyed, json_body={"key": "k1"}, expect=202)
    begun = answer.json()
    assert answer.headers["Location"] == f"/v1/datasets/{keyed}/erasures/{begun['id']}"
    assert (begun["state"], begun["subject"], begun["retrain"]) == ("pending", "key", False)
    done = ended(api, keyed, begun)
    assert (done["state"], done["labels_deleted"], done["predictions_deleted"]) == ("succeeded", 1, 0)
    assert done["removed_at"] and done["finished_at"] and done["training_job"] is None
    assert not api.pages("listLabels", dataset=keyed, query={"key": "k1"})
    [model] = api.pages("listModels", dataset=keyed)
    assert (model["erased_labels"], model["labels_deleted_since"], model["active"]) == (1, 1, True)
    assert erase(api, keyed, key="k1")["labels_deleted"] == 0


def test_a_training_follows_on_request(api, keyed):
    done = erase(api, keyed, key="k2", retrain=True)
    assert (done["state"], done["model_version"], done["models_deleted"]) == ("succeeded", 2, 1)
    [model] = api.pages("listModels", dataset=keyed)
    assert (model["version"], model["active"], model["erased_labels"]) == (2, True, 0)
    assert model["training_job"] == done["training_job"]
    problem(api.call("getModel", dataset=keyed, version=1, expect=404), "not-found")
    assert [each["model_version"] for each in api.pages("listKpis", dataset=keyed)] == [1, 2]


def test_a_failed_training_is_named(api, dataset):
    data.add(api, dataset, [{"features": {"age": age}, "label": age % 2, "key": f"k{age}"} for age in range(4)])
    train(api, dataset)
    done = erase(api, dataset, key="k1", retrain=True)
    assert done["state"] == "failed" and done["error"]["type"] in ("too-few-labels", "one-class"), done
    assert done["labels_deleted"] == 1 and done["model_version"] is None
    [model] = api.pages("listModels", dataset=dataset)
    assert (model["active"], model["erased_labels"]) == (True, 1)


def test_the_reference_is_hashed(api, other, keyed):
    """Equal subjects have equal hashes within a tenant, and the audit log names no subject."""
    key = f"person-{uuid.uuid4().hex}"
    hashes = [erase(api, keyed, key=key)["hash"] for _ in range(2)]
    hashes.append(erase(api, keyed, reference=key)["hash"])
    theirs = data.create(other, f"e-{uuid.uuid4().hex[:12]}")
    hashes.append(erase(other, theirs, key=key)["hash"])
    assert all(re.fullmatch("hmac-sha256:[0-9a-f]{64}", each) for each in hashes)
    assert hashes[0] == hashes[1] and len(set(hashes)) == 3
    entries = api.call("listAudit", query={"limit": 50}, expect=200)
    assert key not in entries.text
    mine = [each for each in entries.json()["data"] if each["target"] == f"dataset {keyed}"]
    assert [each["action"] for each in mine[:2]] == ["erasure.finished", "erasure.requested"]
    assert hashes[2] in mine[0]["detail"] and hashes[2] in mine[1]["detail"]


def test_a_repetition_erases_once(api, keyed):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = api.call("createErasure", dataset=keyed, json_body={"key": "k3"}, headers=headers, expect=202)
    again = api.call("createErasure", dataset=keyed, json_body={"key": "k3"}, headers=headers, expect=202)
    assert again.content == first.content and again.headers["Idempotency-Replayed"] == "true"
    problem(api.call("createErasure", dataset=keyed, json_body={"key": "k4"}, headers=headers, expect=422),
            "idempotency-key-reused")
    assert len(api.pages("listErasures", dataset=keyed)) == 1


def test_kept_answers_are_erased(api, keyed):
    """A repetition of a request about rows is neither answered with what was erased nor carried out again."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    rows = {"labels": [data.rows(1)[0] | {"key": "k5"}]}
    api.call("addLabels", dataset=keyed, json_body=rows, headers=headers, expect=201)
    training = {"Idempotency-Key": str(uuid.uuid4())}
    api.call("createTrainingJob", dataset=keyed, json_body={}, headers=training, expect=202)
    done = erase(api, keyed, key="k5")
    assert (done["labels_deleted"], done["answers_deleted"]) == (1, 1)
    answer = api.call("addLabels", dataset=keyed, json_body=rows, headers=headers, expect=409)
    problem(answer, "answer-erased")
    assert not api.pages("listLabels", dataset=keyed, query={"key": "k5"})
    assert api.call("createTrainingJob", dataset=keyed, json_body={}, headers=training,
                    expect=202).headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("body,pointer", [
    ({}, ""), ({"retrain": True}, ""), ({"key": "a", "group": "b"}, ""), ({"key": ""}, "/key"), ({"key": None}, ""),
    ({"reference": "r" * 201}, "/reference"), ({"group": 7}, "/group"), ({"key": "a", "retrain": "yes"}, "/retrain"),
    ({"key": "a\u0000"}, "/key"), ({"keys": ["a"]}, "/keys")], ids=str)
def test_bad_requests(api, dataset, body, pointer):
    answer = api.call("createErasure", dataset=dataset, json_body=body, checked=False, expect=422)
    problem(answer, "invalid-body")
    assert pointer in pointers(answer)
    assert not api.pages("listErasures", dataset=dataset)


def test_delete_one_prediction(api, keyed):
    made = [api.call("predict", dataset=keyed, json_body={"features": {"age": age}}, expect=201).json()["id"]
            for age in (30, 40)]
    for each in made:
        api.call("labelPrediction", dataset=keyed, id=each, json_body={"label": 1}, expect=200)
    api.call("deletePrediction", dataset=keyed, id=made[0], expect=204)
    problem(api.call("deletePrediction", dataset=keyed, id=made[0], expect=404), "not-found")
    assert [label["prediction_id"] for label in api.pages("listLabels", dataset=keyed, query={"source": "prediction"})] == made
    api.call("deletePrediction", dataset=keyed, id=made[1], query={"labels": "true"}, expect=204)
    assert [label["prediction_id"] for label in api.pages("listLabels", dataset=keyed, query={"source": "prediction"})] == made[:1]
    answer = api.call("deletePrediction", dataset=keyed, id=made[1], query={"labels": "maybe"}, expect=400)
    problem(answer, "invalid-parameter")


def test_delete_many_predictions(api, keyed):
    rows = {"predictions": [{"features": {"age": 20 + number}} for number in range(6)]}
    made = api.call("predictBatch", dataset=keyed, json_body=rows, expect=201).json()["predictions"]
    api.call("labelPrediction", dataset=keyed, id=made[0]["id"], json_body={"label": 1}, expect=200)

    def delete(**query):
        answer = api.call("deletePredictions", dataset=keyed, query=query, expect=200).json()
        return answer["deleted"], answer["labels_deleted"]

    assert delete(reference="nobody") == delete(group="nobody") == (0, 0)
    assert delete(created_before="2001-01-01T00:00:00Z") == delete(model_version=7) == (0, 0)
    assert delete(labelled="true", labels="true") == (1, 1)
    assert delete(labelled="true") == (0, 0)
    assert delete(all="true") == (5, 0)
    assert not api.pages("listPredictions", dataset=keyed)


@pytest.mark.parametrize("query", [{}, {"labels": "true"}, {"all": "false"}, {"all": "true", "group": "x"}, {"reference": ""},
                                   {"group": "g" * 201}, {"created_before": "yesterday"}, {"model_version": "0"},
                                   {"created_befor": "2001-01-01T00:00:00Z"}], ids=str)
def test_delete_many_predictions_requires_an_unambiguous_filter(api, keyed, query):
    api.call("predict", dataset=keyed, json_body={"features": {}}, expect=201)
    problem(api.call("deletePredictions", dataset=keyed, query=query, expect=400), "invalid-parameter")
    assert len(api.pages("listPredictions", dataset=keyed)) == 1
