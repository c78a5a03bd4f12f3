"""Labels as CSV, NDJSON and gzip: import, export and round trip."""

import csv
import gzip
import io
import json

import pytest

from contract import data
from contract.client import problem

NAMES = [feature["name"] for feature in data.FEATURES]


def as_csv(rows, end="\r\n", delimiter=",", extra=None) -> bytes:
    extra = extra or {}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end, delimiter=delimiter)
    writer.writerow([*NAMES, "income", *extra])
    for index, row in enumerate(rows):
        values = [row["features"].get(name) for name in NAMES]
        writer.writerow(["" if value is None else value for value in values] + [">50K" if row["label"] else "<=50K"]
                        + [column[index] for column in extra.values()])
    return out.getvalue().encode()


def as_ndjson(rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def post(api, dataset, body, media_type, **arguments):
    return api.call("addLabels", dataset=dataset, data=body, media_type=media_type, **arguments)


def contents(api, dataset):
    return [(label["features"], label["label"]) for label in api.pages("listLabels", dataset=dataset)]


def expected(rows):
    return [({name: row["features"].get(name) for name in NAMES}, row["label"]) for row in rows]


@pytest.mark.parametrize("media_type", ["text/csv", "text/csv; charset=utf-8", "application/x-ndjson"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_streams_store_the_same_rows_as_json(api, dataset, media_type, compressed):
    rows = data.rows(300)
    body = as_csv(rows) if media_type.startswith("text/csv") else as_ndjson(rows)
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    answer = post(api, dataset, gzip.compress(body) if compressed else body, media_type, headers=headers, expect=201)
    assert (answer.json()["inserted"], answer.json()["labels_stored"]) == (300, 300)
    assert contents(api, dataset) == expected(rows)


def test_json_may_be_compressed_too(api, dataset):
    body = gzip.compress(json.dumps({"labels": data.rows(5)}).encode())
    post(api, dataset, body, "application/json", headers={"Content-Encoding": "gzip"}, expect=201)


@pytest.mark.parametrize(
    "form", ["lf", "bom", "no last end of line", "semicolons", "tabs", "tab by name", "other order"])
def test_csv_variants(api, dataset, form):
    rows, query = data.rows(30), {}
    body = as_csv(rows)
    if form == "lf":
        body = as_csv(rows, end="\n")
    elif form == "bom":
        body = b"\xef\xbb\xbf" + body
    elif form == "no last end of line":
        body = body.removesuffix(b"\r\n")
    elif form == "semicolons":
        body, query = as_csv(rows, delimiter=";"), {"delimiter": ";"}
    elif form in ("tabs", "tab by name"):
        body, query = as_csv(rows, delimiter="\t"), {"delimiter": "tab" if form == "tab by name" else "\\t"}
    else:
        table = [list(reversed(line)) for line in csv.reader(io.StringIO(body.decode()))]
        out = io.StringIO()
        csv.writer(out).writerows(table)
        body = out.getvalue().encode()
    post(api, dataset, body, "text/csv", query=query, expect=201)
    assert contents(api, dataset) == expected(rows)


def test_csv_with_keys_and_ignored_columns(api, dataset):
    rows = data.rows(10)
    extra = {"person": [f"p{index}" for index in range(10)], "note": ["n, \"q\""] * 10,
             "split": ["train", "test"] * 5}
    body = as_csv(rows, extra=extra)
    query = {"key_column": "person", "ignore": "note,split", "keep": "split=train"}
    first = post(api, dataset, body, "text/csv", query=query, expect=201).json()
    assert (first["inserted"], first["updated"], first["labels_stored"]) == (5, 0, 5)
    assert contents(api, dataset) == expected(rows[::2])
    again = post(api, dataset, body, "text/csv", query=query, expect=201).json()
    assert (again["inserted"], again["updated"], again["labels_stored"]) == (0, 5, 5)
    assert [label["key"] for label in api.pages("listLabels", dataset=dataset)] == ["p0", "p2", "p4", "p6", "p8"]


@pytest.mark.parametrize("export,media_type", [
    ("exportLabelsCsv", "text/csv"), ("exportLabelsNdjson", "application/x-ndjson")])
def test_an_export_can_be_posted_back(api, dataset, export, media_type):
    rows = data.rows(50)
    rows[0]["features"]["workclass"] = "a \"quoted\", line\nbreak"
    data.add(api, dataset, rows)
    answer = api.call(export, dataset=dataset, expect=200)
    copy = data.create(api, dataset + "-copy")
    assert post(api, copy, answer.content, media_type, expect=201).json()["inserted"] == 50
    assert contents(api, copy) == expected(rows)
    again = api.call(export, dataset=copy, expect=200)
    assert again.content == answer.content


def test_csv_export_names_its_columns(api, dataset):
    text = api.call("exportLabelsCsv", dataset=dataset, expect=200).text
    assert next(csv.reader(io.StringIO(text))) == [*NAMES, "income"]


def test_exports_are_filtered_and_have_no_pages(api, dataset):
    data.add(api, dataset, [row | {"key": f"k{index}"} for index, row in enumerate(data.rows(3))])
    [line] = api.call("exportLabelsNdjson", dataset=dataset, query={"key": "k1"}, expect=200).text.splitlines()
    assert json.loads(line)["key"] == "k1"
    answer = api.call("exportLabelsNdjson", dataset=dataset, query={"limit": 5}, expect=400)
    problem(answer, "invalid-parameter")


def test_other_media_types_are_not_acceptable(api, dataset):
    for operation in ("listLabels", "listKpis"):
        answer = api.call(operation, dataset=dataset, headers={"Accept": "image/png"}, expect=406)
        problem(answer, "not-acceptable")
    preferred = {"Accept": "text/csv;q=0.5, application/json, image/png"}
    answer = api.call("listLabels", dataset=dataset, headers=preferred, expect=200)
    assert answer.headers["Content-Type"].startswith("application/json")


def test_a_stream_is_all_or_nothing(api, dataset):
    rows = data.rows(30_000)
    rows[29_990]["features"]["age"] = "old"
    for body, media_type in ((as_ndjson(rows), "application/x-ndjson"), (as_csv(rows), "text/csv")):
        answer = post(api, dataset, body, media_type, expect=422)
        assert [error["line"] for error in problem(answer, "schema-mismatch")["errors"]] == [
            29_991 + (media_type == "text/csv")]
        described = api.call("getDataset", dataset=dataset).json()
        assert (described["labels_stored"], described["positives"]) == (0, 0)
    assert contents(api, dataset) == []


def zstd(content: bytes) -> bytes:
    """A Zstandard stream (RFC 8878) of raw blocks, one per frame, with a window of 128 KiB."""
    frames = b""
    for start in range(0, len(content), 100_000):
        piece = content[start:start + 100_000]
        frames += b"\x28\xb5\x2f\xfd\x00\x38" + (len(piece) << 3 | 1).to_bytes(3, "little") + piece
    return frames


@pytest.mark.parametrize("media_type", ["text/csv", "application/x-ndjson", "application/json"])
def test_zstd(api, dataset, media_type):
    rows = data.rows(3_000)
    body = {"text/csv": as_csv, "application/x-ndjson": as_ndjson}.get(
        media_type, lambda rows: json.dumps({"labels": rows}).encode())(rows)
    answer = post(api, dataset, zstd(body), media_type, headers={"Content-Encoding": "zstd"}, expect=201)
    assert answer.json()["inserted"] == 3_000
    assert contents(api, dataset) == expected(rows)
    for broken in (zstd(body)[:-1], zstd(body) + b"more", b"", body):
        refused = post(api, dataset, broken, media_type, headers={"Content-Encoding": "zstd"}, expect=400)
        problem(refused, "malformed-body")


def test_other_codings_are_refused_with_a_list(api, dataset):
    answer = post(api, dataset, as_csv(data.rows(1)), "text/csv", headers={"Content-Encoding": "br"}, expect=415)
    problem(answer, "unsupported-media-type")
    assert answer.headers["Accept-Encoding"] == "gzip, zstd"


@pytest.mark.parametrize("media_type", ["text/csv", "application/x-ndjson", "application/json"])
def test_invalid_rows_can_be_skipped(api, dataset, media_type):
    rows = data.rows(400)
    bad = range(3, 400, 7)
    for index in bad:
        rows[index]["features"]["education_num"] = "many" if index % 2 else 1.5
    good = [row for index, row in enumerate(rows) if index not in bad]
    body = {"text/csv": as_csv, "application/x-ndjson": as_ndjson}.get(
        media_type, lambda rows: json.dumps({"labels": rows}).encode())(rows)
    for expect, query in ((422, {}), (422, {"on_error": "fail"}), (201, {"on_error": "skip"})):
        answer = post(api, dataset, body, media_type, query=query, expect=expect).json()
    assert (answer["inserted"], answer["updated"], answer["skipped"]) == (len(good), 0, len(bad))
    assert (answer["labels_stored"], answer["errors_total"]) == (len(good), len(bad))
    first = {"text/csv": 2, "application/x-ndjson": 1}.get(media_type)
    if first is None:
        places = [f"/labels/{index}/features/education_num" for index in bad]
        assert [error["pointer"] for error in answer["errors"]] == places
    else:
        assert [error["line"] for error in answer["errors"]] == [index + first for index in bad]
    assert contents(api, dataset) == expected(good)


def test_the_first_hundred_skipped_rows(api, dataset):
    rows = [{"features": {"age": "old"}, "label": 1}] * 250
    query = {"on_error": "skip"}
    answer = post(api, dataset, as_ndjson(rows), "application/x-ndjson", query=query, expect=201).json()
    assert (answer["inserted"], answer["skipped"], answer["errors_total"]) == (0, 250, 250)
    assert [error["line"] for error in answer["errors"]] == list(range(1, 101))


def test_csv_exports_have_keys(api, dataset):
    rows = [row | {"key": f"k,{9 - index}"} if index % 3 else row for index, row in enumerate(data.rows(10))]
    data.add(api, dataset, rows[5:])
    data.add(api, dataset, rows[:5])
    exported = api.call("exportLabelsCsv", dataset=dataset, expect=200).content
    assert next(csv.reader(io.StringIO(exported.decode()))) == [*NAMES, "income", "key"]
    copy = data.create(api, dataset + "-copy")
    post(api, copy, exported, "text/csv", expect=201)
    again = post(api, copy, exported, "text/csv", expect=201).json()
    assert (again["inserted"], again["updated"]) == (4, 6)
    keys = [[label["key"] for label in api.pages("listLabels", dataset=name)] for name in (dataset, copy)]
    assert keys[1][:10] == keys[0]


def test_a_column_without_a_name_is_ignored_by_an_empty_name(api, dataset):
    rows = data.rows(6)
    lines = as_csv(rows, end="\n", delimiter=";", extra={"set": ["TRAIN", "TEST"] * 3}).decode().splitlines()
    body = "".join(f"{'' if index == 0 else index - 1};{line}\n" for index, line in enumerate(lines)).encode()
    query = {"delimiter": ";", "ignore": "", "keep": "set=TRAIN"}
    assert post(api, dataset, body, "text/csv", query=query, expect=201).json()["inserted"] == 3
    assert contents(api, dataset) == expected(rows[::2])
