"""ETag, If-Match and If-None-Match prevent lost updates and repeated responses."""

import concurrent.futures

import pytest
import requests

from contract import data
from contract.client import problem

PATCH = "application/merge-patch+json"


def tag(api, dataset) -> str:
    return api.call("getDataset", dataset=dataset, expect=200).headers["ETag"]


def patch(api, dataset, body, condition=None, **arguments):
    headers = {"If-Match": condition} if condition else {}
    return api.call("updateDataset", dataset=dataset, json_body=body, media_type=PATCH, headers=headers, **arguments)


def test_a_lost_update_is_a_412(api, dataset):
    seen = tag(api, dataset)
    first = patch(api, dataset, {"models_kept": 7}, seen, expect=200)
    assert first.headers["ETag"] == tag(api, dataset) != seen
    refused = patch(api, dataset, {"models_kept": 8}, seen, expect=412)
    problem(refused, "precondition-failed")
    assert api.call("getDataset", dataset=dataset).json()["models_kept"] == 7
    patch(api, dataset, {"models_kept": 8}, first.headers["ETag"], expect=200)


def test_one_of_many_concurrent_changes_wins(api, dataset):
    seen = tag(api, dataset)

    def change(number):
        return requests.patch(f"{api.url}/v1/datasets/{dataset}", json={"models_kept": number}, timeout=60,
                              headers={"Authorization": f"Bearer {api.key}", "If-Match": seen}).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(change, range(1, 17)))
    assert sorted(statuses) == [200] + [412] * 15


def test_labels_change_the_tag(api, dataset):
    seen = tag(api, dataset)
    data.add(api, dataset, data.rows(3))
    problem(patch(api, dataset, {"gate": None}, seen, expect=412), "precondition-failed")


def test_conditional_deletion(api, dataset):
    seen = tag(api, dataset)
    patch(api, dataset, {"models_kept": 9}, expect=200)
    problem(api.call("deleteDataset", dataset=dataset, headers={"If-Match": seen}, expect=412), "precondition-failed")
    api.call("deleteDataset", dataset=dataset, headers={"If-Match": tag(api, dataset)}, expect=204)
    api.call("getDataset", dataset=dataset, expect=404)


def test_conditions_are_evaluated_last(api, dataset):
    stale = '"' + "0" * 32 + '"'
    patch(api, dataset, {"models_kept": 0}, stale, checked=False, expect=422)
    patch(api, "absent", {"models_kept": 5}, stale, expect=404)
    shorter = {"features": data.FEATURES[:2]}
    patch(api, dataset, shorter, stale, expect=422)


@pytest.mark.parametrize("form,status", [
    ("*", 200), ("{tag}", 200), ('"x", {tag}', 200), ('"a,b",{tag} , "c"', 200), ("W/{tag}", 412), ('"x"', 412),
    ('""', 412), ("{bare}", 400), ("{tag},", 400), ("{tag} {tag}", 400), ('"', 400), ('"a" b', 400), ("*, {tag}", 400),
    ('"a b"', 400), ("w/{tag}", 400), ('"' + "x" * 129 + '"', 400),
    ('"' + "x" * 128 + '"', 412), (", ".join(['"x"'] * 32), 412), (", ".join(['"x"'] * 33), 400),
])
def test_forms_of_if_match(api, dataset, form, status):
    seen = tag(api, dataset)
    header = form.replace("{tag}", seen).replace("{bare}", seen.strip('"'))
    answer = patch(api, dataset, {}, header, expect=status)
    if status == 400:
        assert [each["parameter"] for each in problem(answer, "invalid-parameter")["errors"]] == ["If-Match"]


def test_unchanged_responses_are_not_sent_again(api, nobody, trained):
    calls = [
        (api, "getDataset", {"dataset": trained}), (api, "listModels", {"dataset": trained}),
        (api, "getModel", {"dataset": trained, "version": 1}), (nobody, "openapiYaml", {}), (nobody, "openapiJson", {}),
    ]
    for client, operation, path in calls:
        whole = client.call(operation, **path, expect=200)
        for condition in (whole.headers["ETag"], "W/" + whole.headers["ETag"], '"x", ' + whole.headers["ETag"], "*"):
            short = client.call(operation, **path, headers={"If-None-Match": condition}, expect=304)
            assert short.headers["ETag"] == whole.headers["ETag"] and short.content == b""
            assert short.headers["Cache-Control"] == whole.headers["Cache-Control"]
        again = client.call(operation, **path, headers={"If-None-Match": '"x"'}, expect=200)
        assert again.content == whole.content
        answer = client.call(operation, **path, headers={"If-None-Match": "x"}, expect=400)
        problem(answer, "invalid-parameter")


def test_the_list_of_datasets_is_conditional(api, dataset):
    seen = api.call("listDatasets", query={"limit": 1000}, expect=200).headers["ETag"]
    api.call("listDatasets", query={"limit": 1000}, headers={"If-None-Match": seen}, expect=304)
    patch(api, dataset, {"models_kept": 3}, expect=200)
    api.call("listDatasets", query={"limit": 1000}, headers={"If-None-Match": seen}, expect=200)


def test_a_head_request_has_the_same_tag(api, dataset):
    answer = api.send("HEAD", f"/v1/datasets/{dataset}")
    assert answer.status_code == 200 and answer.headers["ETag"] == tag(api, dataset)
    assert answer.content == b""


def test_another_tenants_dataset_is_absent_under_any_condition(api, other, dataset):
    for condition in (tag(api, dataset), "*", '"x"'):
        assert patch(other, dataset, {}, condition).status_code == 404
        other.call("deleteDataset", dataset=dataset, headers={"If-Match": condition}, expect=404)
