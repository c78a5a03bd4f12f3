"""Plays one attack with all of its clients, in a process of its own that is limited in processor time."""

import collections
import threading
import time

from hostile.wire import Answer, Broken, Client


class Record:
    """What the clients of an attack were answered."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answers: collections.Counter = collections.Counter()
        self.faults: collections.Counter = collections.Counter()
        self.received = 0

    def add(self, answer: Answer) -> None:
        kind = "2xx" if answer.status < 400 else f"{answer.status} {answer.problem}"
        with self.lock:
            self.answers[kind] += 1
            self.received += answer.size
            if fault := answer.fault:
                self.faults[fault] += 1

    def lost(self, error: Broken) -> None:
        with self.lock:
            self.answers["cut off" if error.partial else "no answer"] += 1
            self.faults[f"no complete answer: {error}"] += 1


class Attempt:
    """One client of an attack. Requests that are still in progress when the time is up are not counted."""

    def __init__(self, port: int, key: str | None, index: int, record: Record, deadline: float):
        self.port, self.key, self.index, self.record, self.deadline = port, key, index, record, deadline
        self.client = Client(port, key, timeout=max(1.0, deadline - time.monotonic() + 30))
        self.round = 0
        self.is_waiting = False
        self.kept: dict = {}

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None) -> Answer | None:
        return self.counted(lambda: self.client.request(method, path, body, headers))

    def counted(self, send) -> Answer | None:
        self.is_waiting = True
        try:
            answer = send()
        except Broken as error:
            self.is_waiting = False
            if not self.is_over:
                self.record.lost(error)
                time.sleep(0.1)
            return None
        self.is_waiting = False
        if not self.is_over:
            self.record.add(answer)
            # A client that is refused for lack of room waits a little, though less than it was asked to.
            if answer.status in (429, 503, 504):
                time.sleep(0.02)
        return answer

    def post(self, path: str, body: bytes, kind: str = "application/json", **headers) -> Answer | None:
        named = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, body, named)

    def put(self, path: str, body: bytes) -> Answer | None:
        return self.send("PUT", path, body, {"Content-Type": "application/json"})


def work(step, clients: int, port: int, key: str | None, fixture, seconds: float, ready, pipe) -> None:
    """Runs `step(attempt, fixture)` in a loop in each client until the time is up, and sends the record."""
    ready.wait()
    record = Record()
    deadline = time.monotonic() + seconds
    attempts = [Attempt(port, key, index, record, deadline) for index in range(clients)]

    def run(attempt: Attempt) -> None:
        while not attempt.is_over:
            try:
                step(attempt, fixture)
            except (OSError, ValueError) as error:
                with record.lock:
                    record.faults[f"the client failed: {type(error).__name__} {error}"] += 1
                return
            attempt.round += 1

    threads = [threading.Thread(target=run, args=(attempt,), daemon=True) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()) + 0.05)
    unfinished = sum(attempt.is_waiting for attempt in attempts)
    with record.lock:
        if unfinished:
            record.answers["unfinished"] = unfinished
        pipe.send((dict(record.answers), dict(record.faults), record.received))
