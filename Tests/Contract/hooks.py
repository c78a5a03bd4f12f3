"""What schemathesis is taught for this API (SCHEMATHESIS_HOOKS)."""

import copy
import json
import os
import zlib

import schemathesis
from contract import data

# The keys that this run and its tenant's other runs need.
OWN_KEYS = {str(number) for number in json.loads(os.environ.get("OWN_KEYS", "[]"))}


ROW = data.rows(1)[0]
ROWS = {
    "addLabels": {"labels": [ROW]},
    "updateLabel": {"features": ROW["features"]},
    "predict": {"features": ROW["features"]},
    "predictBatch": {"predictions": [{"features": ROW["features"]}] * 2},
}


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_it_is(ctx, value):
    """Line formats are strings to the document; what is generated is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def filter_case(ctx, case):
    """Leaves out headers that are no HTTP (RFC 9110, section 5.5), which end in the HTTP parser, before the API."""
    return all(is_http(value) for value in (case.headers or {}).values())


@schemathesis.hook
def map_case(ctx, case):
    """What the schemas cannot say: features have names of their own, and only some have categories; rows have the features
    of their dataset. Without it nothing would be created or predicted."""
    generated = case.meta.components if case.meta else {}
    if any(component.mode.is_negative for component in generated.values()) or not isinstance(case.body, dict):
        return case
    case.body = copy.deepcopy(case.body)
    operation = case.operation.definition.raw.get("operationId")
    if operation == "createDataset" and isinstance(case.body.get("features"), list):
        features = {each["name"]: each for each in case.body["features"] if isinstance(each, dict)}
        for each in features.values():
            if each.get("type") != "categorical":
                each.pop("categories", None)
        case.body["features"] = list(features.values())
        if ((case.body.get("label") or {}).get("name") or "label") in features:
            case.body["label"] = {"name": "+".join(features)[:127] + "+"}
        mend_policies(case.body)
    elif operation == "updateDataset":
        if "features" in case.body:
            case.body["features"] = copy.deepcopy(data.FEATURES)
        mend_policies(case.body)
    elif operation == "createTrainingJob":
        mend_training(case.body)
    elif operation in ROWS and zlib.crc32(repr(case.body).encode()) % 4:
        case.body = copy.deepcopy(ROWS[operation])
    return case


def mend_policies(body: dict) -> None:
    """Members that go together: a KPI with the activation that compares it."""
    if isinstance(activation := body.get("activation"), dict) and activation.get("policy") != "best":
        activation.pop("metric", None)
    if isinstance(training := body.get("training"), dict):
        mend_training(training)


def mend_training(parameters: dict) -> None:
    """Members that go together: a share of l1 with the penalty that has one."""
    if parameters.get("penalty") != "elasticnet":
        parameters.pop("l1_ratio", None)
    elif parameters.get("l1_ratio") is None:
        parameters["l1_ratio"] = 0.5


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """A key that the run is made with is not revoked, whichever phase has come upon its number: an absent one is."""
    if case.operation.definition.raw.get("operationId") == "deleteKey" and case.method == "DELETE":
        if str((case.path_parameters or {}).get("id")) in OWN_KEYS:
            case.path_parameters["id"] = 2**62


@schemathesis.hook
def filter_failure(ctx, failure, case, response):
    """Leaves out what is not the API's fault.

    OpenAPI 3.1 has a text for a stream of events; to schemathesis each event is an object, as in 3.2. And its coverage
    phase sends `If-None-Match: 0` as a value that fits, which the pattern of entity tags does not let through."""
    media_type = (response.headers.get("content-type") or [""])[0]
    if media_type.startswith("text/event-stream") and "SSE" in failure.title:
        return False
    tags = (case.headers or {}).get("If-None-Match") or (case.headers or {}).get("If-Match")
    return not (failure.title == "Schema-valid request rejected" and tags == "0")


def is_http(value) -> bool:
    return isinstance(value, str) and all(" " <= character <= "~" for character in value)
