"""Inference of a dataset from a file: the answer creates a dataset that takes every row of the file."""

import gzip
import json
import uuid

import pytest

from contract import document
from contract.client import problem

EXAMPLES = document.PATH.parent / "Examples"
CSV, NDJSON = "text/csv", "application/x-ndjson"


def infer(api, body, media_type=CSV, label="y", expect=200, headers=None, **query):
    return api.call("inferSchema", query={"label": label} | query, data=body, media_type=media_type, headers=headers,
                    expect=expect, timeout=120)


def round_trip(api, body: bytes, media_type=CSV, **query):
    """Creates the inferred dataset and posts the file as its labels."""
    told = infer(api, body, media_type, name=f"i-{uuid.uuid4().hex[:12]}", **query).json()
    api.call("createDataset", json_body=told["dataset"], expect=201)
    upload = parameters(told)
    added = api.call("addLabels", dataset=told["dataset"]["name"], data=body, media_type=media_type, query=upload,
                     expect=201, timeout=120).json()
    assert added["inserted"] == told["rows"]
    return told


def parameters(told) -> dict:
    """The parameters of the upload as a query."""
    return {name: "true" if value is True else value for name, value in told["upload"].items() if value is not None}


def columns(told) -> dict:
    return {column["name"]: column for column in told["columns"]}


def test_the_census_file_is_taken_as_it_is(api):
    body = b"".join((EXAMPLES / "adult" / "adult_train.csv").open("rb").readlines()[:5001])
    told = round_trip(api, body, label="income")
    assert told["dataset"]["label"] == {"name": "income", "positive": ">50K", "negative": "<=50K"}
    types = {feature["name"]: feature["type"] for feature in told["dataset"]["features"]}
    assert types["age"] == "discrete" and types["workclass"] == "categorical" and len(types) == 14
    told = columns(told)
    assert told["age"]["count"] == 5000 and told["age"]["numbers"]["minimum"] == 17
    assert told["sex"]["distinct"] == 2 and sum(each["count"] for each in told["sex"]["top"]) == 5000


def test_a_table_of_numbers_is_taken_as_it_is(api):
    body = b"".join((EXAMPLES / "census" / "census10.csv").open("rb").readlines()[:3001])
    told = round_trip(api, body, label="label")
    assert told["dataset"]["label"] == {"name": "label"} and not any(told["upload"].values())


def test_a_file_of_a_data_frame_is_taken_as_it_is(api):
    """Semicolons, an index without a name, postal codes, dates, a column without values."""
    lines = [";income;zip;when;empty;city, part;LABEL;set"]
    for row in range(60):
        lines.append(f"{row};{row * 1.5};0{1000 + row % 7};2024-05-{row % 28 + 1:02};;x{row % 3};{row % 2};"
                     f"{'TRAIN' if row % 4 else 'TEST'}")
    told = round_trip(api, "\r\n".join(lines).encode(), label="LABEL")
    assert parameters(told) == {"delimiter": ";", "ignore": ""}
    seen = columns(told)
    assert seen[""]["role"] == "ignored" and seen["LABEL"]["role"] == "label"
    assert seen["zip"]["type"] == seen["when"]["type"] == seen["empty"]["type"] == "categorical"
    assert [each["kind"] for each in seen["when"]["warnings"]] == ["date"]
    assert [each["kind"] for each in seen["empty"]["warnings"]] == ["all_missing"]


def test_lines_of_labels_are_taken_as_they_are(api):
    lines = [{"features": {"a": row / 2, "b": f"x{row % 3}", "c": row % 2 == 0, "d": None}, "label": ["no", "yes"][row % 2]}
             for row in range(40)]
    told = round_trip(api, "\n".join(map(json.dumps, lines)).encode(), NDJSON, label="paid")
    assert told["dataset"]["label"] == {"name": "paid", "positive": "yes", "negative": "no"}


def test_a_compressed_file_is_read(api):
    body = gzip.compress(b"x,y\n1,0\n2,1\n")
    assert infer(api, body, headers={"Content-Encoding": "gzip"}).json()["rows"] == 2


def test_only_the_beginning_of_a_large_file_is_read(api):
    body = b"x,y\n" + b"1234567,0\n7654321,1\n" * 600_000
    told = infer(api, body).json()
    assert told["sampled"] and told["rows"] == ((8 << 20) - 4) // 10
    assert [each["kind"] for each in told["warnings"]] == ["sampled"]
    problem(infer(api, b"x,y\n" + b"1234567,0\n" * 6_800_000, expect=413), "body-too-large")


def test_nothing_is_stored(api, other):
    before = [other.call(name, expect=200).json() for name in ("listDatasets", "getUsage", "listAuditLog")
              if name in document.operations()]
    infer(other, b"x,y\n1,0\n2,1\n")
    problem(infer(other, b"x,y\n1,0\n2,0\n", expect=422), "invalid-body")
    after = [other.call(name, expect=200).json() for name in ("listDatasets", "getUsage", "listAuditLog")
             if name in document.operations()]
    assert [each.get("data") for each in before] == [each.get("data") for each in after]


def test_a_file_of_a_spreadsheet_is_taken_as_it_is(api):
    """Semicolons, decimal commas, texts for missing values, spaces around names; the same file is predicted."""
    lines = [";CONT1; CONT2;CAT1;DIS1 ;LABEL;set"]
    for row in range(60):
        lines.append(f"{row};{row * 0.5:.2f};{row},5;{row % 4};{row % 2};{row % 2};{'TRAIN' if row % 4 else 'TEST'}".replace(".", ","))
    lines[7] = "6;NA; null ;NA;1;0;TRAIN"
    body = "\r\n".join(lines).encode()
    told = round_trip(api, body, label="LABEL", missing="null,NA", decimal=",", trim="true")
    assert parameters(told) == {"delimiter": ";", "ignore": "", "missing": "NA,null", "decimal": ",", "trim": "true"}
    assert told["warnings"] == []
    types = {feature["name"]: feature["type"] for feature in told["dataset"]["features"]}
    assert types == {"CONT1": "continuous", "CONT2": "continuous", "CAT1": "discrete", "DIS1": "discrete", "set": "categorical"}
    profile = api.call("getProfile", dataset=told["dataset"]["name"], expect=200).json()
    assert profile["exact"] and profile["labels_used"] == 60
    seen = {feature["name"]: feature for feature in profile["features"]}
    for name in ("CONT1", "CONT2", "CAT1", "DIS1"):
        inferred = columns(told)[name]
        for member in ("count", "missing", "distinct"):
            assert seen[name][member] == inferred[member], name
        for member in ("minimum", "maximum", "quantiles"):
            assert seen[name]["numbers"][member] == inferred["numbers"][member], name
    assert seen["CONT1"]["missing"] == seen["CONT2"]["missing"] == 1 and seen["CONT2"]["numbers"]["maximum"] == 59.5
    api.call("createTrainingJob", dataset=told["dataset"]["name"], json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    dialect = {name: value for name, value in parameters(told).items()} | {"ignore": ",LABEL", "store": "false"}
    answered = api.call("predictBatchCsv", dataset=told["dataset"]["name"], data=body, media_type=CSV, query=dialect, expect=200)
    rows = answered.text.splitlines()
    assert len(rows) == 61 and all(row.split(",")[-1] == "" for row in rows[1:])


def test_parameters(api):
    told = infer(api, b"x,y\nb,0\na,1\n", categories="closed").json()
    assert told["dataset"]["features"] == [{"name": "x", "type": "categorical", "categories": ["a", "b"]}]
    row = b'{"features":{" x":"NA"},"label":%d}\n'
    told = infer(api, row % 0 + row % 1, NDJSON, missing="NA", trim="true").json()
    assert told["upload"] is None and [each["kind"] for each in told["warnings"]] == ["needs_conversion"]


@pytest.mark.parametrize("query,parameter", [
    ({"label": ""}, "label"), ({"label": "x" * 129}, "label"), ({"decimal": ";"}, "decimal"), ({"trim": "1"}, "trim"),
    ({"name": "A b"}, "name"), ({"categories": "all"}, "categories"), ({"delimiter": "::"}, "delimiter"),
    ({"missing": "x" * 601}, "missing"), ({"missing": "x," * 100 + "y"}, "missing"), ({"delimiter": ",", "decimal": ","}, "delimiter"), ({"labels": "y"}, "labels")])
def test_invalid_parameters(api, query, parameter):
    told = problem(infer(api, b"x,y\n1,0\n", expect=400, **query), "invalid-parameter")
    assert [each["parameter"] for each in told["errors"]] == [parameter]


def test_the_label_is_required(api):
    told = problem(api.call("inferSchema", data=b"x,y\n1,0\n", media_type=CSV, expect=400), "invalid-parameter")
    assert told["errors"][0]["parameter"] == "label"


@pytest.mark.parametrize("body,status,line", [
    (b"", 400, None), (b"x,y\n1,0\n\"2,1\n", 400, 3), (b"x,y\n1,0\n2\"2,1\n", 400, 3), (b"\xff,y\n1,0\n", 400, 1),
    (b"x,y\n1,0\n\xff,1\n", 422, 3), (b"x,y\n1,0\n2\n", 422, 3), (b"x,y\n1,0\n2,1,2\n", 422, 3), (b"x,y\n", 422, 2),
    (b"x,z\n1,0\n", 422, 1), (b"x,y\n1,0\n2,0\n", 422, 1), (b"x,y\n1,a\n2,b\n3,c\n", 422, 1), (b"x,y\n1,\n2,\n", 422, 1),
    (b",".join(b"c%d" % each for each in range(2002)) + b"\n", 422, 1)])
def test_malformed_files(api, body, status, line):
    told = problem(infer(api, body, expect=status), "malformed-body" if status == 400 else "invalid-body")
    assert [each["line"] for each in told.get("errors", [])] == ([line] if line else [])


@pytest.mark.parametrize("body,line,pointer", [
    (b'{"x":1,"y":0}\n{"x":\n', 2, None), (b'{"x":1,"y":0}\n[]\n', 2, ""), (b'{"x":{},"y":0}\n', 1, "/x"),
    (b'{"x":1,"x":2,"y":0}\n', 1, "/x"), (b'{"features":{},"label":0}\n{"label":1}\n', 2, "/features"), (b"\n", 1, None)])
def test_malformed_lines(api, body, line, pointer):
    told = problem(infer(api, body, NDJSON, expect=422), "invalid-body")
    assert told["errors"][0]["line"] == line and told["errors"][0].get("pointer") == pointer
    for parameter in ("delimiter", "decimal"):
        problem(infer(api, body, NDJSON, expect=400, **{parameter: ","}), "invalid-parameter")


def test_a_repeat_gets_the_first_response(api):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = infer(api, b"x,y\n1,0\n2,1\n", headers=headers)
    again = infer(api, b"x,y\n1,0\n2,1\n", headers=headers)
    assert again.content == first.content and again.headers["Idempotency-Replayed"] == "true"
    problem(infer(api, b"x,y\n1,0\n3,1\n", headers=headers, expect=422), "idempotency-key-reused")


def test_other_media_types(api):
    problem(infer(api, b"{}", "application/json", expect=415), "unsupported-media-type")
