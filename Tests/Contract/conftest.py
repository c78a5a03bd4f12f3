"""Fixtures: the server under test (started by harness.py), its tenants, and a dataset with a trained model."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import uuid

import pytest

from contract import data
from contract.client import Client


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["CONTRACT_URL"]


@pytest.fixture(scope="session")
def admin_keys() -> list[str]:
    """An admin key of each of the three tenants."""
    return json.loads(os.environ["CONTRACT_KEYS"])


@pytest.fixture(scope="session")
def api(url, admin_keys) -> Client:
    """The first tenant, as admin."""
    return Client(url, admin_keys[0])


@pytest.fixture(scope="session")
def other(url, admin_keys) -> Client:
    """The second tenant, as admin."""
    return Client(url, admin_keys[1])


@pytest.fixture(scope="session")
def storyteller(url, admin_keys) -> Client:
    """The third tenant, as admin. Only the examples create data in it."""
    return Client(url, admin_keys[2])


@pytest.fixture(scope="session")
def nobody(url) -> Client:
    """A client without a key."""
    return Client(url, None)


def key_of_each_role(api, url) -> dict[str, Client]:
    made = {}
    for role in ("admin", "write", "read", "predict"):
        answer = api.call("createKey", json_body={"name": f"contract {role}", "role": role}, expect=201)
        made[role] = Client(url, answer.json()["secret"])
    return made


@pytest.fixture(scope="session")
def roles(api, url) -> dict[str, Client]:
    """The first tenant, with a key of each role."""
    return key_of_each_role(api, url)


@pytest.fixture(scope="session")
def other_roles(other, url) -> dict[str, Client]:
    """The second tenant, with a key of each role."""
    return key_of_each_role(other, url)


@pytest.fixture
def dataset(api) -> str:
    """A new dataset without labels."""
    return data.create(api, f"d-{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def trained(api) -> str:
    """A dataset with 400 labels and one model. The tests of a module share it and must not change its model."""
    return data.train(api, data.create(api, f"t-{uuid.uuid4().hex[:12]}"))


class Psql:
    """The server's own PostgreSQL, as its superuser."""

    def __init__(self):
        [pid] = pathlib.Path(os.environ["CONTRACT_DATA_DIR"]).rglob("postmaster.pid")
        _, _, _, port, socket, *_ = pid.read_text().splitlines()
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))
        program = shutil.which("psql") or str(found[-1])
        self.command = [program, "-h", socket, "-p", port, "-U", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d"]

    def __call__(self, script: str) -> str:
        """Runs a script in the database postgres and returns the rows, one per line."""
        done = subprocess.run(self.command + ["postgres"], input=script, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[:2000]
        return done.stdout

    @contextlib.contextmanager
    def session(self, script: str):
        """Runs a script in a session of the server's database that stays open for the block."""
        with subprocess.Popen(self.command + ["verdict"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
            run.stdin.write(script + "\n\\echo done\n")
            run.stdin.flush()
            while (line := run.stdout.readline()) != "done\n":
                assert line, "the script failed"
            yield
            run.stdin.close()


@pytest.fixture(scope="session")
def psql() -> Psql:
    return Psql()


class Command:
    """The command line, in the environment of the running server."""

    def __init__(self, url: str):
        self.url = url

    def __call__(self, *arguments: str):
        """Runs `verdict …` and returns its output, parsed if `--json` is given."""
        done = subprocess.run([os.environ["CONTRACT_BINARY"], *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[:2000]
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def tenant(self, prefix: str) -> "Tenant":
        """Creates a tenant for one test."""
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        return Tenant(name, Client(self.url, self("tenant", "create", name, "--json")["key"]))


class Tenant:
    """A tenant's name, and a client with its first key."""

    def __init__(self, name: str, client: Client):
        self.name = name
        self.client = client


@pytest.fixture(scope="session")
def command(url) -> Command:
    return Command(url)
