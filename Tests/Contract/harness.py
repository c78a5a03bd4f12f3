"""Starts a server for one run, creates its tenants, runs the tests or schemathesis against it, and stops it by its
pid."""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import generated

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(url: str, server: subprocess.Popen, log: pathlib.Path, seconds: int = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url + "/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        time.sleep(0.1)
    sys.exit("the server did not become ready:\n" + log.read_text(errors="replace")[-4000:])


def create_tenant(binary: str, name: str, environment: dict[str, str]) -> dict:
    made = subprocess.run(
        [binary, "tenant", "create", name, "--json"], env=environment, capture_output=True, text=True, timeout=60
    )
    if made.returncode != 0:
        sys.exit(f"verdict tenant create {name} failed:\n{made.stderr}")
    return json.loads(made.stdout)


def stop(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        print("the server did not stop within 30 s of SIGTERM", file=sys.stderr)
        server.kill()
        server.wait()


def main(arguments: list[str]) -> int:
    binary = str(pathlib.Path(os.environ["VERDICT_BIN"]).resolve())
    if not os.access(binary, os.X_OK):
        sys.exit(f"VERDICT_BIN: {binary} is not a program")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="verdict-contract-"))
    directory.chmod(0o755)  # a cluster started by root runs as another user, who has to get through here
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("VERDICT_", "DATABASE_URL"))}
    environment |= {
        "VERDICT_HOST": "127.0.0.1", "VERDICT_PORT": str(port), "VERDICT_DATA_DIR": str(directory / "data"),
        "VERDICT_LOG_LEVEL": os.environ.get("CONTRACT_LOG_LEVEL", "debug"),
    }
    log = directory / "server.log"
    with log.open("wb") as output:
        options = shlex.split(os.environ.get("CONTRACT_SERVE_OPTIONS", ""))
        server = subprocess.Popen(
            [binary, "serve", *options], env=environment, cwd=directory, stdout=output, stderr=subprocess.STDOUT
        )
    code = 1
    try:
        wait_until_ready(url, server, log)
        tenants = [create_tenant(binary, name, environment) for name in ("contract-one", "contract-two", "contract-three")]
        environment |= {
            "CONTRACT_DATA_DIR": str(directory / "data"), "CONTRACT_BINARY": binary, "CONTRACT_URL": url,
            "CONTRACT_LOG": str(log), "CONTRACT_KEYS": json.dumps([tenant["key"] for tenant in tenants]),
        }
        if arguments[:1] == ["--generated"]:
            keys = [tenant["key"] for tenant in tenants]
            code = generated.run(url, keys, long="--long" in arguments)
        else:
            code = subprocess.call([sys.executable, "-m", "pytest", "--rootdir", str(HERE), "-c",
                                    str(HERE / "pytest.ini"), *(arguments or [str(HERE)])], env=environment)
        if server.poll() is not None:
            print(f"the server ended by itself with {server.returncode}", file=sys.stderr)
            code = code or 1
    finally:
        if server.poll() is None:
            stop(server)
        if code:
            kept = pathlib.Path(tempfile.gettempdir()) / "verdict-contract-server.log"
            shutil.copy(log, kept)
            print(f"the server's log: {kept}", file=sys.stderr)
        shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
