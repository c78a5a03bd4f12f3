"""Exports of models with hostile names: each format gives the server's predictions, or its export is refused by name."""

import random
import re
import unicodedata
import uuid

import pytest
from jpmml_evaluator import make_evaluator

from contract import data
from contract.client import problem

LONG = "n" * 60
NUMBERS = [
    "probability", "label", "outcome", "logit", "source", "score", "xmin", "a\"b", "a\"\u0301b", "'\u0301; DROP TABLE t; --",
    "]]>", "&amp;", "<!--", "back\\slash", "$1", ":'x'", "%s", "\U0001F600", "é", " ", "\u00a0", "x", "X", "x__standardized",
    "\u2028", "\ufeff", LONG + "a", LONG + "b", "m" * 128, "\U0001F600" * 64,
]
CATEGORICAL = ["ctid", "tableoid", "side\"\u0301'", "雪]]>"]
# These are in XML 1.0, too.
CATEGORIES = [
    "'", "\"", "'\u0301", "\"\u0301", "\\", "\\'", "\\\u0301", "''", "E'x'", "$$", "--", "/*", ";", "]]>", "&", "&amp;", "&#1;",
    "<![CDATA[x]]>", "<", ">", " ", "  ", "   x", "x   ", "\u00a0", "\u2003", "\u2028", "\u0085", "\u007f", "\ufeff", "\ufdd0",
    "\t", "\n", "\r", "\r\n", "a\tb", "a\nb", "a b", "NaN", "nan", "NULL", "null", "None", "N/A", "true", "tRUE", "0", "00", "3",
    "-12", "1e5", "é", "Ω", "ff", "\u0301", "\U0001F600", "\U0010FFFF", "ß", "ss", "i", "İ", "x" * 1000, "x" * 999 + "y", LONG + "xya",
    LONG + "xyb", "%s", "{0}", "K",
]
CONTROLS = [chr(code) for code in range(1, 32) if chr(code) not in "\t\n\r"] + ["\ufffe", "\uffff"]
# Other spellings of known categories, and unknown ones that resemble them. PMML has the normalization forms C and D only.
SPELLINGS = ["e\u0301", "True", "TRUE", "0.0", "-0.0", "3.0", "-12.0"]
SINGLETONS = ["\u2126", "\u212a"]
UNKNOWN = ["e", "fi", "\ufb00", "\u0300", "\U0001F601", "x" * 998, LONG + "xy", "I", "ı", "nAn", "\\\\", "    ", "a\n b", "&lt;", "False", "3.00", "03.0", "+3.0",
           "12.0", "-0", ".0", "-.0"]


def new(api, numbers: list[str], categorical: list[str], categories: list[str]) -> tuple[str, list[dict]]:
    """A dataset with a model that has seen all categories, and rows to predict."""
    name = f"hostile-{uuid.uuid4().hex[:8]}"
    features = [{"name": each, "type": "continuous"} for each in numbers]
    features += [{"name": each, "type": "categorical"} for each in categorical]
    api.call("createDataset", expect=201, json_body={"name": name, "features": features, "label": {"name": "truth"},
                                                     "training": {"family": "linear"}})
    drawn = random.Random(11)
    weights = [drawn.gauss(0, 2) for _ in categories]

    def row(chosen: int) -> dict:
        values = {each: round(drawn.gauss(3, 2), 3) for each in numbers if drawn.random() < 0.95}
        return values | {each: categories[(chosen + place) % len(categories)] for place, each in enumerate(categorical)}

    labels = []
    for index in range(12 * len(categories)):
        values = row(index) if index % 17 else {}
        logit = weights[index % len(categories)] + sum(value - 3 for value in values.values() if isinstance(value, float)) / 3
        labels.append({"features": values, "label": int(drawn.random() < data.sigmoid(logit))})
    data.add(api, name, labels)
    job = api.call("createTrainingJob", dataset=name, json_body={}, headers={"Prefer": "wait=60"}, expect=200).json()
    assert job["state"] == "succeeded", job
    return name, [row(index) for index in range(len(categories))] + [{}]


def answers(api, name: str, rows: list[dict]) -> list[dict]:
    body = {"predictions": [{"features": values} for values in rows]}
    return api.call("predictBatch", dataset=name, json_body=body, query={"store": "false"}, expect=200).json()["predictions"]


def export(api, name: str, form: str, expect=200, **more):
    return api.call(f"exportModel{form.capitalize()}", dataset=name, version=1, query=more, expect=expect)


@pytest.fixture(scope="module")
def hostile(api) -> dict:
    name, rows = new(api, NUMBERS, CATEGORICAL, CATEGORIES)
    rows += [rows[0] | {CATEGORICAL[-1]: value} for value in SPELLINGS + UNKNOWN]
    return {"name": name, "rows": rows, "answers": answers(api, name, rows)}


def agree(rows, answered, given):
    for values, answer, (probability, label) in zip(rows, answered, given, strict=True):
        assert abs(probability - answer["probability"]) < 1e-12, values
        assert label == answer["label"], values


def test_the_rows_tell_the_categories_apart(hostile):
    assert len({answer["probability"] for answer in hostile["answers"]}) > 0.8 * len(CATEGORIES)


def read(text: str) -> str:
    """The category of a text, as docs/contract.md describes it."""
    text = unicodedata.normalize("NFC", {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}.get(text, text))
    if re.fullmatch(r"-?(0|[1-9][0-9]*)\.0", text):
        return text[:-2].replace("-0", "0") if text == "-0.0" else text[:-2]
    return text


def by_hand(model: dict, values: dict) -> tuple[float, int]:
    logit = model["standardized_intercept"]
    for feature in model["features"]:
        value = values.get(feature["name"])
        if value is None:
            logit += feature.get("missing", {}).get("standardized", 0)
        elif feature["kind"] == "categorical":
            named = {unicodedata.normalize("NFC", each["name"]): each["coefficient"]["standardized"]
                     for each in feature["categories"]}
            logit += named.get(read(value), 0)
        else:
            logit += feature["coefficient"]["standardized"] * (value - feature["mean"]) / feature["scale"]
    probability = data.sigmoid(logit)
    return probability, int(probability >= model["threshold"])


def test_json(api, hostile):
    rows = hostile["rows"] + [{CATEGORICAL[0]: value} for value in SINGLETONS]
    model = export(api, hostile["name"], "json").json()
    agree(rows, answers(api, hostile["name"], rows), [by_hand(model, values) for values in rows])


def test_pmml(api, hostile, tmp_path):
    path = tmp_path / "model.pmml"
    path.write_bytes(export(api, hostile["name"], "pmml").content)
    evaluator = make_evaluator(str(path)).verify()

    def predict(values):
        answer = evaluator.evaluate({name: values.get(name) for name in NUMBERS + CATEGORICAL})
        return float(answer["probability_"]), int(answer["label_"])

    agree(hostile["rows"], hostile["answers"], [predict(values) for values in hostile["rows"]])
    for far in (1.1e150, -1.1e150, float("inf")):
        with pytest.raises(Exception, match="cannot accept invalid value"):
            predict({"x": far})


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def constant(value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"'{value!r}'"
    return "E'" + "".join(each if each.isascii() and each.isalnum() else f"\\U{ord(each):08X}" for each in value) + "'"


def selected(psql, sql: str, table: str, numbers: list[str], categorical: list[str], rows: list[dict]) -> list:
    """The answers of an exported SELECT. The columns are those of a view, since a table has no column named like xmin."""
    columns = numbers + categorical
    script = ["SET client_min_messages = error;", "CREATE TEMPORARY TABLE stored (place integer, "
              + ", ".join(f"c{place} {'double precision' if name in numbers else 'text'}"
                          for place, name in enumerate(columns)) + ");"]
    script += [f"INSERT INTO stored VALUES ({place}, {', '.join(constant(values.get(name)) for name in columns)});"
               for place, values in enumerate(rows)]
    names = ", ".join(f"c{place} AS {identifier(name)}" for place, name in enumerate(columns))
    script.append(f"CREATE TEMPORARY VIEW {identifier(table)} AS SELECT place, {names} FROM stored;")
    outputs = ("probability_", "label_") if "label" in columns else ("probability", "label")
    script.append(f"SELECT {', '.join(outputs)} FROM ({sql}) AS answers ORDER BY place;")
    lines = psql("\n".join(script)).splitlines()
    return [None if line == "|" else (float(line.split("|")[0]), int(line.split("|")[1])) for line in lines]


def test_sql(api, hostile, psql):
    table = "the \"\u0301'rows\\"
    sql = export(api, hostile["name"], "sql", table=table).content.decode()
    rows = hostile["rows"] + [{CATEGORICAL[0]: value} for value in SINGLETONS]
    expected = answers(api, hostile["name"], rows)
    given = selected(psql, sql, table, NUMBERS, CATEGORICAL, rows)
    agree(rows, expected, given)
    # What the API refuses has no answer, and NaN is how PostgreSQL's tools write a missing number.
    strange = [{"x": far} for far in (1.1e150, -1.1e150, float("inf"), float("-inf"), 1.7e308)]
    assert selected(psql, sql, table, NUMBERS, CATEGORICAL, strange) == [None] * len(strange)
    [nan, missing, far] = selected(psql, sql, table, NUMBERS, CATEGORICAL, [
        dict.fromkeys(NUMBERS, float("nan")), {}, {"x": 1e150}])
    assert nan == missing and far[0] in (0, pytest.approx(1))


def test_sql_does_not_take_a_system_column_for_a_feature(api, psql):
    name, _ = new(api, ["x"], ["tableoid"], ["a", "b"])
    sql = export(api, name, "sql", table="t").content.decode()
    with pytest.raises(AssertionError, match="tableoid does not exist"):
        psql("CREATE TEMPORARY TABLE t (x double precision); INSERT INTO t VALUES (1);" + sql)


def test_control_characters_are_refused_for_pmml_alone(api, psql):
    categories = [*CONTROLS, *("a" + each for each in CONTROLS), *("b\u0301" + each for each in CONTROLS), "a"]
    name, rows = new(api, ["x"], ["c'"], categories)
    refusal = problem(export(api, name, "pmml", expect=409), "not-exportable")
    assert "the feature 'c''" in refusal["detail"] and any(
        f"'{each}'" in refusal["detail"] for each in categories), refusal
    expected = answers(api, name, rows)
    assert len({answer["probability"] for answer in expected}) > 0.8 * len(categories)
    model = export(api, name, "json").json()
    agree(rows, expected, [by_hand(model, values) for values in rows])
    sql = export(api, name, "sql", table="t").content.decode()
    agree(rows, expected, selected(psql, sql, "t", ["x"], ["c'"], rows))


def test_names_outside_xml_are_refused_for_pmml_alone(api, psql):
    name, rows = new(api, ["x\ufffe"], ["c"], ["a", "b"])
    refusal = problem(export(api, name, "pmml", expect=409), "not-exportable")
    assert refusal["detail"].startswith("The feature 'x\ufffe' has the character U+FFFE")
    sql = export(api, name, "sql", table="t").content.decode()
    agree(rows, answers(api, name, rows), selected(psql, sql, "t", ["x\ufffe"], ["c"], rows))


@pytest.mark.parametrize("one,other", [
    (LONG + "abcd", LONG + "abce"), (LONG + "abc", LONG + "abcd"), (LONG + "ab" + "é", LONG + "ab" + "\U0001F600"),
    ("\U0001F600" * 15 + "abc" + "é", "\U0001F600" * 15 + "abc"),
])
def test_columns_with_the_same_63_bytes_are_refused_for_sql_alone(api, tmp_path, one, other):
    name, rows = new(api, [one, "x", other], ["c"], ["a", "b"])
    refusal = problem(export(api, name, "sql", expect=409), "not-exportable")
    assert one in refusal["detail"] and other in refusal["detail"], refusal
    path = tmp_path / "model.pmml"
    path.write_bytes(export(api, name, "pmml").content)
    evaluator = make_evaluator(str(path)).verify()
    columns = [one, "x", other, "c"]
    given = [evaluator.evaluate({each: values.get(each) for each in columns}) for values in rows]
    agree(rows, answers(api, name, rows), [(float(each["probability"]), int(each["label"])) for each in given])
    model = export(api, name, "json").json()
    agree(rows, answers(api, name, rows), [by_hand(model, values) for values in rows])


@pytest.mark.parametrize("table", [".", "a.", ".a", "a..b", ".\u0301."])
def test_tables_without_a_name_are_refused(api, hostile, table):
    answer = problem(export(api, hostile["name"], "sql", expect=400, table=table), "invalid-parameter")
    assert answer["errors"][0]["parameter"] == "table"
