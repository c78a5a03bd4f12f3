"""The rules of HTTP/1.1 between the parser and the routes (RFC 9110, RFC 9112), tested with bytes on a socket."""

import contextlib
import json
import re
import socket
import urllib.parse
import uuid

import pytest

from contract import data
from contract.client import Client


@contextlib.contextmanager
def connect(url: str):
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        yield connection


def head(method: str, path: str, *fields: str, key: str | None = None, version="1.1", host: str | None = "x") -> bytes:
    lines = [f"{method} {path} HTTP/{version}"]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [f"Authorization: Bearer {key}"] if key else []
    return "\r\n".join([*lines, *fields, "", ""]).encode()


def read_all(connection: socket.socket) -> bytes:
    """Receives until the server closes the connection."""
    text = b""
    while piece := connection.recv(1 << 16):
        text += piece
    return text


def read_head(connection: socket.socket) -> bytes:
    """Receives one header section."""
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        assert piece, f"closed after {text!r}"
        text += piece
    return text.lower()


def read_answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Receives one response with a Content-Length."""
    text = read_head(connection)
    length = int(re.search(rb"\r\ncontent-length: (\d+)\r\n", text)[1])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return text, body


def new_dataset() -> bytes:
    return json.dumps({"name": f"h-{uuid.uuid4().hex[:12]}", "features": [{"name": "x", "type": "continuous"}]}).encode()


# Expect


@pytest.mark.parametrize("expectation", ["100-continue", "100-Continue"])
def test_an_accepted_request_is_asked_for_its_body(url, admin_keys, expectation):
    with connect(url) as connection:
        for _ in range(3):
            body = new_dataset()
            connection.sendall(head("POST", "/v1/datasets", "Content-Type: application/json",
                                    f"Content-Length: {len(body)}", f"Expect: {expectation}", key=admin_keys[0]))
            assert read_head(connection) == b"http/1.1 100 continue\r\n\r\n"
            connection.sendall(body)
            text, _ = read_answer(connection)
            assert text.startswith(b"http/1.1 201 ") and b"\r\nconnection: close\r\n" not in text


def test_a_stream_is_asked_for_its_body(url, api, trained):
    with connect(url) as connection:
        connection.sendall(head("POST", f"/v1/datasets/{trained}/predictions/batch", "Transfer-Encoding: chunked",
                                "Content-Type: application/x-ndjson", "Expect: 100-continue", "Connection: close",
                                key=api.key))
        assert read_head(connection) == b"http/1.1 100 continue\r\n\r\n"
        line = b'{"features":{"age":44}}\n'
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line))
        answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 201 ") and b'"probability":' in answer and answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("status,path,fields,keyed", [
    (401, "/v1/datasets", ["Content-Type: application/json", "Content-Length: 100"], False),
    (413, "/v1/datasets", ["Content-Type: application/json", "Content-Length: 2000000"], True),
    (415, "/v1/datasets", ["Content-Type: application/xml", "Content-Length: 100"], True),
    (415, "/v1/datasets", ["Content-Type: application/json", "Content-Encoding: br", "Content-Length: 100"], True),
    (400, "/v1/datasets/{}/labels", ["Content-Type: text/csv", "Content-Length: 100", "Idempotency-Key: a b"], True),
    (404, "/v1/datasets/absent/labels", ["Content-Type: text/csv", "Content-Length: 100"], True),
    (405, "/v1/keys/1", ["Content-Length: 100"], True),
])
def test_a_refused_request_is_not_asked_for_its_body(url, admin_keys, dataset, status, path, fields, keyed):
    with connect(url) as connection:
        connection.sendall(head("POST", path.format(dataset), *fields, "Expect: 100-continue",
                                key=admin_keys[0] if keyed else None))
        text, _ = read_answer(connection)
        # The client may send the body or not, so no further request can follow.
        assert text.startswith(b"http/1.1 %d " % status) and b"\r\nconnection: close\r\n" in text


@pytest.mark.parametrize("expectation", ["200-ok", "100-continue, x", "x=y"])
def test_other_expectations_fail(url, admin_keys, expectation):
    with connect(url) as connection:
        connection.sendall(head("POST", "/v1/datasets", "Content-Length: 2", f"Expect: {expectation}", key=admin_keys[0]))
        text, body = read_answer(connection)
        assert text.startswith(b"http/1.1 417 ") and json.loads(body)["type"] == "/problems/expectation-failed"


# HEAD


@pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson"])
@pytest.mark.parametrize("collection", ["labels", "predictions"])
def test_head_of_an_export(url, api, trained, collection, accept):
    request = head("HEAD", f"/v1/datasets/{trained}/{collection}", f"Accept: {accept}", key=api.key)
    with connect(url) as connection:
        for _ in range(3):
            connection.sendall(request)
            text = read_head(connection)
            assert text.startswith(b"http/1.1 200 ") and b"content-length" not in text
            assert f"\r\ncontent-type: {accept}".encode() in text
        connection.sendall(head("GET", "/healthz", "Connection: close"))
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json", "/v1/datasets", "/v1/nothing", "/v1/datasets/absent"])
def test_head_is_get_without_a_body(url, api, path):
    shown = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
    with connect(url) as connection:
        connection.sendall(head("GET", path, "X-Request-Id: same", key=api.key))
        expected, body = read_answer(connection)
        assert body
        connection.sendall(head("HEAD", path, "X-Request-Id: same", key=api.key))
        text = read_head(connection)
        assert text.split(b"\r\n")[0] == expected.split(b"\r\n")[0]
        assert shown.search(text)[1] == shown.search(expected)[1]
        connection.sendall(head("GET", "/healthz", "Connection: close"))
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


# Transfer-Encoding


@pytest.mark.parametrize("fields", [
    ["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: gzip"], ["Transfer-Encoding: identity"],
    ["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"],
])
def test_other_transfer_codings_are_not_implemented(url, admin_keys, fields):
    with connect(url) as connection:
        connection.sendall(head("POST", "/v1/datasets", "Content-Type: application/json", *fields, key=admin_keys[0])
                           + b"2\r\n{}\r\n0\r\n\r\n" + head("GET", "/healthz"))
        answer = read_all(connection)
    text, _, body = answer.partition(b"\r\n\r\n")
    assert text.startswith(b"HTTP/1.1 501 ") and b"\r\nconnection: close" in text.lower(), answer
    assert json.loads(body)["type"] == "/problems/not-implemented"


@pytest.mark.parametrize("fields", [
    ["Transfer-Encoding: chunked, chunked"], ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 2"],
])
def test_ambiguous_framing_is_malformed(url, admin_keys, fields):
    with connect(url) as connection:
        connection.sendall(head("POST", "/v1/datasets", "Content-Type: application/json", *fields, key=admin_keys[0])
                           + b"2\r\n{}\r\n0\r\n\r\n" + head("GET", "/healthz"))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"\r\nX-Request-Id:") == 1, answer


def test_chunks_are_accepted_in_any_case(url, admin_keys):
    body = new_dataset()
    with connect(url) as connection:
        connection.sendall(head("POST", "/v1/datasets", "Content-Type: application/json", "Transfer-Encoding: Chunked",
                                key=admin_keys[0]) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        assert read_answer(connection)[0].startswith(b"http/1.1 201 ")


# HTTP/1.0


@pytest.mark.parametrize("fields", [[], ["Connection: keep-alive"]])
def test_an_older_client_gets_no_chunks(url, api, trained, fields):
    with connect(url) as connection:
        connection.sendall(head("GET", f"/v1/datasets/{trained}/labels", "Accept: text/csv", *fields, key=api.key,
                                version="1.0", host=None))
        text, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert text.startswith(b"HTTP/1.0 200 ") and b"\r\nconnection: close" in text.lower()
    assert b"transfer-encoding" not in text.lower()
    expected = Client(url, api.key).send("GET", f"/v1/datasets/{trained}/labels", headers={"Accept": "text/csv"})
    assert body == expected.content and body.count(b"\n") == 401


def test_an_older_client_needs_no_host_and_no_continue(url, admin_keys):
    body = new_dataset()
    for host in (None, "x"):
        with connect(url) as connection:
            connection.sendall(head("GET", "/healthz", version="1.0", host=host))
            assert read_all(connection).startswith(b"HTTP/1.0 200 ")
    with connect(url) as connection:
        connection.sendall(head("POST", "/v1/datasets", "Content-Type: application/json", f"Content-Length: {len(body)}",
                                "Expect: 100-continue", key=admin_keys[0], version="1.0") + body)
        assert read_all(connection).startswith(b"HTTP/1.0 201 ")
    with connect(url) as connection:
        connection.sendall(head("POST", "/v1/datasets", "Transfer-Encoding: chunked", version="1.0") + b"0\r\n\r\n")
        assert b" 400 " in read_all(connection).split(b"\r\n")[0]


def test_the_last_response_says_so(url):
    for connection_field in ("close", "Close", "keep-alive, close"):
        with connect(url) as connection:
            connection.sendall(head("GET", "/healthz", f"Connection: {connection_field}"))
            assert b"\r\nconnection: close\r\n" in read_all(connection).lower()


# Host


@pytest.mark.parametrize("fields", [
    [], ["Host: x", "Host: x"], ["Host: x", "Host: y"], ["Host: a b"], ["Host: a/b"], ["Host: user@x"], ["Host: x:port"],
    ["Host: x:80:90"], ["Host: [::1"], ["Host: []"], ["Host: x%zz"], ["Host: x, y/"],
])
def test_a_request_names_one_host(url, fields):
    with connect(url) as connection:
        connection.sendall(head("GET", "/healthz", *fields, host=None))
        text, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert text.startswith(b"HTTP/1.1 400 ") and b"\r\nconnection: close" in text.lower()
    told = json.loads(body)
    assert told["type"] == "/problems/invalid-parameter" and told["errors"][0]["parameter"] == "Host"


@pytest.mark.parametrize("host", ["", "x", "x:8080", "x:", "127.0.0.1", "[::1]:8080", "[2001:db8::1]", "ex_am-ple.~com",
                                  "x%20y"])
def test_valid_hosts(url, host):
    with connect(url) as connection:
        connection.sendall(head("GET", "/healthz", "Connection: close", host=host))
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_requests_before_a_refused_one_are_answered(url):
    with connect(url) as connection:
        connection.sendall(head("GET", "/healthz") + head("HEAD", "/healthz") + head("GET", "/healthz", host=None))
        answer = read_all(connection)
    assert re.findall(rb"HTTP/1.1 (\d+) ", answer) == [b"200", b"200", b"400"]


# Paths


def encoded(text: str) -> str:
    """Every character percent-encoded, in digits of both cases."""
    return "".join((f"%{ord(each):02x}" if index % 2 else f"%{ord(each):02X}") for index, each in enumerate(text))


def test_unreserved_characters_may_be_encoded(url, api, dataset):
    for path in (f"/v1/datasets/{encoded(dataset)}", f"/v1/d%61tasets/{dataset}",
                 f"/{encoded('v1')}/{encoded('datasets')}/{dataset}"):
        with connect(url) as connection:
            connection.sendall(head("GET", path, key=api.key))
            text, body = read_answer(connection)
            assert text.startswith(b"http/1.1 200 ") and json.loads(body)["name"] == dataset
    for path in (f"/v1%2Fdatasets/{dataset}", f"/v1/datasets%2f{dataset}", f"/v1/datasets/{dataset}%2Flabels",
                 "/v1/datasets%3Flimit=1", "/v1/datasets/%", "/v1/datasets/%2", "/v1/datasets/%zz",
                 f"/v1/datasets/{dataset}%00", "/v1/datasets/%2e%2e/keys"):
        with connect(url) as connection:
            connection.sendall(head("GET", path, key=api.key))
            assert read_answer(connection)[0].startswith(b"http/1.1 404 "), path


@pytest.mark.parametrize("path", ["/metrics", "/metrics?by=tenant", "/healthz", "/v1/datasets", "/v1/me"])
def test_nothing_answers_under_a_second_spelling(url, api, path):
    """A rule of a proxy for a path holds for everything that reaches the route."""
    name, mark, query = path.partition("?")
    spellings = [f"/{name}", f"{name}/", f"{name}//", f"/.{name}", f"/x/..{name}", f"{name}/.", f"{name}/..", f"{name}/x/..",
                 f"/%2e{name}", f"/x/%2E%2e{name}", f"{name}%2F", f"/%2f{name[1:]}", f"{name}%00", f"{name}%20",
                 f"http://x/{name}", f"http://x{name}/"]
    for spelling in spellings:
        for method in ("GET", "HEAD", "POST", "DELETE"):
            with connect(url) as connection:
                connection.sendall(head(method, spelling + mark + query, "Connection: close", "Content-Length: 0", key=api.key))
                assert read_all(connection).startswith(b"HTTP/1.1 404 "), f"{method} {spelling}"
    with connect(url) as connection:
        same = "/".join(encoded(segment) for segment in name.split("/"))
        connection.sendall(head("GET", same + mark + query, "Connection: close", key=api.key))
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_an_equivalent_path_is_the_same_request(url, api, dataset):
    """An Idempotency-Key covers every spelling of a path. The query stays as it is."""
    body = json.dumps({"labels": data.rows(2)}).encode()
    answers = []
    for path in (f"/v1/datasets/{dataset}/labels", f"/v1/datasets/{encoded(dataset)}/labels"):
        with connect(url) as connection:
            connection.sendall(head("POST", path, f"Content-Length: {len(body)}", "Content-Type: application/json",
                                    f"Idempotency-Key: {dataset}", key=api.key) + body)
            answers.append(read_answer(connection))
    assert answers[0][1] == answers[1][1] and b"\r\nidempotency-replayed: true\r\n" in answers[1][0]
