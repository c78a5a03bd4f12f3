"""Invalid rows are refused with a pointer or line, and nothing is stored."""

import gzip
import json
import zlib

import pytest

from contract import data
from contract.client import pointers, problem

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
HEADER = "age,workclass,education_num,sex,capital/gain ~net,income"
GOOD = "39,Private,13,Male,0,>50K"
# An invalid value of a feature, as JSON text.
BAD_VALUES = [
    ("age", "1e400"), ("age", "-1e400"), ("age", "1.1e150"), ("age", "-1.1e150"), ("age", '"39"'), ("age", "true"), ("age", "[]"), ("age", "{}"),
    ("age", '"NaN"'), ("education_num", "3.5"), ("education_num", "1e17"), ("education_num", "9007199254740993"),
    ("education_num", '"3"'), ("education_num", "false"), ("workclass", "1.5"), ("workclass", '""'),
    ("workclass", "[]"), ("workclass", '"a\\u0000b"'), ("workclass", json.dumps("x" * 1001)),
    ("workclass", json.dumps("é" * 501)), ("sex", '"male"'), ("sex", '"Unknown"'), ("sex", "1"),
    ("capital/gain ~net", '"a lot"'), ("height", "180"), ("", "1"), ("AGE", "39"), ("label", "1"),
]


@pytest.fixture(autouse=True)
def nothing_is_stored(api, request):
    name = request.getfixturevalue("dataset") if "dataset" in request.fixturenames else None
    yield
    if name:
        described = api.call("getDataset", dataset=name, expect=200).json()
        assert (described["labels_stored"], described["positives"], described["negatives"]) == (0, 0, 0)
        assert api.pages("listLabels", dataset=name) == []


def post(api, dataset, body, media_type=JSON, expect=422, **arguments):
    body = body.encode() if isinstance(body, str) else body
    return api.call("addLabels", dataset=dataset, data=body, media_type=media_type, expect=expect, **arguments)


def escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


@pytest.mark.parametrize("name,value", BAD_VALUES, ids=[f"{name}={value[:20]}" for name, value in BAD_VALUES])
def test_invalid_values(api, dataset, trained, name, value):
    bad = '{"features": {%s: %s}, "label": 1}' % (json.dumps(name), value)
    good = '{"features": {"age": 39}, "label": 0}'
    answer = post(api, dataset, '{"labels": [%s, %s]}' % (good, bad))
    problem(answer, "schema-mismatch")
    assert pointers(answer) == [f"/labels/1/features/{escaped(name)}"]
    answer = post(api, dataset, f"{good}\n\n{bad}\n", NDJSON)
    assert [error["line"] for error in problem(answer, "schema-mismatch")["errors"]] == [3]
    body = '{"features": {%s: %s}}' % (json.dumps(name), value)
    answer = api.call("predict", dataset=trained, data=body.encode(), media_type=JSON, expect=422)
    assert pointers(answer) == [f"/features/{escaped(name)}"]
    body = '{"predictions": [{"features": {}}, %s]}' % body
    answer = api.call("predictBatch", dataset=trained, data=body.encode(), media_type=JSON, expect=422)
    assert pointers(answer) == [f"/predictions/1/features/{escaped(name)}"]


@pytest.mark.parametrize("label", ["2", "-1", "0.5", '">50K."', '" >50K"', '">50k"', '"N/A"', "null", "[]", "1e400", '""'])
def test_labels_other_than_0_and_1(api, dataset, label):
    answer = post(api, dataset, '{"labels": [{"features": {}, "label": %s}]}' % label)
    assert pointers(answer) == ["/labels/0/label"]
    answer = post(api, dataset, '{"features": {}, "label": %s}\n' % label, NDJSON)
    assert answer.json()["errors"][0]["line"] == 1


def test_text_labels_need_words(api):
    name = data.create(api, "no-words", label={"name": "y"})
    answer = post(api, name, '{"labels": [{"features": {}, "label": "yes"}]}')
    assert pointers(answer) == ["/labels/0/label"]
    answer = post(api, name, "age,y\n39,yes\n", CSV)
    assert answer.json()["errors"][0]["line"] == 2
    api.call("deleteDataset", dataset=name, expect=204)


@pytest.mark.parametrize("body,pointer", [
    ('{"labels": []}', "/labels"), ("{}", "/labels"), ('{"labels": {}}', "/labels"), ('{"labels": null}', "/labels"),
    ('{"labels": [null]}', "/labels/0"), ('{"labels": [[]]}', "/labels/0"),
    ('{"labels": [{"label": 1}]}', "/labels/0/features"),
    ('{"labels": [{"features": {}}]}', "/labels/0/label"),
    ('{"labels": [{"features": [], "label": 1}]}', "/labels/0/features"),
    ('{"labels": [{"features": {}, "label": 1, "size": 2}]}', "/labels/0/size"),
    ('{"labels": [{"features": {}, "label": 1}], "rows": []}', "/rows"),
    ('{"labels": [{"features": {}, "label": 1, "key": 7}]}', "/labels/0/key"),
    ('{"labels": [{"features": {}, "label": 1, "key": ""}]}', "/labels/0/key"),
    ('{"labels": [{"features": {}, "label": 1, "key": "%s"}]}' % ("k" * 201), "/labels/0/key"),
    ('{"labels": [{"features": {}, "label": 1, "key": "a"}, {"features": {}, "label": 0, "key": "a"}]}',
     "/labels/1/key"),
    ('{"labels": [{"features": {"age": 1, "age": 2}, "label": 1}]}', "/labels/0/features/age"),
    ('{"labels": [{"features": {}, "label": 1, "label": 0}]}', "/labels/0/label"),
])
def test_invalid_batches(api, dataset, body, pointer):
    reported = pointers(post(api, dataset, body))
    parent = pointer.rsplit("/", 1)[0]
    assert reported and set(reported) <= {pointer, parent}, "what is missing may be pointed to by its object"


def test_the_first_hundred_errors_and_the_total(api, dataset):
    rows = [{"features": {"age": "old"}, "label": 1}] * 250
    body = problem(post(api, dataset, json.dumps({"labels": rows})), "schema-mismatch")
    assert body["errors_total"] == 250
    assert [error["pointer"] for error in body["errors"]] == [f"/labels/{i}/features/age" for i in range(100)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    body = problem(post(api, dataset, lines, NDJSON), "schema-mismatch")
    assert (len(body["errors"]), body["errors"][99]["line"]) == (100, 100)


@pytest.mark.parametrize("lines,line,column", [
    ([HEADER, GOOD, "old,Private,13,Male,0,>50K"], 3, "age"),
    ([HEADER, GOOD, "NaN,Private,13,Male,0,>50K"], 3, "age"),
    ([HEADER, GOOD, "inf,Private,13,Male,0,>50K"], 3, "age"),
    ([HEADER, GOOD, "0x10,Private,13,Male,0,>50K"], 3, "age"),
    ([HEADER, GOOD, "1e400,Private,13,Male,0,>50K"], 3, "age"),
    ([HEADER, GOOD, "-1.1e150,Private,13,Male,0,>50K"], 3, "age"),
    ([HEADER, GOOD, "39,Private,13.5,Male,0,>50K"], 3, "education_num"),
    ([HEADER, GOOD, "39,Private,13,Unknown,0,>50K"], 3, "sex"),
    ([HEADER, GOOD, "39,Private,13,Male,0,"], 3, "income"),
    ([HEADER, '39,"two\nlines",13,Male,0,>50K', "39,Private,13,male,0,>50K"], 4, "sex"),
], ids=str)
def test_invalid_csv_fields(api, dataset, lines, line, column):
    [error] = problem(post(api, dataset, "\n".join(lines) + "\n", CSV), "schema-mismatch")["errors"]
    assert (error["line"], error["column"]) == (line, column)


@pytest.mark.parametrize("body", [
    "", "\n", HEADER, HEADER + "\n", HEADER.replace(",income", "") + "\n39,Private,13,Male,0\n",
    HEADER.replace("sex", "gender") + "\n" + GOOD + "\n", HEADER.replace("sex", "age") + "\n" + GOOD + "\n",
    HEADER + ",\n" + GOOD + ",\n", f"{HEADER}\n{GOOD},7\n", f"{HEADER}\n39,Private\n", f'{HEADER}\n"39,Private\n',
    f'{HEADER}\n"39"x,Private,13,Male,0,1\n', b"\xff\xfe" + HEADER.encode("utf-16-le"),
    HEADER.encode() + b"\n39,\xff\xfe,13,Male,0,1\n", HEADER.encode() + b"\n39,a\x00b,13,Male,0,1\n",
    f"{HEADER}\n{GOOD}\n".replace("\n", "\r"), GOOD + "\n" + GOOD + "\n",
], ids=str)
def test_malformed_csv(api, dataset, body):
    answer = post(api, dataset, body, CSV, expect=(400, 422))
    assert answer.json()["type"] in ("/problems/malformed-body", "/problems/schema-mismatch"), answer.text


@pytest.mark.parametrize("lines_after", [3, 100_000], ids=["small", "large"])
def test_an_unclosed_quote_is_reported_by_its_line(api, dataset, trained, lines_after):
    """However many lines follow, the error names the line of the quote."""
    before = f'{HEADER}\n{GOOD}\n39,"two\nlines",13,Male,0,>50K\n'
    for bad in (f'39,"Private,13,Male,0,>50K\n{GOOD}\n', f'39,"two\nlines","13,Male,0,>50K\n{GOOD}\n'):
        line = 5 + bad.split('"13')[0].count("\n") * ('"13' in bad)
        for query in ({}, {"on_error": "skip"}):
            answer = post(api, dataset, before + bad + f"{GOOD}\n" * lines_after, CSV, query=query, expect=400)
            told = problem(answer, "malformed-body")
            kind = "unclosed-string" if lines_after < 10 else "open-quote"
            assert [(error["line"], error["detail"]) for error in told["errors"]] == [(line, kind)], told
    header = HEADER.removesuffix(",income")
    body = f'{header}\n39,Private,13,Male,0\n39,"Private,13,Male,0\n' + "39,Private,13,Male,0\n" * lines_after
    answer = api.call("predictBatch", dataset=trained, data=body.encode(), media_type=CSV, query={"store": "false"})
    assert "line 3" in answer.text and "too-large" not in answer.text, answer.text[-500:]


def test_a_long_line_is_too_large(api, dataset):
    problem(post(api, dataset, f'{HEADER}\n{GOOD}\n39,"{"x" * 3_000_000}', CSV, expect=413), "body-too-large")


@pytest.mark.parametrize("query,parameter", [
    ({"ignore": "income"}, "ignore"), ({"ignore": "sex,income"}, "ignore"), ({"key_column": "income"}, "key_column"),
    ({"key_column": "workclass", "ignore": "workclass"}, "ignore"),
], ids=str)
def test_the_columns_of_label_and_keys_are_not_ignored(api, dataset, trained, query, parameter):
    answer = post(api, dataset, f"{HEADER}\n{GOOD}\n", CSV, query=query, expect=400)
    assert [error["parameter"] for error in problem(answer, "invalid-parameter")["errors"]] == [parameter]


def test_predictions_ignore_the_column_of_the_label(api, trained):
    answer = api.call("predictBatch", dataset=trained, data=f"{HEADER}\n{GOOD}\n".encode(), media_type=CSV,
                      query={"ignore": "income", "store": "false"}, expect=200)
    assert len(answer.text.splitlines()) == 2 and answer.text.splitlines()[1].split(",")[0] in "01"


@pytest.mark.parametrize("query", [
    {"delimiter": ""}, {"delimiter": "ab"}, {"delimiter": "\""}, {"delimiter": "\n"}, {"key_column": "absent"},
    {"key_column": ""}, {"keep": "absent=1"}, {"keep": "nonsense"}, {"keep": "=1"},
    {"delimeter": ";"},
], ids=str)
def test_invalid_csv_options(api, dataset, query):
    post(api, dataset, f"{HEADER}\n{GOOD}\n", CSV, query=query, expect=(400, 422))


def test_csv_options_are_refused_for_json(api, dataset):
    answer = post(api, dataset, '{"labels": [{"features": {}, "label": 1}]}', query={"delimiter": ";"}, expect=400)
    problem(answer, "invalid-parameter")


def test_duplicate_keys_in_csv(api, dataset):
    body = f"person,{HEADER}\na,{GOOD}\nb,{GOOD}\na,{GOOD}\n"
    answer = post(api, dataset, body, CSV, query={"key_column": "person"})
    assert [error["line"] for error in answer.json()["errors"]] == [4]


@pytest.mark.parametrize("body", ["", "\n\n", "[]\n", "{}\n", '{"features":{},"label":1}{"features":{},"label":1}\n',
                                  '{"features":{},"label":1\n', "null\n", "[" * 2_000_000, '{"features":' * 50_000])
def test_malformed_ndjson(api, dataset, body):
    good = '{"features":{},"label":1}\n'
    answer = post(api, dataset, (good + body) if body.strip() else body, NDJSON, expect=(400, 413, 422))
    if body.strip():
        assert answer.json()["errors"][0]["line"] == 2, answer.text


def test_malformed_gzip(api, dataset):
    whole = gzip.compress(json.dumps({"labels": data.rows(200)}).encode())
    broken = {
        "truncated": whole[:-20], "header only": whole[:10], "half a header": whole[:5], "no gzip": b'{"labels": []}',
        "empty": b"", "wrong checksum": whole[:-8] + b"\0\0\0\0" + whole[-4:], "trailing bytes": whole + b"nonsense",
        "wrong bytes": whole[:200] + bytes(50) + whole[250:], "zlib, not gzip": zlib.compress(b"{}"),
    }
    for name, body in broken.items():
        for media_type in (JSON, NDJSON, CSV):
            answer = post(api, dataset, body, media_type, headers={"Content-Encoding": "gzip"}, expect=(400, 422))
            assert answer.json()["type"] != "/problems/internal", name


def test_a_gzip_bomb_is_too_large(api, dataset):
    bomb = gzip.compress(b" " * (65 << 20))
    answer = post(api, dataset, bomb, headers={"Content-Encoding": "gzip"}, expect=413, timeout=120)
    problem(answer, "body-too-large")
