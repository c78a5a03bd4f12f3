"""A client that checks every response against the document and records the operations that were called."""

import collections
import json
import urllib.parse

import requests

from . import document

# (operation, status) → the number of occurrences in this run.
seen: collections.Counter = collections.Counter()


class Client:
    """Calls operations by their id with one API key."""

    def __init__(self, url: str, key: str | None):
        self.url = url
        self.key = key
        self.session = requests.Session()
        self.session.headers["Accept-Encoding"] = "identity"

    def call(self, operation_id: str, *, expect: int | tuple | None = None, query=None, json_body=None, data=None,
             media_type: str | None = None, headers=None, checked=True, timeout=60, **path):
        """Sends one request and returns the checked response.

        `json_body` is validated against the document first, so successful requests of the tests are documented ones.
        `data` is sent unchanged. `expect` is the expected status, or several.
        """
        operation = document.operations()[operation_id]
        sent = dict(headers or {})
        if json_body is not None:
            media_type = media_type or "application/json"
            if checked:
                document.check_value(f"request of {operation_id}", operation.body(media_type), json_body)
            data = json.dumps(json_body).encode()
        if media_type:
            sent.setdefault("Content-Type", media_type)
        url = self.url + expand(operation.path, path)
        answer = self.send(operation.method, url, params=query, data=data, headers=sent, timeout=timeout)
        seen[operation_id, answer.status_code] += 1
        document.check(operation, answer)
        if expect is not None:
            allowed = (expect,) if isinstance(expect, int) else expect
            assert answer.status_code in allowed, f"{operation_id} → {answer.status_code}: {answer.text[:2000]}"
        return answer

    def send(self, method: str, url: str, **arguments):
        """Sends one request without checking the response."""
        headers = dict(arguments.pop("headers", None) or {})
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        if not url.startswith("http"):
            url = self.url + url
        return self.session.request(method, url, headers=headers, allow_redirects=False,
                                    timeout=arguments.pop("timeout", 60), **arguments)

    def pages(self, operation_id: str, limit: int = 1000, query=None, **path) -> list:
        """All entries of a list."""
        entries, cursor = [], None
        while True:
            asked = dict(query or {}, limit=limit) | ({"cursor": cursor} if cursor else {})
            page = self.call(operation_id, query=asked, expect=200, **path).json()
            assert len(page["data"]) <= limit
            entries += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return entries
            assert page["data"], "an empty page with a next cursor"


def expand(template: str, values: dict) -> str:
    """Fills the parameters into `template`. A value of type `bytes` is inserted unchanged."""
    for name, value in values.items():
        text = value.decode() if isinstance(value, bytes) else urllib.parse.quote(str(value), safe="")
        template = template.replace("{" + name + "}", text)
    assert "{" not in template, template
    return template


def problem(answer, kind: str) -> dict:
    """Asserts that `answer` is a problem of that kind, and returns it."""
    body = answer.json()
    assert body["type"] == f"/problems/{kind}", body
    return body


def pointers(answer) -> list[str]:
    """The locations of a problem's errors."""
    return [error["pointer"] for error in answer.json().get("errors", []) if "pointer" in error]
