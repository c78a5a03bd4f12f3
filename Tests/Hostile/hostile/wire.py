"""A client that costs little processor time, so that a limited attacker still attacks: bodies are prepared once, and
large answers are counted instead of kept."""

import contextlib
import json
import socket
import time

KEPT = 1 << 16  # bytes of a body that an attacker keeps


class Broken(Exception):
    """The connection ended without a complete answer. `partial` tells whether the head of one had arrived."""

    def __init__(self, reason: str, partial: bool):
        super().__init__(reason)
        self.partial = partial


class Answer:
    """A response. `body` holds its first bytes, `size` counts all of them."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes, size: int, seconds: float):
        self.status, self.headers, self.body, self.size, self.seconds = status, headers, body, size, seconds

    def json(self):
        return json.loads(self.body)

    @property
    def problem(self) -> str | None:
        """The last part of the problem's type, or None if the answer is no problem."""
        if not self.headers.get("content-type", "").startswith("application/problem+json"):
            return None
        try:
            return json.loads(self.body)["type"].removeprefix("/problems/")
        except (ValueError, KeyError, AttributeError):
            return None

    @property
    def fault(self) -> str | None:
        """What is missing in a refusal, or what must not be answered at all."""
        if self.status < 400:
            return None
        if self.status >= 500 and self.status not in (503, 504):
            return f"{self.status} {self.problem or 'without a type'}"
        if self.problem is None:
            return f"{self.status} without a problem type"
        if self.status in (429, 503, 504) and not self.headers.get("retry-after", "").isdigit():
            return f"{self.status} {self.problem} without Retry-After"
        return None


class Client:
    """One connection to the server, which is opened again after every failure."""

    def __init__(self, port: int, key: str | None, timeout: float = 60, kept: int = KEPT):
        self.port, self.key, self.timeout, self.kept = port, key, timeout, kept
        self.socket = self.reader = None

    def close(self) -> None:
        for each in (self.reader, self.socket):
            if each is not None:
                with contextlib.suppress(OSError):
                    each.close()
        self.socket = self.reader = None

    def head(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
        if self.key:
            lines.append(f"Authorization: Bearer {self.key}")
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def connect(self) -> None:
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.reader = self.socket.makefile("rb", buffering=1 << 18)

    def request(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None) -> Answer:
        """Sends one request and receives its answer."""
        start = time.monotonic()
        try:
            self.connect()
            # A server that refuses a body early may close its side, and its answer is still to be read.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.socket.sendall(self.head(method, path, body, headers or {}) + (body or b""))
            return self.receive(start, method)
        except OSError as error:
            self.close()
            raise Broken(type(error).__name__, partial=False) from error
        except Broken:
            self.close()
            raise

    def receive(self, start: float, method: str) -> Answer:
        status_line = self.reader.readline(65536)
        if not status_line:
            raise Broken("closed", partial=False)
        status = int(status_line.split(b" ", 2)[1])
        headers = {}
        while (line := self.reader.readline(65536)) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        try:
            body, size = self.body(status, headers, method)
        except OSError as error:
            raise Broken(f"{status}, then {type(error).__name__}", partial=True) from error
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, body, size, time.monotonic() - start)

    def body(self, status: int, headers: dict[str, str], method: str) -> tuple[bytes, int]:
        if status in (204, 304) or method == "HEAD":
            return b"", 0
        kept = bytearray()
        if headers.get("transfer-encoding") == "chunked":
            size = 0
            while True:
                line = self.reader.readline(1024)
                if not line.endswith(b"\r\n"):
                    raise Broken(f"{status}, then cut off", partial=True)
                length = int(line.split(b";")[0], 16)
                self.take(length, kept, status)
                size += length
                self.reader.readline(1024)
                if length == 0:
                    return bytes(kept), size
        size = int(headers.get("content-length", 0))
        self.take(size, kept, status)
        return bytes(kept), size

    def take(self, length: int, kept: bytearray, status: int) -> None:
        while length > 0:
            part = self.reader.read1(min(length, 1 << 18))
            if not part:
                raise Broken(f"{status}, then cut off", partial=True)
            length -= len(part)
            if len(kept) < self.kept:
                kept += part[: self.kept - len(kept)]


class Caller:
    """A client for fixtures and probes, which keeps whole answers and checks them."""

    def __init__(self, port: int, key: str, timeout: float = 120):
        self.client = Client(port, key, timeout, kept=1 << 30)

    def __call__(self, method: str, path: str, body=None, expect=(200, 201, 202, 204), **headers) -> Answer:
        """Sends bytes as they are and anything else as JSON. `headers` have underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        if body is not None:
            named.setdefault("Content-Type", "application/json")
        answer = self.client.request(method, path, body, named)
        if answer.status not in expect:
            raise Refused(method, path, answer)
        return answer


class Refused(Exception):
    """An answer that a fixture did not expect."""

    def __init__(self, method: str, path: str, answer: Answer):
        super().__init__(f"{method} {path} answered {answer.status}: {answer.body[:400].decode(errors='replace')}")
        self.answer = answer
