"""The data that attacks need. They are built before the server is limited, through the API."""

import gzip
import json
import random
import time

from hostile.wire import Caller, Refused


class Sizes:
    """How large the fixtures are: as in the incidents, or small enough for a debug build within CI's minutes."""

    def __init__(self, full: bool):
        self.features = 2000
        self.training_batches = 14
        self.training_rows = 10_000 if full else 4_000
        self.batch_rows = 100_000 if full else 40_000
        self.wide_datasets = 60 if full else 20
        self.page_rows = 300 if full else 100
        self.categories = 200_000 if full else 20_000
        self.large_models = 24 if full else 4
        self.category_bytes = 20 if full else 900
        self.keyed = 500_000 if full else 100_000
        self.stored = 200_000 if full else 50_000
        self.labelled = 200_000 if full else 20_000


def compressed(body: bytes) -> bytes:
    return gzip.compress(body, 9)


def repeated(prefix: bytes, row: bytes, count: int, suffix: bytes) -> bytes:
    return prefix + b",".join([row] * count) + suffix


def empty_predictions(count: int) -> bytes:
    return repeated(b'{"predictions":[', b'{"features":{}}', count, b"]}")


def create(api: Caller, name: str, features: list[dict], **members) -> str:
    """Creates a dataset and returns its path."""
    api("POST", "/v1/datasets", {"name": name, "features": features} | members)
    return f"/v1/datasets/{name}"


def add_csv(api: Caller, path: str, header: str, rows: list[str]) -> None:
    api("POST", f"{path}/labels", "\n".join([header, *rows, ""]).encode(), Content_Type="text/csv")


def train(api: Caller, path: str) -> int:
    """Trains and returns the version of the model."""
    job = api("POST", f"{path}/training-jobs", {"max_iterations": 5}, Prefer="wait=60").json()
    deadline = time.monotonic() + 600
    while job["state"] in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.2)
        job = api("GET", f"{path}/training-jobs/{job['id']}").json()
    if job["state"] != "succeeded":
        raise SystemExit(f"the training of a fixture ended as {job['state']}: {job['error']}")
    return job["model_version"]


def add_empty_rows(api: Caller, path: str, count: int) -> int:
    """Stores rows without any value; a batch that is refused for its size is halved."""
    stored, step = 0, count
    while stored < count and step >= 100:
        take = min(step, count - stored)
        half = take // 2
        rows = b'{"features":{},"label":0},' * half + b'{"features":{},"label":1},' * (take - half)
        try:
            api("POST", f"{path}/labels", compressed(b'{"labels":[' + rows[:-1] + b"]}"), Content_Encoding="gzip")
        except Refused as error:
            if error.answer.status not in (413, 422, 503):
                raise
            step //= 2
            continue
        stored += take
    return stored


NARROW = [{"name": "age", "type": "continuous"}, {"name": "sex", "type": "categorical"}]


def narrow(api: Caller, name: str, **members) -> str:
    """A small dataset with a model."""
    path = create(api, name, NARROW, **members)
    generator = random.Random(1)
    rows = []
    for _ in range(400):
        age, sex = generator.randint(18, 80), generator.choice(["Female", "Male"])
        rows.append(f"{age},{sex},{int(age + generator.gauss(0, 15) > 45)}")
    add_csv(api, path, "age,sex,label", rows)
    train(api, path)
    return path


def wide(api: Caller, name: str, count: int) -> str:
    """A dataset with numeric features and a model that uses them."""
    path = create(api, name, [{"name": f"f{index}", "type": "continuous"} for index in range(count)])
    generator = random.Random(2)
    header = ",".join(f"f{index}" for index in range(count)) + ",label"
    rows = [",".join(str(generator.randint(0, 9)) for _ in range(count)) + f",{number % 2}" for number in range(40)]
    add_csv(api, path, header, rows)
    train(api, path)
    return path


def long_names(count: int, seed: int) -> list[dict]:
    """Features whose names take 512 bytes each."""
    return [{"name": "\U00020000" * 118 + f"{seed:04d}{index:06d}", "type": "continuous"} for index in range(count)]


def categorical(api: Caller, name: str, count: int, length: int = 20) -> str:
    """A dataset whose model has a coefficient for each of many categories of some length."""
    path = create(api, name, [{"name": "code", "type": "categorical"}])
    codes = [f"{index:08d}".ljust(length, "x") for index in range(count)]
    add_csv(api, path, "code,label", [f"{code},{index % 2}" for index, code in enumerate(codes + codes[: count // 4])])
    train(api, path)
    return path


def store_predictions(api: Caller, path: str, count: int) -> list[str]:
    """Stores predictions and returns the first ids."""
    ids: list[str] = []
    generator = random.Random(3)
    rest = count
    while rest > 0:
        take = min(rest, 20_000)
        rows = [{"features": {"age": round(generator.uniform(18, 80), 2)}} for _ in range(take)]
        answer = api("POST", f"{path}/predictions/batch", {"predictions": rows})
        ids += [prediction["id"] for prediction in answer.json()["predictions"]]
        rest -= take
    return ids


def label_predictions(api: Caller, path: str, ids: list[str]) -> None:
    for start in range(0, len(ids), 20_000):
        labels = [{"id": each, "label": index % 2} for index, each in enumerate(ids[start : start + 20_000])]
        api("POST", f"{path}/predictions/labels", json.dumps({"labels": labels}).encode())
