"""Authorisation: every operation with every kind of key, as declared by `x-role`."""

import uuid

import pytest

from contract import data, document
from contract.client import Client, problem

GUARDED = [operation for operation in document.operations().values() if operation.role]
INCLUDES = {
    "admin": {"any", "admin", "write", "read", "predict"}, "write": {"any", "write", "read", "predict"},
    "read": {"any", "read"}, "predict": {"any", "predict"},
}


def path_values(operation, dataset) -> dict:
    """Path values: the dataset exists, the resource in it does not."""
    values = {"dataset": dataset, "id": 999_999_999, "version": 999_999}
    if "/predictions/" in operation.path:
        values["id"] = uuid.UUID(int=7)
    return {name: value for name, value in values.items() if "{" + name + "}" in operation.path}


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_only_the_documented_roles(roles, dataset, operation):
    for role, client in roles.items():
        answer = client.call(operation.id, **path_values(operation, dataset), **operation.harmless())
        if operation.role in INCLUDES[role]:
            # 409: the missing model is reported before the body is parsed.
            assert answer.status_code in (400, 404, 409), f"{role}: {answer.text}"
        else:
            assert answer.status_code == 403, f"{role} may call {operation.id}: {answer.text}"
            problem(answer, "forbidden")


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_no_response_without_a_key(url, nobody, admin_keys, dataset, operation):
    good = admin_keys[0]
    tenant = good.split("_")[1]
    forged = good[:-1] + ("0" if good[-1] != "0" else "1")
    headers = [None, "", "Bearer", "Bearer ", f"Basic {good}", good, f"Bearer {forged}", f"Bearer {good}0",
               f"Bearer {good[:-1]}", f"Bearer vd_{tenant}_", "Bearer vd_1_" + "0" * 64, f"Bearer {good.upper()}",
               "Bearer vd_99999999999999999999_" + "0" * 64, "Bearer vd_-1_" + "0" * 64, "Bearer " + "x" * 4000,
               "Bearer ' OR 1=1 --", f"Bearer {good} {good}"]
    for value in headers if operation.id == "listDatasets" else headers[:2] + headers[6:7]:
        answer = nobody.call(operation.id, **path_values(operation, dataset), **operation.harmless(),
                             headers={"Authorization": value} if value is not None else {}, expect=401)
        problem(answer, "unauthorized")


@pytest.mark.parametrize("operation", [each for each in GUARDED if "{dataset}" in each.path], ids=str)
def test_another_tenants_dataset_is_absent(other, api, trained, operation):
    """The other tenant gets the response for a dataset that never existed, word for word except for its name."""
    absent = f"a-{uuid.uuid4().hex[:12]}"
    bodies = operation.sample() if operation.spec.get("requestBody") else {}
    if operation.id in ("deleteLabels", "deletePredictions"):
        bodies = {"query": {"all": "true"}}
    elif operation.required_query:
        bodies = {"query": operation.required_query}
    answers = []
    for dataset in (trained, absent):
        answer = other.call(operation.id, **path_values(operation, dataset), **bodies, expect=404)
        body = problem(answer, "not-found")
        answers.append({name: str(body[name]).replace(dataset, "?") for name in ("title", "detail", "instance")})
    assert answers[0] == answers[1]
    assert api.call("getDataset", dataset=trained, expect=200).json()["labels_stored"] == 400


def test_resources_of_another_dataset_are_absent(api, trained, dataset):
    """Resources are looked up by number within the dataset of the path."""
    data.train(api, dataset, 50)
    label = api.pages("listLabels", dataset=trained)[0]["id"]
    job = api.pages("listTrainingJobs", dataset=trained)[0]["id"]
    made = api.call("predict", dataset=trained, json_body={"features": {}}, expect=201).json()["id"]
    for name, thing in (("getLabel", label), ("deleteLabel", label), ("getTrainingJob", job),
                        ("cancelTrainingJob", job), ("followTrainingJob", job), ("getPrediction", made),
                        ("unlabelPrediction", made)):
        problem(api.call(name, dataset=dataset, id=thing, expect=404), "not-found")
    body = {"label": 1}
    problem(api.call("updateLabel", dataset=dataset, id=label, json_body=body, expect=404), "not-found")
    problem(api.call("labelPrediction", dataset=dataset, id=made, json_body=body, expect=404), "not-found")
    api.call("getLabel", dataset=trained, id=label, expect=200)


def test_the_tenant_number_of_a_key_grants_nothing(admin_keys, url):
    """The random part of a key with the other tenant's number is valid for neither tenant."""
    (_, first, random), (_, second, _) = (key.split("_") for key in admin_keys[:2])
    assert first != second
    problem(Client(url, f"vd_{second}_{random}").call("listDatasets", expect=401), "unauthorized")


def test_a_predict_key_reads_no_features_of_predictions_that_it_labels(api, roles, dataset):
    data.train(api, dataset, 50)
    made = api.call("predict", dataset=dataset, json_body={"features": {"age": 61}}, expect=201).json()["id"]
    for outcome in (1, 1, 0):
        answer = roles["predict"].call("labelPrediction", dataset=dataset, id=made, json_body={"label": outcome}, expect=200)
        assert answer.json() == {"id": made, "true_label": outcome}
    problem(roles["predict"].call("getPrediction", dataset=dataset, id=made, expect=403), "forbidden")
    for role in ("admin", "write"):
        whole = roles[role].call("labelPrediction", dataset=dataset, id=made, json_body={"label": 1}, expect=200).json()
        assert whole == api.call("getPrediction", dataset=dataset, id=made, expect=200).json()
        assert whole["features"]["age"] == 61 and whole["true_label"] == 1
