"""The quiet tenant: durable predictions at a steady pace over four connections, in a process of its own."""

import collections
import json
import threading
import time

from hostile.wire import Broken, Client

CONNECTIONS = 4


class Felt:
    """What the quiet tenant felt within a window: latencies in seconds and errors by their reason. A request that is
    still in progress at the end has at least the latency that it has had so far."""

    def __init__(self, seconds: float, latencies: list[float], waiting: list[float], errors: dict[str, int]):
        self.rate, self.errors = len(latencies) / seconds, errors
        self.latencies = sorted(latencies + waiting)

    def quantile(self, share: float) -> float:
        """A latency in seconds; infinite without any answer."""
        if not self.latencies:
            return float("inf")
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class Window:
    """The records since the window began, and the requests that are in progress."""

    def __init__(self):
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.latencies: list[float] = []
        self.errors: collections.Counter = collections.Counter()
        self.started: dict[int, float] = {}

    def start(self, number: int) -> None:
        with self.lock:
            self.started[number] = time.monotonic()

    def end(self, number: int, reason: str | None) -> None:
        """Records a request, of which only the part within the window counts."""
        with self.lock:
            spent = time.monotonic() - max(self.started.pop(number), self.began)
            if reason is None:
                self.latencies.append(spent)
            else:
                self.errors[reason] += 1

    def take(self) -> tuple[list[float], list[float], dict[str, int]]:
        """Begins the next window. Returns the latencies, the ages of requests in progress, and the errors."""
        with self.lock:
            now = time.monotonic()
            waiting = [now - max(start, self.began) for start in self.started.values()]
            taken = self.latencies, waiting, dict(self.errors)
            self.latencies, self.errors, self.began = [], collections.Counter(), now
        return taken


def predict(port: int, key: str, path: str, pace: float, window: Window, number: int, stop: threading.Event) -> None:
    client = Client(port, key, timeout=10)
    headers = {"Content-Type": "application/json"}
    round_number = 0
    due = time.monotonic()
    while not stop.is_set():
        round_number += 1
        features = {"age": 20 + (number * 7 + round_number) % 60, "sex": "Male" if round_number % 2 else "Female"}
        body = json.dumps({"features": features}).encode()
        window.start(number)
        try:
            answer = client.request("POST", path, body, headers)
            reason = None if answer.status == 201 else f"{answer.status} {answer.problem}"
        except Broken as error:
            reason = str(error)
        window.end(number, reason)
        if reason is not None:
            stop.wait(0.05)
        if pace > 0:
            # A late request is not made up for.
            due = max(due + 1 / pace, time.monotonic() - 1 / pace)
            stop.wait(max(0.0, due - time.monotonic()))


def work(port: int, key: str, path: str, pace: float, pipe) -> None:
    """The process of the quiet tenant. It answers each message with its records since the last one."""
    window, stop = Window(), threading.Event()
    arguments = (port, key, path, pace, window)
    for number in range(CONNECTIONS):
        threading.Thread(target=predict, args=(*arguments, number, stop), daemon=True).start()
    while pipe.recv() != "end":
        pipe.send(window.take())
    stop.set()


class QuietTenant:
    """Starts the process and measures windows."""

    def __init__(self, context, port: int, key: str, dataset: str, pace: float):
        self.pipe, remote = context.Pipe()
        path = f"/v1/datasets/{dataset}/predictions"
        self.process = context.Process(target=work, args=(port, key, path, pace, remote), daemon=True)
        self.process.start()
        remote.close()
        self.begin()

    def begin(self) -> None:
        self.pipe.send("take")
        self.pipe.recv()
        self.since = time.monotonic()

    def end(self) -> Felt:
        self.pipe.send("take")
        return Felt(time.monotonic() - self.since, *self.pipe.recv())

    def stop(self) -> None:
        self.pipe.send("end")
        self.process.join(15)
        if self.process.is_alive():
            self.process.kill()
