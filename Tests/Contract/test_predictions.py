"""Predictions: single, batch, explained, stored, refused by the gate, labelled later."""

import csv
import gzip
import io
import json
import math
import uuid

import pytest

from contract import data
from contract.client import pointers, problem

ROW = {"age": 44, "workclass": "Private", "education_num": 13, "sex": "Male", "capital/gain ~net": 0}


def predict(api, dataset, features=None, expect=201, **query):
    return api.call("predict", dataset=dataset, json_body={"features": ROW if features is None else features},
                    query={name: str(value).lower() for name, value in query.items()}, expect=expect)


def test_a_prediction_is_stored(api, trained):
    answer = predict(api, trained)
    made = answer.json()
    assert answer.headers["Location"] == f"/v1/datasets/{trained}/predictions/{made['id']}"
    assert (made["model_version"], made["labels_used"], made["warnings"]) == (1, 400, [])
    assert "contributions" not in made and "intercept" not in made
    kept = api.call("getPrediction", dataset=trained, id=made["id"], expect=200).json()
    assert kept["features"] == ROW
    assert (kept["true_label"], kept["labelled_at"]) == (None, None)
    for name in ("label", "probability", "threshold", "model_version", "warnings"):
        assert kept[name] == made[name]
    assert kept == api.call("listPredictions", dataset=trained, query={"limit": 1}, expect=200).json()["data"][0]


def test_store_false_stores_nothing(api, trained):
    before = api.pages("listPredictions", dataset=trained)
    answer = predict(api, trained, expect=200, store=False).json()
    assert "id" not in answer
    again = predict(api, trained, expect=200, store=False).json()
    assert answer == again
    body = {"predictions": [{"features": ROW}] * 3}
    many = api.call("predictBatch", dataset=trained, json_body=body, query={"store": "false"}, expect=200).json()
    assert many["predictions"] == [answer] * 3
    assert api.pages("listPredictions", dataset=trained) == before


@pytest.mark.parametrize("features", [ROW, {}, {"age": None}, ROW | {"workclass": "Gig"}, ROW | {"age": -1e6}], ids=str)
def test_contributions_sum_to_the_logit(api, trained, features):
    answer = predict(api, trained, features, expect=200, store=False, explain=True).json()
    assert {each["feature"] for each in answer["contributions"]} == {feature["name"] for feature in data.FEATURES}
    sizes = [abs(each["contribution"]) for each in answer["contributions"]]
    assert sizes == sorted(sizes, reverse=True)
    for each in answer["contributions"]:
        assert each["value"] == features.get(each["feature"])
    logit = answer["intercept"] + math.fsum(each["contribution"] for each in answer["contributions"])
    assert math.isclose(data.sigmoid(logit), answer["probability"], rel_tol=1e-9, abs_tol=1e-300)


def test_values_outside_the_training_get_a_warning(api, trained):
    warnings = predict(api, trained, ROW | {"workclass": "Gig", "age": 1e9}).json()["warnings"]
    assert {(warning["feature"], warning["kind"]) for warning in warnings} == {
        ("workclass", "unseen_category"), ("age", "outside_range")}


def test_a_batch_is_answered_in_order(api, trained):
    rows = [{"features": row["features"]} for row in data.rows(500, seed=5)]
    answer = api.call("predictBatch", dataset=trained, json_body={"predictions": rows}, expect=201).json()
    assert len(answer["predictions"]) == 500
    assert len({each["id"] for each in answer["predictions"]}) == 500
    for index in (0, 250, 499):
        one = predict(api, trained, rows[index]["features"], expect=200, store=False).json()
        assert {name: answer["predictions"][index][name] for name in one} == one
        kept = api.call("getPrediction", dataset=trained, id=answer["predictions"][index]["id"], expect=200).json()
        assert {n: v for n, v in kept["features"].items() if v is not None} == {
            n: v for n, v in rows[index]["features"].items() if v is not None}
    explained = api.call("predictBatch", dataset=trained, json_body={"predictions": rows[:2]},
                         query={"explain": "true", "store": "false"}, expect=200).json()
    assert all(len(each["contributions"]) == len(data.FEATURES) for each in explained["predictions"])


def test_batches_have_bounds_and_are_all_or_nothing(api, trained):
    def refused(count, bad=None):
        rows = [{"features": {}} for _ in range(count)]
        if bad is not None:
            rows[bad] = {"features": {"age": "old"}}
        return api.call("predictBatch", dataset=trained, json_body={"predictions": rows}, checked=False, expect=422)

    before = len(api.pages("listPredictions", dataset=trained))
    assert pointers(refused(0)) == ["/predictions"]
    assert pointers(refused(100_001)) == ["/predictions"]
    assert pointers(refused(10, bad=7)) == ["/predictions/7/features/age"]
    assert len(api.pages("listPredictions", dataset=trained)) == before


def test_no_prediction_without_a_model(api, dataset):
    problem(predict(api, dataset, expect=409), "no-model")
    problem(predict(api, dataset, expect=409, store=False), "no-model")
    body = {"predictions": [{"features": ROW}]}
    problem(api.call("predictBatch", dataset=dataset, json_body=body, expect=409), "no-model")


def test_the_gate_refuses_on_every_path(api, dataset):
    data.train(api, dataset)
    kept = predict(api, dataset).json()["id"]
    kpis = api.call("getModel", dataset=dataset, version=1).json()["kpis"]
    for metric, minimum, bound in (("roc_auc", 1, "lower"), ("log_loss", 0, "estimate")):
        gate = {"gate": {"metric": metric, "minimum": minimum, "bound": bound}}
        api.call("updateDataset", dataset=dataset, json_body=gate, expect=200)
        body = {"predictions": [{"features": ROW}]}
        for answer in (predict(api, dataset, expect=409), predict(api, dataset, expect=409, store=False),
                       predict(api, dataset, expect=409, explain=True),
                       api.call("predictBatch", dataset=dataset, json_body=body, expect=409)):
            refusal = problem(answer, "model-below-gate")
            assert (refusal["metric"], refusal["minimum"], refusal["model_version"]) == (metric, minimum, 1)
            assert (refusal["value"], refusal["interval"]) == (kpis[metric], kpis["intervals"][metric])
            assert refusal["bound"] == bound and "reason" not in refusal
    api.call("labelPrediction", dataset=dataset, id=kept, json_body={"label": 1}, expect=200)
    for metric, careful in (("roc_auc", 0), ("log_loss", 1)):
        # The careful end of the interval passes, and the estimate only a gate that compares it.
        for minimum, bound, status in ((kpis["intervals"][metric][careful], "lower", 201),
                                       (kpis[metric], "lower", 409), (kpis[metric], "estimate", 201)):
            gate = {"gate": {"metric": metric, "minimum": minimum, "bound": bound}}
            api.call("updateDataset", dataset=dataset, json_body=gate, expect=200)
            predict(api, dataset, expect=status)
    api.call("updateDataset", dataset=dataset, json_body={"gate": None}, expect=200)
    predict(api, dataset)


def test_a_labelled_prediction_is_training_data(api, dataset):
    data.train(api, dataset)
    made = predict(api, dataset, {"age": 70, "education_num": 16}).json()
    path = {"dataset": dataset, "id": made["id"]}
    labelled = api.call("labelPrediction", **path, json_body={"label": 1}, expect=200).json()
    assert labelled["true_label"] == 1 and labelled["labelled_at"] is not None
    assert api.call("labelPrediction", **path, json_body={"label": 1}, expect=200).json() == labelled
    [label] = api.pages("listLabels", dataset=dataset, query={"source": "prediction"})
    assert (label["prediction_id"], label["label"], label["features"]["age"]) == (made["id"], 1, 70)
    assert api.call("getDataset", dataset=dataset).json()["labels_stored"] == 401
    assert api.call("labelPrediction", **path, json_body={"label": "<=50K"}, expect=200).json()["true_label"] == 0
    assert [each["label"] for each in api.pages("listLabels", dataset=dataset, query={"source": "prediction"})] == [0]
    job = api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    assert job.json()["kpis"]["labels_used"] == 401
    for _ in range(2):
        api.call("unlabelPrediction", **path, expect=204)
        assert api.call("getPrediction", **path).json()["true_label"] is None
        assert api.call("getDataset", dataset=dataset).json()["labels_stored"] == 400


def test_list_is_newest_first_and_filtered(api, dataset):
    data.train(api, dataset)
    ids = [predict(api, dataset).json()["id"] for _ in range(4)]
    api.call("createTrainingJob", dataset=dataset, json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    ids.append(predict(api, dataset).json()["id"])
    api.call("labelPrediction", dataset=dataset, id=ids[2], json_body={"label": 0}, expect=200)

    def listed(**query):
        return [each["id"] for each in api.pages("listPredictions", dataset=dataset, limit=2, query=query)]

    assert listed() == ids[::-1]
    assert listed(labelled="true") == [ids[2]]
    assert listed(labelled="false", model_version=1) == [ids[3], ids[1], ids[0]]
    assert listed(model_version=2) == [ids[4]]
    assert listed(model_version=3) == []


def test_an_unknown_prediction(api, trained):
    path = {"dataset": trained, "id": uuid.uuid4()}
    problem(api.call("getPrediction", **path, expect=404), "not-found")
    problem(api.call("labelPrediction", **path, json_body={"label": 1}, expect=404), "not-found")
    problem(api.call("unlabelPrediction", **path, expect=404), "not-found")


def ndjson(rows):
    return "".join(json.dumps({"features": row["features"]}) + "\n" for row in rows)


def stream(api, dataset, body, form="Ndjson", expect=201, headers=None, **query):
    media_type = {"Ndjson": "application/x-ndjson", "Csv": "text/csv"}[form]
    return api.call(f"predictBatch{form}", dataset=dataset, data=body.encode(), media_type=media_type, headers=headers,
                    query=query, expect=expect)


def test_a_stream_is_answered_line_by_line(api, trained):
    rows = data.rows(3000, seed=6)
    whole = api.call("predictBatch", dataset=trained, json_body={"predictions": [{"features": r["features"]} for r in rows]},
                     query={"store": "false"}, expect=200).json()["predictions"]
    lines = [json.loads(line) for line in stream(api, trained, ndjson(rows)).text.splitlines()]
    assert [{name: value for name, value in line.items() if name != "id"} for line in lines] == whole
    table = io.StringIO()
    writer = csv.DictWriter(table, [feature["name"] for feature in data.FEATURES])
    writer.writeheader()
    writer.writerows(row["features"] for row in rows)
    answer = stream(api, trained, table.getvalue(), "Csv", expect=200, store="false")
    assert [float(row["probability"]) for row in csv.DictReader(io.StringIO(answer.text))] == [
        each["probability"] for each in whole]
    kept = api.call("getPrediction", dataset=trained, id=lines[2999]["id"], expect=200).json()
    assert kept["probability"] == lines[2999]["probability"]


def test_an_invalid_row_of_a_stream_is_reported_in_its_place(api, trained):
    answer = stream(api, trained, '{"features":{}}\n{"features":{"age":"old"}}\n{"features":{"age":1}}\n')
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert ["error" in line for line in lines] == [False, True, False]
    assert lines[1]["error"]["errors"][0] == {
        "line": 2, "pointer": "/features/age", "detail": 'must be a number, not "old"'}
    problem(stream(api, trained, "age,oge\n1,2\n", "Csv", expect=422), "schema-mismatch")


def test_a_stream_has_one_media_type(api, trained):
    """The path decides the media type of a stream, whatever a client accepts."""
    for form, body, media_type in (("Ndjson", '{"features":{}}\n', "application/x-ndjson"), ("Csv", "age\n1\n", "text/csv")):
        for accept in ("application/json", "application/problem+json", "image/png"):
            answer = stream(api, trained, body, form, headers={"Accept": accept})
            assert answer.headers["Content-Type"].split(";")[0] == media_type
        refused = api.call(f"predictBatch{form}", dataset=trained, json_body={}, checked=False, expect=415)
        assert refused.headers["Accept"] == media_type
    answer = stream(api, trained, "age\n1\n", "Csv", expect=400, explain="true")
    assert [each["parameter"] for each in problem(answer, "invalid-parameter")["errors"]] == ["explain"]
    answer = stream(api, trained, '{"features":{}}\n', expect=400, delimiter=";")
    assert [each["parameter"] for each in problem(answer, "invalid-parameter")["errors"]] == ["delimiter"]


@pytest.mark.parametrize("form", ["Ndjson", "Csv"])
def test_a_stream_with_a_key_is_one_batch(api, trained, form):
    """Under an Idempotency-Key a stream has the limits of a JSON batch, and an invalid row refuses it."""
    rows = {"Ndjson": '{"features":{"age":1}}\n{"features":{"age":"old"}}\n', "Csv": "age\n1\nold\n"}[form]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    problem(stream(api, trained, rows, form, expect=422, headers=key), "schema-mismatch")
    answer = api.call(f"predictBatch{form}", dataset=trained, data=gzip.compress(b" " * ((64 << 20) + 1)),
                      media_type={"Ndjson": "application/x-ndjson", "Csv": "text/csv"}[form],
                      headers=key | {"Content-Encoding": "gzip"}, expect=413, timeout=120)
    problem(answer, "body-too-large")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("values", [["", "44"], ["44", ""], ["", "", ""], ["44", "", "", "19", ""], ['""', "", "44", "", ""]],
                         ids=str)
def test_every_row_of_one_column_is_answered(api, trained, end, values):
    """A blank line is a row with an empty field (RFC 4180), and its answer keeps the place. The last line break ends a row."""
    for column in ("age", "workclass", "education_num"):
        texts = [value.replace("44", "Private").replace("19", "Gig") if column == "workclass" else value for value in values]
        rows = [{"features": {} if text in ("", '""') else {column: text if column == "workclass" else int(text)}} for text in texts]
        answer = stream(api, trained, ndjson(rows), expect=200, store="false")
        wanted = [json.loads(line) for line in answer.text.splitlines()]
        for header in (column, end + column, "\ufeff" + end + column):
            body = header + end + "".join(text + end for text in texts)
            answered = api.call("predictBatch", dataset=trained, data=body.encode(), media_type="text/csv", query={"store": "false"},
                                headers={"Accept": "application/x-ndjson"}, expect=200)
            assert [json.loads(line) for line in answered.text.splitlines()] == wanted
            answered = stream(api, trained, body, "Csv", expect=200, store="false")
            assert [float(each["probability"]) for each in csv.DictReader(io.StringIO(answered.text))] == [
                each["probability"] for each in wanted]


def test_blank_lines_between_rows_of_several_columns_are_no_rows(api, trained):
    rows = [{"features": features} for features in ({"age": 44, "education_num": 3}, {}, {"age": 19})]
    wanted = stream(api, trained, ndjson(rows), expect=200, store="false").text
    body = "\nage,education_num\n\n44,3\n\n,\n19,\n\n"
    answered = api.call("predictBatch", dataset=trained, data=body.encode(), media_type="text/csv", query={"store": "false"},
                        headers={"Accept": "application/x-ndjson"}, expect=200)
    assert answered.text == wanted


def test_predictions_are_exported(api, dataset):
    data.train(api, dataset)
    ids = [predict(api, dataset).json()["id"] for _ in range(3)]
    api.call("labelPrediction", dataset=dataset, id=ids[1], json_body={"label": 1}, expect=200)
    pages = api.pages("listPredictions", dataset=dataset)
    lines = api.call("exportPredictionsNdjson", dataset=dataset, expect=200)
    assert [json.loads(line) for line in lines.text.splitlines()] == pages[::-1]
    table = api.call("exportPredictionsCsv", dataset=dataset, expect=200).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [(row["id"], row["true_label"]) for row in rows] == [(ids[0], ""), (ids[1], "1"), (ids[2], "")]
    assert [row["workclass"] for row in rows] == ["Private"] * 3
    for sort in ("newest", "uncertainty"):
        assert {each["id"] for each in api.pages("listPredictions", dataset=dataset, limit=1, query={"sort": sort})} == set(ids)


def test_bulk_feedback(api, dataset):
    data.train(api, dataset)
    rows = data.rows(50, seed=7)
    made = api.call("predictBatch", dataset=dataset, expect=201,
                    json_body={"predictions": [{"features": row["features"]} for row in rows]}).json()["predictions"]
    labels = [{"id": each["id"], "label": row["label"]} for each, row in zip(made, rows)]

    def say(some, expect=200):
        return api.call("labelPredictions", dataset=dataset, json_body={"labels": some}, expect=expect)

    answer = say(labels).json()
    assert (answer["inserted"], answer["labels_stored"], answer["training_job"]) == (50, 450, None)
    assert say(labels).json()["unchanged"] == 50
    answer = say([labels[0] | {"label": None}, labels[1] | {"label": 1 - labels[1]["label"]}]).json()
    assert (answer["deleted"], answer["updated"], answer["labels_stored"]) == (1, 1, 449)
    assert pointers(say([labels[0], labels[2], labels[0]], expect=422)) == ["/labels/2/id"]
    assert pointers(say([labels[0], {"id": str(uuid.uuid4()), "label": 1}], expect=422)) == ["/labels/1/id"]
    live = api.call("getLiveKpis", dataset=dataset, version=1, expect=200).json()
    pairs = [(each["label"], row["label"]) for each, row in list(zip(made, rows))[1:]]
    pairs[0] = (pairs[0][0], 1 - pairs[0][1])
    assert live["validation_rows"] == 49
    assert live["confusion_matrix"]["true_positive"] == pairs.count((1, 1))
    assert live["confusion_matrix"]["false_positive"] == pairs.count((1, 0))
    # The prediction without an outcome counts for its decision: each labelled row weighs as much as the decision has
    # predictions for each labelled one.
    decided = [each["label"] for each in made]
    assert live["unlabelled"] == {str(d): decided.count(d) - [a for a, _ in pairs].count(d) for d in (0, 1)}
    weights = {d: decided.count(d) / [a for a, _ in pairs].count(d) for d in (0, 1)}
    assert live["accuracy"] == pytest.approx(sum(weights[a] * (a == b) for a, b in pairs) / 50, abs=1e-12)
    assert live["too_young"] == {"0": 0, "1": 0} and live["reason"] is None
    problem(api.call("getLiveKpis", dataset=dataset, version=9, expect=404), "not-found")


def test_live_kpis_of_one_decision_open_no_gate(api, dataset):
    data.train(api, dataset)
    rows = data.rows(60, seed=11)
    made = api.call("predictBatch", dataset=dataset, expect=201,
                    json_body={"predictions": [{"features": row["features"]} for row in rows]}).json()["predictions"]
    ones = [each["id"] for each in made if each["label"] == 1]
    api.call("labelPredictions", dataset=dataset, json_body={"labels": [{"id": each, "label": 1} for each in ones]}, expect=200)
    live = api.call("getLiveKpis", dataset=dataset, version=1, expect=200).json()
    assert (live["precision"], live["recall"], live["roc_auc"]) == (1, None, None)
    assert live["unlabelled"] == {"0": 60 - len(ones), "1": 0} and "decided 0" in live["reason"]
    gate = {"metric": "recall", "minimum": 0, "source": "live", "min_labels": 1}
    for bound in ("lower", "estimate"):
        api.call("updateDataset", dataset=dataset, json_body={"gate": gate | {"bound": bound}}, expect=200)
        refusal = problem(predict(api, dataset, expect=409), "model-below-gate")
        assert (refusal["value"], refusal["labels"], refusal["reason"]) == (None, len(ones), live["reason"])
    # Too young for an outcome is no outcome, either.
    settings = {"outcome_after_days": 30}
    assert api.call("updateDataset", dataset=dataset, json_body=settings, expect=200).json()["outcome_after_days"] == 30
    live = api.call("getLiveKpis", dataset=dataset, version=1, expect=200).json()
    assert live["unlabelled"] == {"0": 0, "1": 0} and live["too_young"] == {"0": 60 - len(ones), "1": 0}
    assert live["recall"] is None
    problem(predict(api, dataset, expect=409), "model-below-gate")


def test_live_kpis_since(api, dataset):
    data.train(api, dataset)
    predict(api, dataset)
    at = {"dataset": dataset, "version": 1}
    live = api.call("getLiveKpis", query={"since": "2020-01-01T02:00:00+02:00"}, expect=200, **at).json()
    assert live["since"] == "2020-01-01T00:00:00.000Z" and sum(live["unlabelled"].values()) == 1
    live = api.call("getLiveKpis", query={"since": "2999-01-01T00:00:00Z"}, expect=200, **at).json()
    assert live["unlabelled"] == {"0": 0, "1": 0} and live["accuracy"] is None
    for since in ("", "today", "2020-01-01", "2020-02-30T00:00:00Z"):
        problem(api.call("getLiveKpis", query={"since": since}, expect=400, **at), "invalid-parameter")


def test_predictions_expire(api):
    name = data.create(api, f"k-{uuid.uuid4().hex[:12]}", predictions_kept_days=7)
    assert api.call("getDataset", dataset=name, expect=200).json()["predictions_kept_days"] == 7
    changed = api.call("updateDataset", dataset=name, json_body={"predictions_kept_days": None}, expect=200)
    assert changed.json()["predictions_kept_days"] is None
    for days in (0, 1.5, "7", 36501):
        answer = api.call("updateDataset", dataset=name, json_body={"predictions_kept_days": days}, checked=False,
                          expect=422)
        assert pointers(answer) == ["/predictions_kept_days"]
