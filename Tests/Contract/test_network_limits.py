"""The limits between the network and the routes, tested on a second server with options of its own on the same
database."""

import json
import os
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse

import pytest
import requests

from contract import document
from contract.client import Client, problem


@pytest.fixture
def serve(psql, tmp_path_factory):
    """Starts servers, and stops them after the test, so that their connections to the database do not add up."""
    [pid] = pathlib.Path(os.environ["CONTRACT_DATA_DIR"]).rglob("postmaster.pid")
    _, _, _, port, directory, *_ = pid.read_text().splitlines()
    database = f"postgresql:///verdict?host={urllib.parse.quote(directory, safe='')}&port={port}&user=verdict_app"
    running = []

    def start(*options: str, scheme: str = "http") -> str:
        log = tmp_path_factory.mktemp("server") / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("VERDICT_")} | {"DATABASE_URL": database}
        server = subprocess.Popen(
            [os.environ["CONTRACT_BINARY"], "serve", "--workers", "0", "--port", str(free), *options],
            env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        running.append(server)
        start.logs[f"{scheme}://127.0.0.1:{free}"] = log
        deadline = time.monotonic() + 60
        while f":{free}" not in log.read_text():
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        return f"{scheme}://127.0.0.1:{free}"

    start.logs = {}
    yield start
    for server in running:
        server.send_signal(signal.SIGTERM)
    for server in running:
        server.wait(60)


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def test_slow_clients_do_not_block_others(serve, admin_keys):
    """Two hundred connections send single bytes slowly, half of them in their headers, half in a body."""
    url = serve("--client-timeout", "3")
    head = b"POST /v1/datasets HTTP/1.1\r\nHost: x\r\n"
    whole = head + f"Authorization: Bearer {admin_keys[0]}\r\nContent-Type: application/json\r\n".encode()
    slow = []
    for index in range(200):
        connection = connect(url)
        connection.sendall(head if index % 2 else whole + b"Content-Length: 100000\r\n\r\n")
        connection.setblocking(False)
        slow.append(connection)
    client = Client(url, admin_keys[0])
    ended, asked = set(), 0
    deadline = time.monotonic() + 90
    while len(ended) < 200:
        assert time.monotonic() < deadline, f"only {len(ended)} of 200 were closed"
        client.call("listDatasets", expect=200, timeout=30)
        asked += 1
        for index, connection in enumerate(slow):
            if index in ended:
                continue
            try:
                connection.send(b"a" if index % 2 else b" ")
                if select.select([connection], [], [], 0)[0] and not connection.recv(4096):
                    ended.add(index)
            except (BrokenPipeError, ConnectionResetError):
                ended.add(index)
            except BlockingIOError:
                pass
        time.sleep(0.2)
    assert asked > 3
    for connection in slow:
        connection.close()


def test_slow_but_valid_clients_stay_connected(serve, admin_keys):
    """A connection with occasional requests, and a request with a slow response, outlast the timeout for headers."""
    url = serve("--client-timeout", "1")
    connection = connect(url)
    for _ in range(3):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        time.sleep(2.5)
    # A slow body is accepted as long as it progresses.
    request = f"POST /v1/datasets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin_keys[0]}\r\n" \
              "Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
    connection.sendall(request.encode())
    for _ in range(20):
        connection.sendall(b" " * 200)
        time.sleep(0.2)
    assert connection.recv(4096).startswith(b"HTTP/1.1 400")
    connection.close()


@pytest.mark.parametrize("text", [
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * 200_000 + b"\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % index for index in range(5_000)) + b"\r\n",
    b"nonsense\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
], ids=["large", "many", "nonsense", "length"])
def test_headers_are_bounded(serve, text):
    url = serve("--log-level", "debug")
    connection = connect(url)
    connection.sendall(text)
    head, _, body = read_answer(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), head
    said = json.loads(body)
    assert said["type"] == "/problems/invalid-parameter" and said["status"] == 400 and said["instance"] == "/"
    assert f"x-request-id: {said['request_id']}".encode() in head.lower()
    assert said["request_id"] in serve.logs[url].read_text()
    connection.close()
    # Requests before the malformed one are answered.
    connection = connect(url)
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + text)
    answers = read_answer(connection)
    assert answers.startswith(b"HTTP/1.1 200 ") and answers.count(b"HTTP/1.1 400 ") == 1
    connection.close()
    assert requests.get(url + "/healthz", timeout=30).status_code == 200


def read_answer(connection: socket.socket) -> bytes:
    """Receives until the server closes the connection."""
    text = b""
    while piece := connection.recv(1 << 16):
        text += piece
    return text


def send_until_closed(connection: socket.socket, piece: bytes, pause: float = 0.01) -> int:
    """Sends without reading until the server has closed the connection. Returns the number of bytes sent."""
    connection.setblocking(False)
    sent, deadline = 0, time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            sent += connection.send(piece)
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            return sent
        time.sleep(pause)
    raise AssertionError(f"still open after {sent} bytes")


def test_a_client_that_never_reads_is_closed(serve):
    url = serve("--client-timeout", "1")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.connect(("127.0.0.1", int(url.rsplit(":", 1)[1])))
    connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    send_until_closed(connection, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
    connection.close()


def test_a_closing_connection_accepts_no_further_request(serve):
    url = serve("--client-timeout", "1")
    connection = connect(url)
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                       + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3_000)
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    send_until_closed(connection, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
    connection.close()


@pytest.mark.parametrize("piece,pause", [(b" " * 65_536, 0), (b" " * 100, 0.05)], ids=["fast", "slow"])
def test_a_refused_body_is_read_up_to_a_limit(serve, piece, pause):
    url = serve("--client-timeout", "2")
    connection = connect(url)
    connection.sendall(b"POST /v1/datasets HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 401") and b"\r\nconnection: close\r\n" in answer.lower()
    # The server reads one mebibyte; the client can also send what the socket buffers hold.
    assert send_until_closed(connection, piece, pause) < 200_000_000
    connection.close()


def test_a_short_refused_body_keeps_the_connection(serve):
    connection = connect(serve())
    for _ in range(3):
        connection.sendall(b"POST /v1/datasets HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + b" " * 500_000)
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 401") and b"\r\nconnection: close\r\n" not in answer.lower()
    connection.close()


def asks(connection: socket.socket, seconds: float = 30) -> bytes:
    """The first bytes of a response; empty if the connection is closed instead."""
    connection.settimeout(seconds)
    try:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection.recv(4096)
    except (BrokenPipeError, ConnectionResetError):
        return b""


def test_connections_are_bounded(serve):
    url = serve("--max-connections", "5")
    some = [connect(url) for _ in range(5)]
    assert all(asks(connection).startswith(b"HTTP/1.1 200") for connection in some)
    waiting = connect(url)
    with pytest.raises(TimeoutError):
        asks(waiting, 1)
    some.pop().close()
    waiting.settimeout(30)
    assert waiting.recv(4096).startswith(b"HTTP/1.1 200")
    for connection in (waiting, *some):
        connection.close()


def test_connections_of_an_address_are_bounded(serve):
    url = serve("--max-connections-per-address", "5")
    some = [connect(url) for _ in range(5)]
    assert all(asks(connection).startswith(b"HTTP/1.1 200") for connection in some)
    assert asks(connect(url)) == b""
    some.pop().close()
    deadline = time.monotonic() + 30
    while not asks(connect(url)).startswith(b"HTTP/1.1 200"):
        assert time.monotonic() < deadline
    # A trusted proxy has many clients.
    proxied = serve("--max-connections-per-address", "5", "--trusted-proxy", "127.0.0.0/8")
    many = [connect(proxied) for _ in range(20)]
    assert all(asks(connection).startswith(b"HTTP/1.1 200") for connection in many)
    for connection in (*some, *many):
        connection.close()


def test_long_lists_of_tags_are_refused(serve, admin_keys):
    url = serve()
    hostile = 'W/"a" ' * 10_000
    for path in ("/docs", "/openapi.yaml", "/openapi.json", "/v1/datasets"):
        answer = requests.get(url + path, timeout=30, headers={
            "If-None-Match": hostile, "Authorization": f"Bearer {admin_keys[0]}"})
        assert answer.status_code == 400
        problem(answer, "invalid-parameter")


def test_a_trace_is_logged_at_the_default_level(serve, admin_keys):
    url = serve()
    client = Client(url, admin_keys[0])
    trace = os.urandom(16).hex()
    with_trace = client.send("GET", "/v1/datasets", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    without = client.send("GET", "/v1/datasets")
    deadline = time.monotonic() + 30
    while trace not in (text := serve.logs[url].read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [line] = [line for line in text.splitlines() if trace in line]
    assert f"request_id={with_trace.headers['X-Request-Id']}" in line and "status=200" in line
    assert without.headers["X-Request-Id"] not in text


def test_pipelined_requests_are_answered_in_order(serve):
    connection = connect(serve())
    connection.sendall(b"".join(b"GET /nothing/%d HTTP/1.1\r\nHost: x\r\n\r\n" % index for index in range(300)))
    seen, text = [], b""
    deadline = time.monotonic() + 60
    while len(seen) < 300 and time.monotonic() < deadline:
        piece = connection.recv(1 << 20)
        assert piece, "closed in between"
        text += piece
        seen = re.findall(rb'"instance":"/nothing/(\d+)"', text)
    assert [int(each) for each in seen] == list(range(300))
    connection.close()


def test_tls(serve, admin_keys, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    url = serve("--tls-cert", str(certificate), "--tls-key", str(key), "--client-timeout", "2", scheme="https")
    client = Client(url, admin_keys[0])
    client.session.trust_env, client.session.verify = False, str(certificate)
    assert client.call("listDatasets", expect=200).headers["Strict-Transport-Security"] == "max-age=31536000"
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(url + "/healthz", timeout=30)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url.replace("https", "http") + "/healthz", timeout=30)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), connect(url.replace("https", "http")) as plain:
        old.wrap_socket(plain)
    # A handshake that does not progress is aborted, even if single bytes arrive.
    slow = connect(url.replace("https", "http"))
    slow.sendall(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03")
    send_until_closed(slow, b"\x00", 0.2)
    slow.close()


def test_incomplete_tls_options_are_refused():
    done = subprocess.run([os.environ["CONTRACT_BINARY"], "serve", "--tls-cert", "x.pem"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode != 0 and "require each other" in done.stderr


def test_cross_origin_requests(serve, admin_keys, url):
    server = serve("--cors-origin", "https://app.example")
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization, content-type"}
    flight = requests.options(server + "/v1/datasets", headers=asked, timeout=30)
    assert flight.status_code == 204
    assert flight.headers["Access-Control-Allow-Origin"] == "https://app.example"
    allowed = {name.strip().lower() for name in flight.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "traceparent", "last-event-id", "idempotency-key", "if-match"} <= allowed
    assert flight.headers["X-Request-Id"]
    client = Client(server, admin_keys[0])
    answer = client.call("listDatasets", headers={"Origin": "https://app.example"}, expect=200)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example" and answer.headers["Vary"] == "Origin"
    shown = {name.strip().lower() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"preference-applied", "allow", "www-authenticate", "location", "etag", "ratelimit"} <= shown
    text = requests.get(server + "/metrics", timeout=30).text
    assert re.search(r'verdict_http_request_seconds_count\{method="other",route="none",status="204"\} 1\b', text)
    refused = requests.get(server + "/v1/datasets", headers={"Origin": "https://app.example"}, timeout=30)
    assert refused.status_code == 401 and refused.headers["Access-Control-Allow-Origin"] == "https://app.example"
    for where, origin in ((server, "https://evil.example"), (url, "https://app.example")):
        other = Client(where, admin_keys[0]).call("listDatasets", headers={"Origin": origin}, expect=200)
        assert "Access-Control-Allow-Origin" not in other.headers


def wrong_key(admin_key: str, number: int) -> str:
    return f"vd_{admin_key.split('_')[1]}_{number:064x}"


def test_wrong_keys_are_limited_by_address(serve, admin_keys):
    """Behind a trusted proxy each client has its own limit of failures. Valid keys stay accepted."""
    url = serve("--trusted-proxy", "127.0.0.0/8", "--wrong-keys", "20")
    good = {"Authorization": f"Bearer {admin_keys[0]}", "X-Forwarded-For": "192.0.2.1"}
    assert requests.get(url + "/v1/usage", headers=good, timeout=30).status_code == 200
    statuses = []
    for number in range(200):
        # Entries to the left of the last hop that is not a trusted proxy can be forged.
        answer = requests.get(url + "/v1/usage", timeout=30, headers={
            "Authorization": f"Bearer {wrong_key(admin_keys[0], number)}",
            "X-Forwarded-For": f"198.51.100.{number}, 192.0.2.1"})
        statuses.append(answer.status_code)
    assert set(statuses[:20]) == {401} and 429 in statuses
    late = [status for status in statuses if status == 429]
    assert len(late) > 20
    assert answer.status_code == 401 or problem(answer, "too-many-requests") and answer.headers["Retry-After"] == "10"
    assert requests.get(url + "/v1/usage", headers=good, timeout=30).status_code == 200
    elsewhere = requests.get(url + "/v1/usage", timeout=30, headers={
        "Authorization": f"Bearer {wrong_key(admin_keys[0], 1)}", "X-Forwarded-For": "192.0.2.77"})
    assert elsewhere.status_code == 401


def test_forwarded_addresses_of_untrusted_clients_are_ignored(serve, admin_keys):
    url = serve("--wrong-keys", "20")
    statuses = [
        requests.get(url + "/v1/usage", timeout=30, headers={
            "Authorization": f"Bearer {wrong_key(admin_keys[0], number)}", "X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(200)]
    assert 429 in statuses


def test_a_revoked_key_is_refused_by_every_process(serve, api, url):
    other = serve()
    made = api.call("createKey", json_body={"name": "short", "role": "read"}, expect=201).json()
    clients = [Client(url, made["secret"]), Client(other, made["secret"])]
    for client in clients:
        client.call("listDatasets", expect=200)
    api.call("deleteKey", id=made["id"], expect=204)
    time.sleep(1)
    for client in clients:
        problem(client.call("listDatasets", expect=401), "unauthorized")


def test_secrets_are_not_in_process_arguments(api):
    """Keys are in headers and bodies only, and the database password is in the environment only."""
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (directory / "cmdline").read_bytes()
        except OSError:
            continue
        if b"verdict" in line:
            assert not re.search(rb"vd_\d+_[0-9a-f]{64}", line), line


def test_pages_have_security_headers(nobody):
    headers = nobody.call("docs", expect=200).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert document.operations()["docs"].role is None
