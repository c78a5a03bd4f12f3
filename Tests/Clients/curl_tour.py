"""Prints a shell script of curl commands: the README's tour with the examples in openapi.yaml.

The script takes URL and KEY from the environment, compares the status of every response with the document, and exits with
1 at the first difference."""

import json
import pathlib
import shlex

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items() for method, operation in item.items() if "operationId" in operation
}
# The census columns that the dataset of the example does not declare.
LEFT_OUT = "fnlwgt,education,marital_status,relationship,race,capital_loss,native_country"


def curl(operation_id: str, status: int, example: str | None = None, media: str = "application/json", file: str = "",
         query: str = "", headers=(), then: str = "", **path) -> str:
    """The command for one call; `then` is a jq filter whose result must not be false or null."""
    method, template, operation = OPERATIONS[operation_id]
    assert str(status) in operation["responses"], f"{operation_id} does not document {status}"
    for name, value in path.items():
        template = template.replace("{" + name + "}", str(value))
    words = ["call", operation_id, str(status), "-X", method.upper(), *sum((["-H", each] for each in headers), [])]
    if example or file:
        content = operation["requestBody"]["content"][media]
        words += ["-H", f"Content-Type: {media}"]
        if file:
            words += ["--data-binary", f"@{file}"]
        else:
            value = content["examples"][example]["value"]
            words += ["--data-binary", value if isinstance(value, str) else json.dumps(value)]
    line = " ".join(map(shlex.quote, words)) + f' "$URL{template}{query}"'
    return line + (f"\njq -e {shlex.quote(then)} \"$answer\" >/dev/null || refuse {operation_id}" if then else "")


HEAD = r"""#!/usr/bin/env bash
set -euo pipefail
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
refuse() { echo "$1 answered unlike its example: $(head -c 2000 "$answer")" >&2; exit 1; }
call() {
  local name=$1 status=$2 got
  got=$(curl -sS --max-time 300 -o "$answer" -w '%{http_code}' -H "Authorization: Bearer $KEY" "${@:3}")
  [ "$got" = "$status" ] || { echo "$name: $got instead of $status: $(head -c 2000 "$answer")" >&2; exit 1; }
}
"""

TOUR = [
    curl("createDataset", 201, "adult", then='.name == "adult"'),
    curl("addLabels", 201, "adult", dataset="adult", then=".inserted == 2"),
    curl("addLabels", 201, "adult", media="application/x-ndjson", dataset="adult"),
    curl("addLabels", 201, "adult", media="text/csv", dataset="adult"),
    curl("addLabels", 201, media="text/csv", file=str(ROOT / "Examples/adult/adult_train.csv"),
         query=f"?ignore={LEFT_OUT}", dataset="adult", then=".inserted == 32561"),
    curl("createTrainingJob", 200, "defaults", dataset="adult", headers=["Prefer: wait=300"],
         then='.state == "succeeded" and .kpis.roc_auc > 0.85'),
    curl("predict", 201, "adult", dataset="adult", query="?explain=true", then=".contributions | length == 7"),
    'prediction=$(jq -er .id "$answer")',
    curl("labelPrediction", 200, "positive", dataset="adult", id="$prediction", then=".true_label == 1"),
    curl("getDataset", 200, dataset="adult", then=".active_model.version >= 1"),
    curl("predictBatch", 201, "adult", dataset="adult", then=".predictions | length == 2"),
    curl("predictBatchNdjson", 201, "adult", media="application/x-ndjson", dataset="adult"),
    curl("predictBatchCsv", 201, "adult", media="text/csv", dataset="adult"),
    curl("updateDataset", 200, "gate", media="application/merge-patch+json", dataset="adult", then=".gate.minimum == 0.75"),
    curl("updateDataset", 200, "nogate", media="application/merge-patch+json", dataset="adult", then=".gate == null"),
    curl("updateDataset", 200, "auto", media="application/merge-patch+json", dataset="adult",
         then=".auto_train.min_new_labels == 500"),
    curl("listKpis", 200, dataset="adult", then=".data | length >= 1"),
    curl("listModels", 200, dataset="adult"),
    curl("getModel", 200, dataset="adult", version=1, then=".features | length == 7"),
    curl("exportModelJson", 200, dataset="adult", version=1, then=".features | length == 7"),
    *(curl(operation, 200, dataset="adult", version=1) for operation in ("exportModelPmml", "exportModelSql")),
    *(curl(operation, 200, dataset="adult") for operation in (
        "exportLabelsCsv", "exportLabelsNdjson", "exportPredictionsCsv", "exportPredictionsNdjson", "exportKpisCsv")),
    curl("createKey", 201, "shop", then='.secret | startswith("vd_")'),
    curl("live", 200),
    curl("deleteDataset", 204, dataset="adult"),
]

if __name__ == "__main__":
    print(HEAD + "\n".join(TOUR) + '\necho "curl completed the tour with the examples of the document"')
