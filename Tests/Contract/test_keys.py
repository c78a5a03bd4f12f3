"""API keys: create, list, expire, revoke."""

import datetime
import re
import time

from contract.client import Client, pointers, problem


def in_seconds(seconds: float) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_key_is_shown_once(api, url):
    answer = api.call("createKey", json_body={"name": "web shop", "role": "read"}, expect=201)
    made = answer.json()
    assert re.fullmatch(r"vd_\d+_[0-9a-f]{64}", made["secret"])
    assert answer.headers["Location"] == f"/v1/keys/{made['id']}"
    read = api.send("GET", answer.headers["Location"])
    assert read.status_code == 200 and read.json() | {"secret": made["secret"]} == made
    assert read.json() == api.call("getKey", id=made["id"], expect=200).json()
    assert (made["role"], made["last_used_at"], made["expires_at"]) == ("read", None, None)
    Client(url, made["secret"]).call("listDatasets", expect=200)
    listed = {key["id"]: key for key in api.pages("listKeys", limit=2)}
    assert list(listed) == sorted(listed)
    assert listed[made["id"]]["last_used_at"] is not None
    assert made["secret"] not in api.call("listKeys", query={"limit": 1000}).text


def test_a_revoked_key_is_unknown(api, url):
    made = api.call("createKey", json_body={"name": "short", "role": "write"}, expect=201).json()
    client = Client(url, made["secret"])
    client.call("listDatasets", expect=200)
    api.call("deleteKey", id=made["id"], expect=204)
    time.sleep(1)
    problem(client.call("listDatasets", expect=401), "unauthorized")
    problem(api.call("deleteKey", id=made["id"], expect=404), "not-found")
    problem(api.call("getKey", id=made["id"], expect=404), "not-found")


def test_every_key_can_read_what_it_is(api, url, command):
    tenant = command.tenant("identity")
    command("tenant", "set", tenant.name, "--rows", "1234", "--jobs", "3")
    usage = tenant.client.call("getUsage", expect=200).json()
    included = {"admin": ["admin", "write", "read", "predict"], "write": ["write", "read", "predict"], "read": ["read"],
                "predict": ["predict"]}
    for role, roles in included.items():
        expires = None if role == "admin" else in_seconds(3600)
        made = tenant.client.call("createKey", json_body={"name": f"a {role}", "role": role, "expires_at": expires},
                                  expect=201).json()
        told = Client(url, made.pop("secret")).call("getMe", expect=200).json()
        assert told["tenant"] == tenant.name and told["roles"] == roles
        assert told["key"] | {"last_used_at": None} == made
        assert told["limits"] == {name: quota["limit"] for name, quota in usage.items()}
        assert (told["limits"]["rows"], told["limits"]["jobs"]) == (1234, 3)


def test_a_key_expires(api, url):
    made = api.call("createKey", json_body={"name": "brief", "role": "read", "expires_at": in_seconds(2)},
                    expect=201).json()
    client = Client(url, made["secret"])
    client.call("listDatasets", expect=200)
    deadline = time.monotonic() + 15
    while client.call("listDatasets").status_code == 200:
        assert time.monotonic() < deadline, "an expired key still works"
        time.sleep(0.2)
    problem(client.call("listDatasets", expect=401), "unauthorized")


def test_an_expiry_must_be_in_the_future(api):
    for moment in ("2001-01-01T00:00:00Z", "tomorrow", "2030-02-30T00:00:00Z", "9999-12-31T23:59:59-00:01"):
        body = {"name": "late", "role": "read", "expires_at": moment}
        assert pointers(api.call("createKey", json_body=body, checked=False, expect=422)) == ["/expires_at"]


def test_keys_of_other_tenants_are_invisible(api, other):
    theirs = other.call("createKey", json_body={"name": "theirs", "role": "read"}, expect=201).json()
    assert theirs["id"] not in [key["id"] for key in api.pages("listKeys")]
    problem(api.call("deleteKey", id=theirs["id"], expect=404), "not-found")
    problem(api.call("getKey", id=theirs["id"], expect=404), "not-found")
    assert theirs["id"] in [key["id"] for key in other.pages("listKeys")]


def test_the_last_moment_of_a_key_has_a_form(api):
    for moment, shown in (("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999Z"),
                          ("9999-12-31T23:58:59-00:01", "9999-12-31T23:59:59.000Z")):
        made = api.call("createKey", json_body={"name": "long", "role": "read", "expires_at": moment}, expect=201).json()
        assert made["expires_at"] == shown
        assert api.call("getKey", id=made["id"], expect=200).json()["expires_at"] == shown


def test_a_name_has_one_form(api):
    made = api.call("createKey", json_body={"name": "cafe\u0301", "role": "read"}, expect=201).json()
    for key in (made, api.call("getKey", id=made["id"], expect=200).json()):
        assert key["name"] == "caf\u00e9"
    [entry] = [each for each in api.pages("listAudit") if each["target"] == f"key {made['id']}"]
    assert entry["detail"] == "caf\u00e9, read"
