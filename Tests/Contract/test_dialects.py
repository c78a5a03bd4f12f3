"""Uploads of CSV files as people have them: texts for missing values, decimal commas, spaces around names."""

import uuid

import pytest

from contract.client import problem

CSV = "text/csv"
FEATURES = [{"name": "x", "type": "continuous"}, {"name": "n", "type": "discrete"}, {"name": "c", "type": "categorical"}]


@pytest.fixture
def numbers(api) -> str:
    """A dataset with a feature of each type."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    api.call("createDataset", json_body={"name": name, "features": FEATURES, "label": {"name": "y"}}, expect=201)
    return name


def post(api, dataset, body: bytes, expect=201, **query):
    return api.call("addLabels", dataset=dataset, data=body, media_type=CSV, query=query, expect=expect)


def features(api, dataset) -> list[dict]:
    return [label["features"] for label in api.pages("listLabels", dataset=dataset)]


def test_the_same_rows_in_another_dialect(api, numbers):
    post(api, numbers, b"x,n,c,y,key\n1.5,2,a,1,k\n,,,0,\n-2000,3,NA,1,\n")
    post(api, numbers, b" x ;n;c; y;key\n1,5;2;a;1;m\nNA; n/a ;NA;0;NA\n-2e3;3;\"N\"\"A\";1;NA\n", delimiter=";", decimal=",",
         missing="NA,n/a", trim="true")
    stored = features(api, numbers)
    assert stored[0] == stored[3] and stored[1] == stored[4] == {"x": None, "n": None, "c": None}
    assert stored[2] == {"x": -2000, "n": 3, "c": "NA"} and stored[5] == {"x": -2000, "n": 3, "c": 'N"A'}
    assert [label["key"] for label in api.pages("listLabels", dataset=numbers)] == ["k", None, None, "m", None, None]


@pytest.mark.parametrize("body,column,detail,query", [
    (b"x;y\n1.5;1\n", "x", "must be a number, not 1.5", {"delimiter": ";", "decimal": ","}),
    (b"n;y\n1,5;1\n", "n", "must be a whole number, not 1,5", {"delimiter": ";", "decimal": ","}),
    (b"x,y\nna,1\n", "x", "must be a number, not na", {"missing": "NA"}),
    (b"x,y\n1,NA\n", "y", "not NA", {"missing": "NA"}),
    (b" x,y\n1,1\n", " x", "no such feature", {}), ("x,x ,y\n1,1,1\n".encode(), "x", "twice", {"trim": "true"})])
def test_cells_that_do_not_fit(api, numbers, body, column, detail, query):
    told = problem(post(api, numbers, body, expect=422, **query), "schema-mismatch")["errors"][0]
    assert told["column"] == column and detail in told["detail"], told
    assert features(api, numbers) == []


@pytest.mark.parametrize("query,parameter", [
    ({"decimal": ";", "delimiter": ";"}, "decimal"), ({"decimal": ","}, "delimiter"),
    ({"decimal": ",", "delimiter": ","}, "delimiter"), ({"decimal": ""}, "decimal"), ({"missing": "x" * 601}, "missing"),
    ({"missing": "," .join(map(str, range(101)))}, "missing"), ({"trim": "yes"}, "trim")])
@pytest.mark.parametrize("operation", ["addLabels", "predictBatchCsv"])
def test_invalid_parameters(api, trained, operation, query, parameter):
    told = problem(api.call(operation, dataset=trained, data=b"x,y\n1,1\n", media_type=CSV, query=query, expect=400),
                   "invalid-parameter")
    assert [each["parameter"] for each in told["errors"]] == [parameter]


@pytest.mark.parametrize("parameter", ["missing", "decimal", "trim"])
def test_other_formats_have_no_dialect(api, trained, parameter):
    for operation, media_type in (("addLabels", "application/x-ndjson"), ("addLabels", "application/json"),
                                  ("predictBatchNdjson", "application/x-ndjson")):
        told = problem(api.call(operation, dataset=trained, data=b"{}", media_type=media_type, query={parameter: "."}, expect=400),
                       "invalid-parameter")
        assert [each["parameter"] for each in told["errors"]] == [parameter]
