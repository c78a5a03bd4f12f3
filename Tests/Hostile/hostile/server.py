"""The server under test. A server that dies is started again, as an operator's service manager would."""

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import threading
import time

from hostile.confinement import MemoryLimit, processor_seconds


class Server:
    """A `verdict serve`, within a limit of memory once `confine` was called."""

    RESTARTS = 6

    def __init__(self, binary: str, directory: pathlib.Path, database: str, port: int, settings: dict[str, str]):
        self.binary, self.port = binary, port
        self.log_path = directory / "server.log"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("VERDICT_", "DATABASE_"))}
        self.environment |= {
            "DATABASE_URL": database, "VERDICT_HOST": "127.0.0.1", "VERDICT_PORT": str(port),
            "VERDICT_LOG_LEVEL": "warning",
        } | settings
        self.directory = directory
        self.limit: MemoryLimit | None = None
        self.process: subprocess.Popen | None = None
        self.supervisor: threading.Thread | None = None
        self.deaths: list[int] = []
        self.allowance = self.RESTARTS
        self.ordinary = 0.0
        self.is_wanted = False
        self.lock = threading.Lock()

    def start(self, limit: MemoryLimit | None = None, settings: dict[str, str] | None = None) -> None:
        self.limit = limit
        self.environment |= settings or {}
        self.is_wanted = True
        self.launch()
        self.supervisor = threading.Thread(target=self.supervise, daemon=True)
        self.supervisor.start()
        self.wait_until_ready(90)

    def launch(self) -> None:
        command = [*(self.limit.prefix if self.limit else []), self.binary, "serve"]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self.limit.enter if self.limit else None)
        if self.limit:
            self.limit.watched = self.process

    def supervise(self) -> None:
        while self.is_wanted:
            process = self.process
            code = process.poll()
            if code is None:
                time.sleep(0.02)
                continue
            with self.lock:
                if not self.is_wanted:
                    return
                self.deaths.append(code)
                # A server that cannot stay alive is left dead until the next attack.
                while self.allowance <= 0 and self.is_wanted:
                    time.sleep(0.05)
                self.allowance -= 1
                if self.is_wanted:
                    self.launch()

    def get(self, path: str, timeout: float = 2) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def wait_until_ready(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.get("/readyz") == 200:
                return True
            time.sleep(0.1)
        return False

    def load(self, seconds: float) -> float:
        """The cores that the server uses, measured for some seconds; infinite if it is restarted meanwhile."""
        pid = self.process.pid
        before = processor_seconds(pid)
        time.sleep(seconds)
        return (processor_seconds(pid) - before) / seconds if self.process.pid == pid else float("inf")

    def measure_ordinary_load(self, seconds: float) -> None:
        """Measures the load of the quiet tenant alone."""
        self.ordinary = self.load(seconds)

    def settle(self, seconds: float) -> bool:
        """Waits until the server is ready and has little more to do than without an attack. Returns whether it was in
        that time."""
        self.allowance = self.RESTARTS
        deadline = time.monotonic() + seconds
        self.wait_until_ready(seconds)
        while time.monotonic() < deadline:
            if self.load(0.4) < 1.5 * self.ordinary + 0.1:
                return True
        return False

    def reset_peak(self) -> None:
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """The largest resident size since `reset_peak`, in bytes."""
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0

    def command(self, *arguments: str, timeout: float = 120) -> dict | None:
        """Runs a command of the product on the server's database."""
        done = subprocess.run([self.binary, *arguments], env=self.environment, cwd=self.directory, capture_output=True,
                              text=True, timeout=timeout)
        if done.returncode != 0:
            raise SystemExit(f"verdict {' '.join(arguments)} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
        return json.loads(done.stdout) if "--json" in arguments else None

    def stop(self) -> None:
        self.is_wanted = False
        if self.supervisor:
            self.supervisor.join()
        with self.lock:
            process = self.process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
