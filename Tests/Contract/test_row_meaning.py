"""A row means the same on every path and in every format, or it is refused with its place."""

import json
import unicodedata

import pandas
import pytest

from contract import data
from contract.client import problem

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
WORDS = {"name": "income", "positive": ">50K", "negative": "<=50K"}
NFD, NFC = unicodedata.normalize("NFD", "sí"), unicodedata.normalize("NFC", "sí")
SI = {"name": "income", "positive": NFD, "negative": "no"}
INVERTED = {"name": "income", "positive": "0", "negative": "1"}
PLAIN = {"name": "income"}
# The declared outcome, a text, and what it means; None is an error.
TEXTS = [
    *[(WORDS, text, meaning) for text, meaning in [
        (">50K", 1), ("<=50K", 0), ("1", 1), ("0", 0), ("true", 1), ("false", 0), (">50K.", None), (" >50K", None),
        (">50k", None), ("N/A", None), ("?", None), ("2", None), ("yes", None)]],
    *[(SI, text, meaning) for text, meaning in [(NFC, 1), (NFD, 1), ("no", 0), ("si", None), ("1", 1)]],
    *[(INVERTED, text, meaning) for text, meaning in [("0", 1), ("1", 0), ("true", 1), ("2", None)]],
    *[(PLAIN, text, meaning) for text, meaning in [("0", 0), ("1", 1), ("true", 1), ("false", 0), ("yes", None)]],
]


class Paths:
    """Every path on which a text can say the outcome of a row; each returns the outcome that is stored, or None."""

    def __init__(self, api, name):
        self.api, self.name = api, name

    def forms(self, text):
        """The text as a JSON string and, where it has one, as another JSON value."""
        yield json.dumps(text)
        if text in ("0", "1", "2", "true", "false"):
            yield text

    def stored(self, answer, said):
        if answer.status_code == 422:
            error = problem(answer, "schema-mismatch")["errors"][0]
            assert "label" in error["detail"] and said in (error.get("pointer") or error.get("column"))
            words = self.api.call("getDataset", dataset=self.name).json()["label"]
            if words["positive"] and "missing" not in error["detail"]:
                assert words["positive"] in error["detail"] and words["negative"] in error["detail"]
            return None
        assert answer.status_code in (200, 201), answer.text

    def labels(self, body, media_type, said):
        answer = self.api.call("addLabels", dataset=self.name, data=body.encode(), media_type=media_type)
        self.stored(answer, said)
        stored = [label["label"] for label in self.api.pages("listLabels", dataset=self.name)]
        self.api.call("deleteLabels", dataset=self.name, query={"all": "true"}, expect=200)
        return stored[0] if stored else None

    def feedback(self, body, media_type, said):
        answer = self.api.call("labelPredictions", dataset=self.name, data=body.encode(), media_type=media_type)
        self.stored(answer, said)
        return self.outcome()

    def outcome(self):
        outcome = self.api.call("getPrediction", dataset=self.name, id=self.prediction).json()["true_label"]
        self.api.call("unlabelPrediction", dataset=self.name, id=self.prediction, expect=204)
        return outcome

    def all(self, text):
        for form in self.forms(text):
            row = '{"features":{"x":1},"label":%s}' % form
            yield f"JSON {form}", self.labels('{"labels":[%s]}' % row, JSON, "/label")
            yield f"NDJSON {form}", self.labels(row + "\n", NDJSON, "/label")
            entry = '{"id":"%s","label":%s}' % (self.prediction, form)
            yield f"feedback JSON {form}", self.feedback('{"labels":[%s]}' % entry, JSON, "/label")
            yield f"feedback NDJSON {form}", self.feedback(entry + "\n", NDJSON, "/label")
            self.stored(self.api.call("labelPrediction", dataset=self.name, id=self.prediction,
                                      data=b'{"label":%s}' % form.encode(), media_type=JSON), "/label")
            yield f"PUT {form}", self.outcome()
            label = self.add_one()
            answer = self.api.call("updateLabel", dataset=self.name, id=label["id"],
                                   data=b'{"label":%s}' % form.encode(), media_type="application/merge-patch+json")
            self.stored(answer, "/label")
            yield f"PATCH {form}", answer.json()["label"] if answer.status_code == 200 else None
            self.api.call("deleteLabels", dataset=self.name, query={"all": "true"}, expect=200)
        yield "CSV", self.labels(f"x,income\n1,{text}\n", CSV, "income")
        yield "feedback CSV", self.feedback(f"id,label\n{self.prediction},{text}\n", CSV, "label")

    def add_one(self):
        word = self.api.call("getDataset", dataset=self.name).json()["label"]["positive"] or 1
        data.add(self.api, self.name, [{"features": {"x": 1}, "label": word}])
        [label] = self.api.pages("listLabels", dataset=self.name)
        return label


def trained_with(api, name, label):
    """A dataset with a model, one stored prediction, and no labels."""
    features = [{"name": "x", "type": "continuous"}]
    data.create(api, name, features=features, label=label)
    words = {0: label.get("negative", 0), 1: label.get("positive", 1)}
    rows = [{"features": {"x": x}, "label": words[x % 2]} for x in range(40)]
    data.add(api, name, rows)
    api.call("createTrainingJob", dataset=name, json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    api.call("deleteLabels", dataset=name, query={"all": "true"}, expect=200)
    paths = Paths(api, name)
    paths.prediction = api.call("predict", dataset=name, json_body={"features": {"x": 1}}, expect=201).json()["id"]
    return paths


@pytest.mark.parametrize("label", [WORDS, SI, INVERTED, PLAIN], ids=["words", "nfd", "inverted", "plain"])
def test_a_text_means_the_same_outcome_on_every_path(api, label):
    paths = trained_with(api, "meaning", label)
    for declared, text, meaning in TEXTS:
        if declared is label:
            found = dict(paths.all(text))
            assert found == dict.fromkeys(found, meaning), (label, text)
    api.call("deleteDataset", dataset="meaning", expect=204)


def test_an_empty_cell_is_an_error_where_an_outcome_is_due(api):
    paths = trained_with(api, "empty-cell", WORDS)
    assert paths.labels("x,income\n1,\n", CSV, "income") is None
    feedback = f"id,label\n{paths.prediction},"
    body = (feedback + ">50K\n").encode()
    api.call("labelPredictions", dataset="empty-cell", data=body, media_type=CSV, expect=200)
    answer = api.call("labelPredictions", dataset="empty-cell", data=(feedback + "\n").encode(), media_type=CSV, expect=200)
    assert answer.json()["deleted"] == 1
    api.call("deleteDataset", dataset="empty-cell", expect=204)


@pytest.mark.parametrize("label,pointer", [
    ({"positive": "yes"}, "/label/negative"), ({"negative": "no"}, "/label/positive"),
    ({"positive": "yes", "negative": "yes"}, "/label/negative"), ({"positive": NFC, "negative": NFD}, "/label/negative"),
    ({"positive": "True", "negative": "true"}, "/label/negative"), ({"positive": "yes", "negative": ""}, "/label/negative"),
])
def test_a_pair_has_two_different_words(api, label, pointer):
    body = {"name": "pair", "features": [{"name": "x", "type": "continuous"}], "label": label}
    answer = api.call("createDataset", json_body=body, expect=422, checked=False)
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_dataset_with_one_word_is_closed_by_a_patch(api, psql):
    paths = trained_with(api, "one-word", WORDS)
    with psql.session("UPDATE datasets SET label_negative = NULL, revision = revision + 1 WHERE name = 'one-word';"):
        pass
    described = api.call("getDataset", dataset="one-word", expect=200).json()
    assert described["label"] == WORDS | {"negative": None}
    assert [warning["kind"] for warning in described["warnings"]] == ["open_outcome"]
    body = b"x,income\n1,>50K\n2,<=50K\n3,anything\n4,1\n"
    answer = api.call("addLabels", dataset="one-word", data=body, media_type=CSV, expect=201).json()
    assert [warning["kind"] for warning in answer["warnings"]] == ["open_outcome"]
    assert [label["label"] for label in api.pages("listLabels", dataset="one-word")] == [1, 0, 0, 1]
    exported = api.call("listLabels", dataset="one-word", headers={"Accept": CSV}, expect=200).content
    api.call("deleteLabels", dataset="one-word", query={"all": "true"}, expect=200)
    api.call("addLabels", dataset="one-word", data=exported, media_type=CSV, expect=201)
    assert api.call("listLabels", dataset="one-word", headers={"Accept": CSV}, expect=200).content == exported
    answer = api.call("labelPredictions", dataset="one-word",
                      json_body={"labels": [{"id": paths.prediction, "label": "other"}]}, expect=200).json()
    assert answer["warnings"] and answer["inserted"] == 1
    for patch in ({"name": "other"}, {"positive": "yes"}, {"negative": ">50K"}, None):
        api.call("updateDataset", dataset="one-word", json_body={"label": patch}, expect=422, checked=False)
    patch = {"label": {"negative": "<=50K"}}
    described = api.call("updateDataset", dataset="one-word", json_body=patch, expect=200).json()
    assert described["label"] == WORDS and "warnings" not in described
    assert described["labels_stored"] == 5
    assert api.call("updateDataset", dataset="one-word", json_body={"label": WORDS}, expect=200).json()["label"] == WORDS
    api.call("updateDataset", dataset="one-word", json_body={"label": {"negative": "no"}}, expect=422)
    api.call("addLabels", dataset="one-word", data=body, media_type=CSV, expect=422)
    exported = api.call("listLabels", dataset="one-word", headers={"Accept": CSV}, expect=200).content
    assert b"<=50K" in exported
    api.call("addLabels", dataset="one-word", data=exported, media_type=CSV, expect=201)
    api.call("deleteDataset", dataset="one-word", expect=204)


@pytest.mark.parametrize("media_type", [CSV, JSON, NDJSON])
def test_bodies_are_utf_8(api, dataset, media_type):
    good = {CSV: b"age,income\n39,>50K\n", JSON: b'{"labels":[{"features":{"age":39},"label":1}]}',
            NDJSON: b'{"features":{"age":39},"label":1}\n'}[media_type]
    text = good.decode()

    def post(body, declared, expect):
        return api.call("addLabels", dataset=dataset, data=body, media_type=declared, expect=expect)

    for charset in ("utf-8", "UTF-8", '"utf-8"', "utf8"):
        post(good, f"{media_type}; charset={charset}", 201)
    for charset in ("iso-8859-1", "utf-16", "windows-1252"):
        assert charset in problem(post(good, f"{media_type}; charset={charset}", 415), "unsupported-media-type")["detail"]
    post(b"\xef\xbb\xbf" + good, media_type, 201)
    for encoding in ("utf-16", "utf-16-be"):
        mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
        assert "UTF-16" in post(mark + text.encode(encoding), media_type, 400).json()["detail"]


@pytest.mark.parametrize("body,line,column", [
    (b"age,workclass,income\n39,Priv\xedte,>50K\n", 2, "workclass"), (b"age,income\n39,s\xed\n", 2, "income"),
    (b"age,note,income\n39,s\xed,>50K\n", 2, None), (b"age,key,income\n1,a,>50K\n39,s\xed,>50K\n", 3, "key"),
])
def test_bytes_that_are_not_utf_8_have_a_place(api, dataset, body, line, column):
    answer = api.call("addLabels", dataset=dataset, data=body, media_type=CSV, query={"ignore": "note"}, expect=422)
    [error] = answer.json()["errors"]
    assert (error["line"], error.get("column")) == (line, column) and "UTF-8" in error["detail"]
    api.call("addLabels", dataset=dataset, data=b"age,n\xedte,income\n1,2,>50K\n", media_type=CSV, expect=400)
    trained = data.train(api, data.create(api, "bytes"))
    made = api.call("predict", dataset=trained, json_body={"features": {}}, expect=201).json()["id"].encode()
    answer = api.call("labelPredictions", dataset=trained, data=b"id,label\n%s,s\xed\n" % made, media_type=CSV, expect=422)
    assert [(error["line"], error["column"]) for error in answer.json()["errors"]] == [(2, "label")]
    answer = api.call("predictBatch", dataset=trained, data=b"workclass\nPriv\xedte\n", media_type=CSV, expect=201)
    assert "UTF-8" in answer.text
    api.call("deleteDataset", dataset=trained, expect=204)


def frame(rows=400) -> pandas.DataFrame:
    """A column of each type that pandas writes to CSV and JSON."""
    index = pandas.RangeIndex(rows)
    gaps = pandas.Series(index % 4 + 1, index=index)
    return pandas.DataFrame({
        "integer": index % 5,
        "integer_with_gaps": gaps.where(index % 7 > 0).astype("float64"),
        "nullable_integer": gaps.where(index % 7 > 0).astype("Int64"),
        "real": (index * 37 % 101) / 8,
        "boolean": index % 2 == 0,
        "nullable_boolean": pandas.Series(index % 3 == 0, index=index).where(index % 7 > 0).astype("boolean"),
        "text": pandas.Series([["01220", "1.10", "1e5", "12345678901234567890123456"][i % 4] for i in index], index=index),
        "string": pandas.Series([["é", "e\u0301", "naïve", None][i % 4] for i in index], index=index, dtype="string"),
        "category": pandas.Categorical([["low", "mid", "high"][i % 3] for i in index]),
        "outcome": (index % 5 + index % 2) > 2,
    })


def test_a_data_frame_means_the_same_as_csv_and_as_json(api):
    table = frame()
    kinds = {"real": "continuous"}
    features = [{"name": name, "type": kinds.get(name, "categorical")} for name in table.columns[:-1]]
    data.create(api, "frame", features=features, label={"name": "outcome"})
    body = table.to_csv(index=False).encode()
    assert api.call("addLabels", dataset="frame", data=body, media_type=CSV, expect=201).json()["inserted"] == len(table)
    api.call("createTrainingJob", dataset="frame", json_body={}, headers={"Prefer": "wait=60"}, expect=200)
    records = json.loads(table.drop(columns="outcome").to_json(orient="records"))
    answers = api.call("predictBatch", dataset="frame", json_body={"predictions": [{"features": each} for each in records]},
                       expect=201).json()["predictions"]
    assert [answer["warnings"] for answer in answers] == [[]] * len(table)
    stored = api.pages("listLabels", dataset="frame")
    # The same rows as JSON are the same labels.
    data.create(api, "frame-json", features=features, label={"name": "outcome"})
    outcomes = json.loads(table[["outcome"]].to_json(orient="records"))
    data.add(api, "frame-json", [{"features": each, "label": outcome["outcome"]}
                                 for each, outcome in zip(records, outcomes)])
    again = api.pages("listLabels", dataset="frame-json")
    assert [(each["features"], each["label"]) for each in again] == [(each["features"], each["label"]) for each in stored]
    for name in ("frame", "frame-json"):
        api.call("deleteDataset", dataset=name, expect=204)


def test_an_export_read_back_is_the_same_export(api):
    features = [{"name": "code", "type": "categorical"}, {"name": "listed", "type": "categorical", "categories": ["3.0", "True"]}]
    rows = [{"features": {"code": code, "listed": listed}, "label": outcome, "key": key} for code, listed, outcome, key in [
        ("3.0", "3.0", 1, "k3.0"), ("True", "True", 0, NFD), ("01220", None, 1, "True"), (NFD, None, 0, "a"), (3, None, 1, "b")]]
    for media_type in (CSV, NDJSON):
        exports = []
        for name in ("export-one", "export-two"):
            data.create(api, name, features=features, label={"name": "y", "positive": "1.0", "negative": "0.0"})
            if exports:
                api.call("addLabels", dataset=name, data=exports[0], media_type=media_type, expect=201)
            else:
                data.add(api, name, [row | {"label": ["0.0", "1.0"][row["label"]]} for row in rows])
            exports.append(api.call("listLabels", dataset=name, headers={"Accept": media_type}, expect=200).content)
        assert exports[0] == exports[1]
        for name in ("export-one", "export-two"):
            api.call("deleteDataset", dataset=name, expect=204)


def test_keys_are_compared_in_one_normalization_form(api, dataset):
    data.add(api, dataset, [{"features": {"age": 1}, "label": 1, "key": NFD}])
    assert data.add(api, dataset, [{"features": {"age": 2}, "label": 1, "key": NFC}])["updated"] == 1
    for key in (NFC, NFD):
        [label] = api.pages("listLabels", dataset=dataset, query={"key": key})
        assert label["features"]["age"] == 2
    body = {"labels": [{"features": {}, "label": 1, "key": NFC}, {"features": {}, "label": 1, "key": NFD}]}
    assert api.call("addLabels", dataset=dataset, json_body=body, expect=422).json()["errors"][0]["pointer"] == "/labels/1/key"
    assert api.call("deleteLabels", dataset=dataset, query={"key": NFD}, expect=200).json() == {"deleted": 1}
