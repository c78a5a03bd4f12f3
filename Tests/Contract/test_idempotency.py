"""Repeated requests with an Idempotency-Key have one effect and one response."""

import concurrent.futures
import json
import uuid

import pytest

from contract import data
from contract.client import Client, problem

ROW = {"features": {"age": 44}}


def named(key=None) -> dict:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


REPEATABLE = {
    "addLabels": {"labels": data.rows(3)},
    "createTrainingJob": {"seed": 5},
    "predict": ROW,
    "predictBatch": {"predictions": [ROW, ROW]},
}


@pytest.mark.parametrize("operation", REPEATABLE)
def test_a_repeat_gets_the_first_response(api, trained, operation):
    headers, body = named(), REPEATABLE[operation]
    first = api.call(operation, dataset=trained, json_body=body, headers=headers, expect=(201, 202))
    assert "Idempotency-Replayed" not in first.headers
    before = data.stored(api, trained)
    for _ in range(3):
        again = api.call(operation, dataset=trained, json_body=body, headers=headers, expect=first.status_code)
        assert again.content == first.content
        assert again.headers.get("Location") == first.headers.get("Location")
        assert again.headers["Content-Type"] == first.headers["Content-Type"]
        assert again.headers["Idempotency-Replayed"] == "true"
    after = data.stored(api, trained)
    if operation == "createTrainingJob":  # the job goes on meanwhile
        assert before["jobs"] == after["jobs"]
    else:
        assert before == after


def test_a_replay_of_a_training_is_the_response_after_the_wait(api, dataset):
    data.add(api, dataset, data.rows(300))
    for wait, status in (("wait=60", 200), ("wait=0", 202)):
        headers = named()
        first = api.call("createTrainingJob", dataset=dataset, json_body={"seed": 3}, headers=headers | {"Prefer": wait},
                         timeout=70, expect=status)
        assert first.headers["Preference-Applied"] == wait
        job = first.json()["id"]
        data.finished(api, dataset, job)
        for again in ({}, {"Prefer": wait}, {"Prefer": "wait=30"}):
            replay = api.call("createTrainingJob", dataset=dataset, json_body={"seed": 3}, headers=headers | again, expect=status)
            assert replay.content == first.content and replay.headers["Idempotency-Replayed"] == "true"
            for name in ("Location", "Preference-Applied", "Content-Type", "Content-Length"):
                assert replay.headers[name] == first.headers[name]
    assert len(api.pages("listTrainingJobs", dataset=dataset)) == 2


def test_creating_a_dataset_twice(api):
    body = {"name": f"i-{uuid.uuid4().hex[:8]}", "features": [{"name": "x", "type": "continuous"}]}
    headers = named()
    first = api.call("createDataset", json_body=body, headers=headers, expect=201)
    again = api.call("createDataset", json_body=body, headers=headers, expect=201)
    assert again.json() == first.json() and again.headers["Location"] == first.headers["Location"]
    problem(api.call("createDataset", json_body=body, expect=409), "dataset-exists")


@pytest.mark.parametrize("operation", REPEATABLE)
def test_an_answer_goes_with_its_dataset(api, operation):
    """A dataset of the same name is another one, which has not been asked."""
    name, headers, body = f"i-{uuid.uuid4().hex[:8]}", named(), REPEATABLE[operation]
    for _ in range(2):
        data.train(api, data.create(api, name), 60)
        answers = [api.call(operation, dataset=name, json_body=body, headers=headers, expect=(201, 202)) for _ in range(2)]
        assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, True]
        if operation == "addLabels":
            assert api.call("getDataset", dataset=name, expect=200).json()["labels_stored"] == 63
        api.call("deleteDataset", dataset=name, expect=204)
        problem(api.call(operation, dataset=name, json_body=body, headers=headers, expect=404), "not-found")
    # The key is free for any other request.
    api.call("createKey", json_body={"name": "other", "role": "read"}, headers=headers, expect=201)


def test_the_creation_of_a_deleted_dataset_is_no_answer(api):
    body = {"name": f"i-{uuid.uuid4().hex[:8]}", "features": [{"name": "x", "type": "continuous"}]}
    headers = named()
    for _ in range(2):
        answers = [api.call("createDataset", json_body=body, headers=headers, expect=201) for _ in range(2)]
        assert ["Idempotency-Replayed" in answer.headers for answer in answers] == [False, True]
        api.call("deleteDataset", dataset=body["name"], expect=204)
    api.call("createDataset", json_body=body, expect=201)
    problem(api.call("createDataset", json_body=body, headers=headers, expect=409), "dataset-exists")


def test_a_secret_is_not_replayed(api):
    headers, body = named(), {"name": "once", "role": "read"}
    first = api.call("createKey", json_body=body, headers=headers, expect=201).json()
    again = api.call("createKey", json_body=body, headers=headers, expect=201).json()
    assert first["secret"] is not None
    assert again == first | {"secret": None}


def test_another_request_under_the_same_key(api, trained):
    headers = named()
    api.call("predict", dataset=trained, json_body=ROW, headers=headers, expect=201)
    other_row = {"features": {"age": 45}}
    answer = api.call("predict", dataset=trained, json_body=other_row, headers=headers, expect=422)
    problem(answer, "idempotency-key-reused")
    answer = api.call("predict", dataset=trained, json_body=ROW, query={"explain": "true"}, headers=headers, expect=422)
    problem(answer, "idempotency-key-reused")
    answer = api.call("predictBatch", dataset=trained, json_body={"predictions": [ROW]}, headers=headers, expect=422)
    problem(answer, "idempotency-key-reused")


def test_a_refused_request_may_be_corrected(api, trained):
    headers = named()
    bad = {"features": {"age": "old"}}
    api.call("predict", dataset=trained, json_body=bad, headers=headers, expect=422)
    api.call("predict", dataset=trained, json_body=ROW, headers=headers, expect=201)


def test_keys_are_scoped_to_the_tenant(api, other, trained):
    headers = named()
    api.call("predict", dataset=trained, json_body=ROW, headers=headers, expect=201)
    answer = other.call("predict", dataset=trained, json_body=ROW, headers=headers, expect=404)
    problem(answer, "not-found")


def test_streams_are_repeatable_too(api, dataset):
    headers = named()
    body = "".join(json.dumps(row) + "\n" for row in data.rows(2000)).encode()
    arguments = {"dataset": dataset, "data": body, "media_type": "application/x-ndjson", "headers": headers}
    first = api.call("addLabels", **arguments, expect=201).json()
    assert api.call("addLabels", **arguments, expect=201).json() == first
    answer = api.call("addLabels", **(arguments | {"data": body + body}), expect=422)
    problem(answer, "idempotency-key-reused")
    assert api.call("getDataset", dataset=dataset).json()["labels_stored"] == 2000


def test_csv_is_repeatable_too(api, dataset):
    headers = named()
    body = b"age,income,key\n39,<=50K,a\n52,>50K,b\n"
    arguments = {"dataset": dataset, "data": body, "media_type": "text/csv", "headers": headers}
    first = api.call("addLabels", **arguments, expect=201)
    again = api.call("addLabels", **arguments, expect=201)
    assert again.content == first.content and again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == {"inserted": 2, "updated": 0, "labels_stored": 2, "training_job": None}
    # The same body with other options is a different request.
    answer = api.call("addLabels", **arguments, query={"on_error": "skip"}, expect=422)
    problem(answer, "idempotency-key-reused")


def test_csv_of_predictions_is_repeatable_too(api, trained):
    before = data.stored(api, trained)["predictions"]
    arguments = {"dataset": trained, "data": b"age\n39\n52\n", "media_type": "text/csv", "headers": named()}
    first = api.call("predictBatchCsv", **arguments, expect=201)
    again = api.call("predictBatchCsv", **arguments, expect=201)
    assert again.content == first.content and again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert len(data.stored(api, trained)["predictions"]) == len(before) + 2


@pytest.mark.parametrize("operation,body", [("predict", ROW), ("predictBatch", {"predictions": [ROW, ROW]})])
def test_unstored_predictions_are_replayed(api, trained, operation, body):
    before = data.stored(api, trained)
    headers, unstored = named(), {"store": "false"}
    first = api.call(operation, dataset=trained, json_body=body, query=unstored, headers=headers, expect=200)
    again = api.call(operation, dataset=trained, json_body=body, query=unstored, headers=headers, expect=200)
    assert again.content == first.content and again.headers["Idempotency-Replayed"] == "true"
    # Storing the prediction makes it a different request.
    answer = api.call(operation, dataset=trained, json_body=body, headers=headers, expect=422)
    problem(answer, "idempotency-key-reused")
    assert data.stored(api, trained) == before


def test_cancelling_twice(api, dataset):
    data.add(api, dataset, data.rows(3000))
    jobs = [api.call("createTrainingJob", dataset=dataset, json_body={}, expect=202).json()["id"] for _ in range(4)]
    headers = named()
    first = api.call("cancelTrainingJob", dataset=dataset, id=jobs[-1], headers=headers, expect=200)
    again = api.call("cancelTrainingJob", dataset=dataset, id=jobs[-1], headers=headers, expect=200)
    assert again.content == first.content


FORMS = {
    "json": lambda rows: {"json_body": {"labels": rows}},
    "ndjson": lambda rows: {"data": "".join(json.dumps(row) + "\n" for row in rows).encode(),
                            "media_type": "application/x-ndjson"},
    "csv": lambda rows: {"data": "".join(["age,income\n", *(f"{row['features']['age']},{row['label']}\n" for row in rows)])
                         .encode(), "media_type": "text/csv"},
}


@pytest.mark.parametrize("form", FORMS)
def test_concurrent_repeats(api, url, dataset, form):
    """Twenty concurrent repeats have one effect. Each gets the response or a 409."""
    headers, body = named(), FORMS[form](data.rows(500))
    if form == "csv":
        dataset = data.create(api, f"{dataset}-csv", label={"name": "income"})

    def post(_):
        client = Client(url, api.key)
        return client.call("addLabels", dataset=dataset, **body, headers=headers, expect=(201, 409))

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, range(20)))
    given = [answer for answer in answers if answer.status_code == 201]
    assert given and len({answer.content for answer in given}) == 1
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, "idempotency-key-in-use")
            assert answer.headers["Retry-After"] == "1"
    assert api.call("getDataset", dataset=dataset).json()["labels_stored"] == 500


@pytest.mark.parametrize("operation,media", [("predictBatchNdjson", "application/x-ndjson"), ("predictBatchCsv", "text/csv")])
def test_concurrent_prediction_streams(api, url, trained, operation, media):
    before = len(data.stored(api, trained)["predictions"])
    line = {"application/x-ndjson": json.dumps(ROW) + "\n", "text/csv": "44\n"}[media]
    body = (("age\n" if media == "text/csv" else "") + line * 200).encode()
    headers = named()

    def post(_):
        return Client(url, api.key).call(operation, dataset=trained, data=body, media_type=media, headers=headers,
                                         expect=(201, 409))

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, range(10)))
    given = {answer.content for answer in answers if answer.status_code == 201}
    assert len(given) == 1
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, "idempotency-key-in-use")
            assert answer.headers["Retry-After"] == "1"
    assert len(data.stored(api, trained)["predictions"]) == before + 200
