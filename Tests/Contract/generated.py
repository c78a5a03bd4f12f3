"""Requests that schemathesis generates from the document, with keys of each role, against a dataset with a model."""

import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

from contract import client, document, walk

HERE = pathlib.Path(__file__).resolve().parent
# The maximum number of examples per operation and role, in the daily run and in the long run.
EXAMPLES = {"admin": (8, 170), "write": (2, 60), "read": (2, 40), "predict": (2, 40)}
# The daily run tries values at every limit for the first role only, because the results are the same for every role.
SHORT = ["--phases", "examples,fuzzing,stateful"]
# The minimum number of requests of a long run.
LONG = 20_000


def run(url: str, admins: list[str], long: bool) -> int:
    """Runs every role in turn, then two tenants against each other. Returns 0 if there are no findings."""
    before, failed = answered(url), []
    for role, examples in EXAMPLES.items():
        key = prepare(client.Client(url, admins[0]), role)
        if schemathesis(url, role, {"auth": {"openapi": {"bearer": {"bearer": key}}}}, examples[long], long):
            failed.append(role)
        if client.Client(url, key).call("getUsage").status_code == 401:
            failed.append(f"{role}, whose key was revoked")
    if peers(url, admins, 40 if long else 4, long):
        failed.append("peers")
    sent = answered(url) - before
    print(f"{sent} generated requests were answered; " + (f"found something as {', '.join(failed)}" if failed else
                                                       "nothing was found"))
    if long and sent < LONG:
        print(f"the long run is to send at least {LONG}", file=sys.stderr)
        return 1
    return 1 if failed else 0


def prepare(api: client.Client, role: str) -> str:
    """Returns a key of the role, in place of the keys of earlier runs. Restores the datasets `adult`, that of the documented
    examples with a model, and `spare`, which may be deleted."""
    for key in api.pages("listKeys")[1:]:
        api.call("deleteKey", id=key["id"], expect=204)
    made = api.call("createKey", json_body={"name": f"generated {role}", "role": role}, expect=201).json()
    shown = document.operations()["createDataset"].example()
    for name in ("adult", "spare"):
        if api.call("getDataset", dataset=name).status_code == 200:
            api.call("deleteDataset", dataset=name, expect=204)
        api.call("createDataset", json_body={"name": name, "features": shown["features"], "label": shown["label"]},
                 expect=201)
    with walk.CENSUS.open("rb") as file:
        api.call("addLabels", dataset="adult", data=b"".join(itertools.islice(file, 401)), media_type="text/csv",
                 query={"ignore": walk.LEFT_OUT}, expect=201)
    api.call("createTrainingJob", dataset="adult", json_body={}, headers={"Prefer": "wait=120"}, timeout=130, expect=200)
    for _ in range(3):
        api.call("predict", dataset="adult", json_body=document.operations()["predict"].example(), expect=201)
    return made["secret"]


def peers(url: str, admins: list[str], examples: int, long: bool) -> bool:
    """Runs two tenants, neither of which may read the other's resources."""
    users = []
    for name, admin in zip(("one", "two"), admins[:2]):
        key = prepare(client.Client(url, admin), "admin")
        users.append({"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]})
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "users.json"
        file.write_text(json.dumps({"auth": users}))
        auth = {"auth": {"wfc": {"path": str(file), "peers": ["one", "two"]}}}
        return schemathesis(url, "two tenants", auth, examples, long)


def schemathesis(url: str, what: str, auth: dict, examples: int, long: bool) -> bool:
    """Runs schemathesis once. Returns whether there are findings."""
    print(f"generated requests as {what}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        configuration = pathlib.Path(folder) / "schemathesis.toml"
        [(kind, value)] = auth["auth"].items()
        common = (HERE / "schemathesis.toml").read_text(encoding="utf-8")
        common = common.replace("STATEFUL", "200" if long else "15")
        configuration.write_text(common + toml(f"auth.{kind}", value))
        done = subprocess.run(
            [str(pathlib.Path(sys.executable).parent / "schemathesis"), "--config-file", str(configuration), "run",
             str(HERE.parent.parent / "openapi.yaml"), "--url", url, "--max-examples", str(examples), "--workers", "1",
             "--seed", "1", *([] if long or what == "admin" else SHORT),
             *(["--continue-on-failure"] if long else ["--max-failures", "20"])],
            cwd=folder, env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)},
        )
    return done.returncode != 0


def toml(table: str, value: dict) -> str:
    """Formats a small TOML table."""
    lines = [f"\n[{table}]"]
    tables = ""
    for name, member in value.items():
        if isinstance(member, dict):
            tables += toml(f"{table}.{name}", member)
        else:
            lines.append(f"{name} = {json.dumps(member)}")
    return ("\n".join(lines) + "\n" if len(lines) > 1 else "") + tables


def answered(url: str) -> int:
    """The number of requests that the server has answered, from its metrics."""
    with urllib.request.urlopen(url + "/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return sum(int(float(count)) for count in re.findall(r"^verdict_http_request_seconds_count\{.*\} (\S+)$", text, re.M))
