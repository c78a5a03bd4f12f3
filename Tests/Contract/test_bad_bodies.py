"""Invalid bodies, generated from the document, are refused with a pointer, and nothing is stored."""

import gzip

import pytest

from contract import data, document, mutations
from contract.client import problem

WITH_BODY = document.with_body()
TRAINING = {
    "penalty": "elasticnet", "C": 0.5, "l1_ratio": 0.5, "class_weight": "balanced", "seed": 1,
    "validation": {"method": "kfold", "folds": 3},
    "threshold": {"cost": {"false_positive": 1, "false_negative": 5}},
    "family": "additive", "max_pairs": 3, "monotone": {"age": "increasing"}, "edges": {"education_num": [5, 9.5]},
    "pairs": [["sex", "workclass"]], "quantile_bins": 8, "merged_bins": 8, "smoothness": 2.5, "bags": 2,
}
OPTIONAL = {"createTrainingJob": {"empty"}}


@pytest.fixture(scope="module")
def place(api, trained) -> dict:
    """Creates a resource for every path that accepts a body, so that a refusal concerns the body."""
    made = api.call("predict", dataset=trained, json_body={"features": {}}, expect=201).json()
    label = api.pages("listLabels", dataset=trained)[0]
    return {"dataset": trained, "label": label["id"], "prediction": made["id"]}


def path_of(operation, place) -> dict:
    values = {"dataset": place["dataset"], "id": place["label"]}
    if "/predictions/" in operation.path:
        values["id"] = place["prediction"]
    return {name: value for name, value in values.items() if "{" + name + "}" in operation.path}


@pytest.fixture(autouse=True)
def nothing_is_stored(api, request):
    if "place" not in request.fixturenames:
        yield
        return
    place = request.getfixturevalue("place")
    dataset, label = place["dataset"], {"dataset": place["dataset"], "id": place["label"]}
    before = data.stored(api, dataset), api.call("getLabel", **label).json()
    yield
    assert (data.stored(api, dataset), api.call("getLabel", **label).json()) == before


def fitting(operation):
    """Returns the documented example, or for rows a valid one for the dataset here, as a base for mutations."""
    rows = data.rows(2)
    return {
        "updateDataset": {
            "features": data.FEATURES, "gate": {"metric": "f1", "minimum": 0.5, "source": "live", "min_labels": 10,
            "bound": "estimate"},
            "predictions_kept_days": 30, "outcome_after_days": 14, "min_bin_rows": 20,
            "auto_train": {"enabled": True, "min_new_labels": 5, "max_delay_seconds": 60}, "training": TRAINING,
        },
        "createTrainingJob": TRAINING,
        "addLabels": {"labels": [rows[0] | {"key": "k"}, rows[1]]},
        "updateLabel": rows[0],
        "predict": {"features": rows[0]["features"]},
        "predictBatch": {"predictions": [{"features": row["features"]} for row in rows]},
    }.get(operation.id) or operation.example()


def refuses(answer, pointer: str) -> bool:
    """Whether a body that is invalid at `pointer` was refused for that reason."""
    if answer.status_code == 422:
        reported = [error.get("pointer") for error in answer.json().get("errors", [])]
        kinds = ("/problems/invalid-body", "/problems/schema-mismatch")
        return answer.json()["type"] in kinds and None not in reported and mutations.related(pointer, reported)
    return answer.status_code == 400


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_bodies_against_the_schema(api, place, operation):
    count, wrong = 0, []
    for pointer, body in mutations.invalid(operation, fitting(operation)):
        answer = api.call(operation.id, **path_of(operation, place), data=mutations.text(body),
                          media_type="application/json")
        if not refuses(answer, pointer):
            wrong.append(f"{pointer}: {mutations.text(body)[-300:]!r} → {answer.status_code} {answer.text[:300]}")
        count += 1
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:20])
    assert count > 10, "the generator made next to nothing"


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
@pytest.mark.parametrize("name", list(mutations.MALFORMED))
def test_malformed_bodies(api, place, operation, name):
    if name in OPTIONAL.get(operation.id, ()):
        pytest.skip("the body is optional")
    answer = api.call(operation.id, **path_of(operation, place), data=mutations.MALFORMED[name],
                      media_type="application/json", expect=(400, 413, 422))
    assert answer.json()["type"] in ("/problems/malformed-body", "/problems/body-too-large", "/problems/invalid-body",
                                     "/problems/schema-mismatch"), answer.text


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_every_truncation_is_malformed(api, place, operation):
    whole = mutations.text(fitting(operation))
    for end in range(1, len(whole), max(1, len(whole) // 60)):
        answer = api.call(operation.id, **path_of(operation, place), data=whole[:end], media_type="application/json",
                          expect=400)
        problem(answer, "malformed-body")


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_duplicate_members_are_refused(api, place, operation):
    whole = mutations.text(fitting(operation))
    doubled = b"{" + whole[1:-1] + b"," + whole[1:]
    answer = api.call(operation.id, **path_of(operation, place), data=doubled, media_type="application/json",
                      expect=(400, 422))
    assert answer.json()["type"] != "/problems/not-found"


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_lone_surrogates_are_refused(api, place, operation):
    for escape in (b"\\ud800", b"\\udc00", b"\\ud800x", b"\\ud800\\ud800", b"\\udc00\\ud800"):
        api.call(operation.id, **path_of(operation, place), data=b'{"' + escape + b'": 1}',
                 media_type="application/json", expect=(400, 422))


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_media_types(api, place, operation):
    body = mutations.text(fitting(operation))
    for media_type in ("application/xml", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded",
                       "application/jsonx", "json", "/", ";", "é".encode()):
        answer = api.call(operation.id, **path_of(operation, place), data=body,
                          headers={"Content-Type": media_type})
        assert answer.status_code in (400, 415), f"{media_type}: {answer.status_code} {answer.text}"
    answer = api.call(operation.id, **path_of(operation, place), data=body, media_type="application/json",
                      headers={"Content-Encoding": "br"}, expect=415)
    problem(answer, "unsupported-media-type")


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_large_bodies(api, place, operation):
    """Sends more than 1 MiB, or more than 64 MiB for bulk rows. The server may close the connection during the
    request."""
    limit = 64 << 20 if operation.id in ("addLabels", "predictBatch", "labelPredictions") else 1 << 20
    body = b" " * (limit + 1)
    if limit > 1 << 20:
        body = gzip.compress(body)
    headers = {"Content-Encoding": "gzip"} if limit > 1 << 20 else {}
    answer = api.call(operation.id, **path_of(operation, place), data=body, media_type="application/json",
                      headers=headers, expect=413, timeout=120)
    problem(answer, "body-too-large")
