"""The attacks. Each has a tenant of its own, a fixture, a step that its clients repeat, and where the damage is not
felt by the quiet tenant alone, a probe that measures it."""

import dataclasses
import functools
import subprocess
import threading
import time
from collections.abc import Callable

from hostile import fixtures
from hostile.fixtures import Sizes, compressed, empty_predictions
from hostile.wire import Broken, Caller, Refused

UNSEEN = b'{"features":{"code":"unseen"}}'


class World:
    """What fixtures and probes can reach."""

    def __init__(self, server, keys: dict[str, str], sizes: Sizes):
        self.server, self.keys, self.sizes = server, keys, sizes

    def api(self, tenant: str, timeout: float = 120) -> Caller:
        return Caller(self.server.port, self.keys[tenant], timeout)


class Probe:
    """Measurements beside an attack: the longest time for each thing, in seconds, and what could not be measured."""

    def __init__(self, world: World, deadline: float):
        self.world, self.deadline = world, deadline
        self.longest: dict[str, float] = {}
        self.facts: list[str] = []
        self.failures: list[str] = []

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline

    def note(self, name: str, seconds: float) -> None:
        self.longest[name] = max(seconds, self.longest.get(name, 0))

    def timed(self, name: str, call: Callable):
        """Measures a call. A refusal for lack of room is tried again, within the time."""
        start = time.monotonic()
        while True:
            try:
                answer = call()
            except Refused as error:
                if error.answer.status in (429, 503, 504) and time.monotonic() - start < 30:
                    time.sleep(0.05)
                    continue
                self.failures.append(f"{name}: {error.answer.status} {error.answer.problem}")
                return None
            except Broken as error:
                self.failures.append(f"{name}: {error}")
                time.sleep(0.2)
                return None
            finally:
                self.note(name, time.monotonic() - start)
            return answer


@dataclasses.dataclass
class Attack:
    name: str
    title: str
    clients: int
    prepare: Callable  # (world, tenant) → fixture, built before the server is limited
    step: Callable  # (attempt, fixture), in the attacker's process
    probe: Callable | None = None  # (probe, fixture), in a thread of the harness
    after: Callable | None = None  # (world, tenant, fixture)
    anonymous: bool = False
    seconds: float = 0  # the least that it takes for the damage to show
    bounds: dict = dataclasses.field(default_factory=dict)  # a probe's own goal and hard bound, in seconds

    @property
    def tenant(self) -> str:
        return f"hostile-{self.name.lower()}"


# A: memory


def prepare_training(world: World, tenant: str) -> dict:
    api = world.api(tenant)
    features = [{"name": f"f{index}", "type": "continuous"} for index in range(world.sizes.features)]
    path = fixtures.create(api, "huge", features)
    for _ in range(world.sizes.training_batches):
        fixtures.add_empty_rows(api, path, world.sizes.training_rows)
    batch = b'{"labels":[' + (b'{"features":{},"label":1},' * world.sizes.training_rows)[:-1] + b"]}"
    return {"path": path, "batch": compressed(batch), "tenant": tenant}


def train_beyond_memory(attempt, fixture) -> None:
    """A few trainings, and more rows."""
    if attempt.index == 0 or attempt.round > 4:
        attempt.post(fixture["path"] + "/labels", fixture["batch"], Content_Encoding="gzip")
    else:
        attempt.post(fixture["path"] + "/training-jobs", b"{}", Prefer="wait=5")


def wait_for_a_decision(probe: Probe, fixture) -> None:
    """The time until a training that cannot fit is decided, and how. Its memory is known before its rows are read."""
    api = probe.world.api(fixture["tenant"], timeout=10)
    path = fixture["path"] + "/training-jobs"
    answer = probe.timed("training requested", lambda: api("POST", path, {}))
    if answer is None:
        return
    job, began = answer.json(), time.monotonic()
    while job["state"] in ("queued", "running") and not probe.is_over:
        time.sleep(0.1)
        try:
            job = api("GET", f"{path}/{job['id']}").json()
        except (Broken, Refused):
            pass
        probe.note("training decided", time.monotonic() - began)
    reason = f" ({job['error']['type']})" if job["error"] else ""
    probe.facts.append(f"training {job['state']}{reason}, attempt {job['attempt']}")


def cancel_trainings(world: World, tenant: str, fixture) -> None:
    """Cancels what is queued, so that no later attack is played beside this one."""
    api = world.api(tenant, timeout=10)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            jobs = api("GET", fixture["path"] + "/training-jobs?limit=1000").json()["data"]
            waiting = [job["id"] for job in jobs if job["state"] in ("queued", "running")]
            if not waiting:
                return
            for job in waiting:
                api("POST", f"{fixture['path']}/training-jobs/{job}/cancel", expect=(200, 202, 404, 409))
        except (Broken, Refused):
            pass
        time.sleep(0.2)


def prepare_wide(world: World, tenant: str) -> dict:
    api = world.api(tenant)
    path = fixtures.wide(api, "wide", world.sizes.features - 100)
    rows = world.sizes.batch_rows
    return {
        "path": path,
        "batch": compressed(empty_predictions(rows)),
        "lines": compressed(b'{"features":{}}\n' * rows),
        "medium": empty_predictions(rows // 2),
        "over": empty_predictions(150_000),
    }


def explain_everything(attempt, fixture) -> None:
    path = fixture["path"] + "/predictions/batch"
    if attempt.index % 2:
        attempt.post(path + ".ndjson?explain=true&store=false", fixture["lines"], "application/x-ndjson",
                     Content_Encoding="gzip")
    else:
        attempt.post(path + "?explain=true&store=false", fixture["batch"], Content_Encoding="gzip")


def expand_bodies(attempt, fixture) -> None:
    path = fixture["path"] + "/predictions/batch?store=false"
    attempt.post(path, fixture["over" if (attempt.index + attempt.round) % 2 else "medium"])


def prepare_pages(world: World, tenant: str) -> dict:
    api = world.api(tenant)
    for index in range(world.sizes.wide_datasets):
        path = fixtures.create(api, f"wide-{index}", fixtures.long_names(1800, index))
    fixtures.add_empty_rows(api, path, world.sizes.page_rows)
    return {"path": path, "rows": world.sizes.page_rows}


def read_large_pages(attempt, fixture) -> None:
    if attempt.index % 2:
        attempt.send("GET", f"{fixture['path']}/labels?limit={fixture['rows']}")
    else:
        attempt.send("GET", "/v1/datasets?limit=1000")


def prepare_models(world: World, tenant: str) -> list[str]:
    api = world.api(tenant)
    sizes = world.sizes
    return [fixtures.categorical(api, f"codes-{index}", sizes.categories, sizes.category_bytes)
            for index in range(sizes.large_models)]


def fill_the_cache(attempt, paths: list[str]) -> None:
    path = paths[(attempt.index + attempt.round) % len(paths)]
    attempt.post(path + "/predictions?store=false", UNSEEN)


# B: the database


def prepare_stored(world: World, tenant: str) -> dict:
    api = world.api(tenant)
    path = fixtures.narrow(api, "stored")
    fixtures.store_predictions(api, path, world.sizes.stored)
    return {"path": path}


def read_the_most_uncertain(attempt, fixture) -> None:
    attempt.send("GET", fixture["path"] + "/predictions?sort=uncertainty&limit=1")


def prepare_upload(world: World, tenant: str) -> dict:
    path = fixtures.narrow(world.api(tenant), "uploaded")
    rows = (f"k{row},{row % 60},{row % 2}\n" for row in range(world.sizes.keyed))
    return {"path": path, "rows": compressed(("key,age,label\n" + "".join(rows)).encode())}


def delete_during_an_upload(attempt, fixture) -> None:
    """An upload of rows with keys stores them with one statement, for which deletions wait."""
    if attempt.index == 0:
        attempt.post(fixture["path"] + "/labels", fixture["rows"], "text/csv", Content_Encoding="gzip",
                     Idempotency_Key=f"upload-{attempt.round}")
    else:
        attempt.send("DELETE", fixture["path"] + "/labels/1")


def prepare_model(world: World, tenant: str) -> dict:
    return {"path": fixtures.categorical(world.api(tenant), "codes", world.sizes.categories)}


def read_a_large_model(attempt, fixture) -> None:
    attempt.send("GET", fixture["path"] + "/models/1")


def prepare_live_gate(world: World, tenant: str) -> dict:
    api = world.api(tenant)
    path = fixtures.narrow(api, "gated")
    ids = fixtures.store_predictions(api, path, world.sizes.labelled)
    fixtures.label_predictions(api, path, ids)
    gate = {"metric": "roc_auc", "minimum": 0.0, "source": "live", "min_labels": 100}
    api("PATCH", path, {"gate": gate}, Content_Type="application/merge-patch+json")
    return {"path": path, "ids": ids[:4800]}


def label_under_a_live_gate(attempt, fixture) -> None:
    mine = fixture["ids"][attempt.index :: 64]
    turn, place = divmod(attempt.round, len(mine))
    attempt.put(f"{fixture['path']}/predictions/{mine[place]}/label", b'{"label":%d}' % ((turn + attempt.index) % 2))


def nothing(world: World, tenant: str) -> None:
    return None


def ask_for_health(attempt, fixture) -> None:
    attempt.send("GET", "/healthz")


# C: locks


def prepare_blocks(world: World, tenant: str) -> dict:
    path = fixtures.narrow(world.api(tenant), "blocks")
    fixtures.narrow(world.api("prober"), "trained")
    return {"path": path, "batch": compressed(empty_predictions(20_000))}


def store_blocks(attempt, fixture) -> None:
    attempt.post(fixture["path"] + "/predictions/batch", fixture["batch"], Content_Encoding="gzip")


def start_trainings(probe: Probe, fixture) -> None:
    """The time from the request of another tenant's training to its start."""
    api = probe.world.api("prober", timeout=40)
    path = "/v1/datasets/trained/training-jobs"
    while not probe.is_over:
        began = time.monotonic()
        answer = probe.timed("request a training", lambda: api("POST", path, {}))
        if answer is None:
            continue
        job = answer.json()
        while job["started_at"] is None and time.monotonic() - began < 30:
            time.sleep(0.05)
            try:
                job = api("GET", f"{path}/{job['id']}").json()
            except (Broken, Refused):
                time.sleep(0.1)
        probe.note("job starts", time.monotonic() - began)
        try:
            api("POST", f"{path}/{job['id']}/cancel", expect=(200, 202, 404, 409))
        except (Broken, Refused):
            pass
        time.sleep(0.5)


def prepare_contended(world: World, tenant: str) -> dict:
    api = world.api(tenant)
    path = fixtures.narrow(api, "contended")
    fixtures.train(api, path)
    return {"path": path, "ids": fixtures.store_predictions(api, path, 6400), "tenant": tenant}


def label_one_dataset(attempt, fixture) -> None:
    label_under_a_live_gate(attempt, fixture)


def change_the_dataset(probe: Probe, fixture) -> None:
    """The times of the owner's own changes, side by side; the last ones delete the dataset, and the tenant."""
    tenant, path = fixture["tenant"], fixture["path"]
    end = probe.deadline - 3

    def repeat(name: str, change: Callable) -> None:
        api, turn = probe.world.api(tenant, timeout=60), 0
        while time.monotonic() < end:
            turn += 1
            probe.timed(name, functools.partial(change, api, turn))
            time.sleep(0.3)

    def gate(api: Caller, turn: int):
        value = {"gate": {"metric": "accuracy", "minimum": turn % 2 / 100}}
        return api("PATCH", path, value, expect=(200, 404), Content_Type="application/merge-patch+json")

    def promote(api: Caller, turn: int):
        return api("PUT", path + "/models/active", {"version": 1 + turn % 2}, expect=(200, 404))

    changes = [("gate", gate), ("promote", promote)]
    threads = [threading.Thread(target=repeat, args=each, daemon=True) for each in changes]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, end - time.monotonic()))
    api = probe.world.api(tenant, timeout=60)
    probe.timed("delete", lambda: api("DELETE", path))
    start = time.monotonic()
    try:
        probe.world.server.command("tenant", "delete", tenant, "--yes", timeout=90)
    except (SystemExit, OSError, ValueError, subprocess.TimeoutExpired) as error:
        probe.failures.append(f"tenant delete: {error}"[:120])
    probe.note("tenant delete", time.monotonic() - start)
    for thread in threads:
        thread.join(60)


def prepare_automatic(world: World, tenant: str) -> dict:
    policy = {"enabled": True, "min_new_labels": 20, "max_delay_seconds": 1}
    # The bound is about the queue; choosing a family takes a debug build much longer than a linear fit.
    path = fixtures.narrow(world.api(tenant), "automatic", training={"family": "linear"})
    world.api(tenant)("PATCH", path, {"auto_train": policy}, Content_Type="application/merge-patch+json")
    return {"path": path, "tenant": tenant}


def post_steadily(attempt, fixture) -> None:
    row = b'{"features":{"age":%d,"sex":"Male"},"label":%d}' % (20 + attempt.round % 60, attempt.round % 2)
    attempt.post(fixture["path"] + "/labels", b'{"labels":[%s]}' % row)


def wait_for_automatic_trainings(probe: Probe, fixture) -> None:
    """The longest time without a new automatic model."""
    api = probe.world.api(fixture["tenant"], timeout=10)
    newest, since = None, time.monotonic()
    while not probe.is_over:
        try:
            version = api("GET", fixture["path"] + "/models?limit=1").json()["data"][0]["version"]
        except (Broken, Refused):
            time.sleep(0.2)
            continue
        if version != newest:
            newest, since = version, time.monotonic()
        probe.note("auto-training gap", time.monotonic() - since)
        time.sleep(0.2)


def stop_automatic(world: World, tenant: str, fixture) -> None:
    try:
        world.api(tenant, timeout=20)("PATCH", fixture["path"], {"auto_train": None},
                                      Content_Type="application/merge-patch+json")
    except (Broken, Refused):
        pass
    cancel_trainings(world, tenant, fixture)


# D: the model cache


def predict_cold(attempt, fixture) -> None:
    """The first client makes the model cold at intervals; the others predict all the while."""
    if attempt.index == 0:
        attempt.send("PATCH", fixture["path"], b'{"models_kept":%d}' % (40 + attempt.round % 2),
                     {"Content-Type": "application/merge-patch+json"})
        time.sleep(1)
    else:
        attempt.post(fixture["path"] + "/predictions?store=false", UNSEEN)


def prepare_patches(world: World, tenant: str) -> dict:
    fixtures.categorical(world.api("neighbour"), "codes", world.sizes.categories)
    return {"path": fixtures.narrow(world.api(tenant), "narrow")}


def patch_often(attempt, fixture) -> None:
    attempt.send("PATCH", fixture["path"], b'{"models_kept":%d}' % (40 + attempt.round % 2),
                 {"Content-Type": "application/merge-patch+json"})
    time.sleep(0.2)


def predict_next_door(probe: Probe, fixture) -> None:
    """The median of another tenant's predictions with a large model."""
    api = probe.world.api("neighbour", timeout=20)
    spent = []
    while not probe.is_over:
        start = time.monotonic()
        try:
            api("POST", "/v1/datasets/codes/predictions?store=false", {"features": {"code": "unseen"}})
        except (Broken, Refused) as error:
            probe.failures.append(f"neighbour: {error}"[:90])
            time.sleep(0.1)
        spent.append(time.monotonic() - start)
        time.sleep(0.02)
    # The first one may be cold.
    probe.note("neighbour's median", sorted(spent[1:] or spent)[len(spent[1:]) // 2])


ATTACKS = [
    Attack("A1", "trainings beyond memory", 3, prepare_training, train_beyond_memory,
           probe=wait_for_a_decision, after=cancel_trainings, seconds=15),
    Attack("A2", "explained batches of empty rows", 4, prepare_wide, explain_everything),
    Attack("A3", "bodies that expand", 4, prepare_wide, expand_bodies),
    Attack("A4", "pages of wide rows", 4, prepare_pages, read_large_pages),
    Attack("A5", "many large models", 8, prepare_models, fill_the_cache),
    Attack("B1", "most uncertain predictions", 24, prepare_stored, read_the_most_uncertain),
    Attack("B2", "deletions during an upload", 21, prepare_upload, delete_during_an_upload, seconds=8),
    Attack("B3", "reads of a large model", 20, prepare_model, read_a_large_model),
    Attack("B4", "outcomes under a live gate", 24, prepare_live_gate, label_under_a_live_gate),
    Attack("B5", "health checks", 24, nothing, ask_for_health, anonymous=True),
    Attack("C1", "batches of predictions", 6, prepare_blocks, store_blocks, probe=start_trainings),
    Attack("C2", "outcomes of one dataset", 64, prepare_contended, label_one_dataset, probe=change_the_dataset,
           seconds=8, bounds={"tenant delete": (5, 10)}),
    Attack("C3", "steady posting", 24, prepare_automatic, post_steadily, probe=wait_for_automatic_trainings,
           after=stop_automatic, seconds=10, bounds={"auto-training gap": (2, 5)}),
    Attack("D1", "predictions on a cold large model", 25, prepare_model, predict_cold),
    Attack("D2", "patches, five a second", 1, prepare_patches, patch_often, probe=predict_next_door,
           bounds={"neighbour's median": (0.05, 0.2)}),
]
