#!/usr/bin/env python3
"""walk.py OLD NEW: an upgrade and the way back, under load, on one database.

OLD and NEW are two builds of `verdict`. The steps are those of docs/operations.md, "Upgrades": the schema first, then
the servers one by one; back with the old server on the new schema; forward again. Requests continue throughout, as
through a load balancer that removes a server before it is stopped. No request may fail, and all acknowledged data must
exist at the end. Requires only PostgreSQL's server binaries.
"""

import http.client
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

APP = "postgres" if os.geteuid() == 0 else None


def postgres_binaries():
    root = "/usr/lib/postgresql"
    if os.environ.get("PG_BINDIR"):
        return os.environ["PG_BINDIR"]
    versions = sorted((int(v) for v in os.listdir(root) if v.isdigit()), reverse=True)
    return f"{root}/{versions[0]}/bin"


class Cluster:
    """A private PostgreSQL on a Unix socket."""

    def __init__(self, directory):
        self.directory = directory
        self.bin = postgres_binaries()
        if APP:
            user = pwd.getpwnam(APP)
            os.chown(directory, user.pw_uid, user.pw_gid)
        self.run("initdb", "-D", f"{directory}/data", "-U", "postgres", "-A", "trust", "--no-sync")
        self.run(
            "pg_ctl", "-D", f"{directory}/data", "-w", "-l", f"{directory}/log",
            "-o", f"-c listen_addresses='' -c unix_socket_directories='{directory}' -c fsync=off", "start",
        )

    def run(self, program, *arguments):
        command = [f"{self.bin}/{program}", *arguments]
        if APP:
            command = ["runuser", "-u", APP, "--", *command]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/tmp")

    def psql(self, sql):
        command = [f"{self.bin}/psql", "-X", "-v", "ON_ERROR_STOP=1", "-Atc", sql, self.url]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/tmp").stdout.strip()

    @property
    def url(self):
        return f"host={self.directory} user=postgres dbname=postgres"

    def stop(self):
        self.run("pg_ctl", "-D", f"{self.directory}/data", "-w", "-m", "immediate", "stop")


class Server:
    """A running `verdict serve`."""

    all = []

    def __init__(self, binary, cluster, name):
        Server.all.append(self)
        self.name = name
        self.log = open(f"{cluster.directory}/{name}.log", "w+")
        environment = dict(os.environ, DATABASE_URL=cluster.url, VERDICT_PORT="0")
        self.process = subprocess.Popen(
            [binary, "serve"], env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        self.port = self.wait(self.listening, "listen")
        self.wait(self.is_ready, "be ready")

    def wait(self, look, what):
        for _ in range(600):
            answer = look()
            if answer:
                return answer
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit(f"{self.name} does not {what}:\n{open(self.log.name).read()[-3000:]}")

    def listening(self):
        for line in open(self.log.name):
            if "listening on http://" in line:
                return int(line.rsplit(":", 1)[1].split()[0])
        return None

    def is_ready(self):
        return request(self.port, None, "GET", "/readyz")[0] == 200

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=40)
        assert code == 0, f"{self.name} ended with {code}"


def request(port, key, method, path, body=None, connection=None):
    own = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    own.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = own.getresponse()
    text = answer.read()
    if not connection:
        own.close()
    return answer.status, json.loads(text) if text[:1] in b"{[" and text else text.decode()


class Load:
    """Clients that send requests continuously to the server that the balancer selects."""

    def __init__(self, key):
        self.key = key
        self.target = None
        self.lock = threading.Condition()
        self.inflight = {}
        self.failures = []
        self.done = 0
        self.labels = 0
        self.predictions = []
        self.is_over = False
        self.threads = [threading.Thread(target=self.work, args=(i,), daemon=True) for i in range(6)]

    def start(self, server):
        self.target = server
        for thread in self.threads:
            thread.start()

    def switch(self, server):
        """Sends new requests to `server`, and returns when the previous server has answered all of its requests."""
        with self.lock:
            old, self.target = self.target, server
            self.lock.wait_for(lambda: self.inflight.get(old.name, 0) == 0, timeout=40)

    def work(self, number):
        round_number = 0
        while not self.is_over:
            round_number += 1
            with self.lock:
                server = self.target
                self.inflight[server.name] = self.inflight.get(server.name, 0) + 1
            try:
                self.ask(server, number, round_number)
            except Exception as error:  # every failure of a request fails the test
                self.failures.append(f"{server.name}: {type(error).__name__} {error}")
            finally:
                with self.lock:
                    self.inflight[server.name] -= 1
                    self.lock.notify_all()
            time.sleep(0.005)

    def ask(self, server, number, round_number):
        features = {"x": number + round_number % 7, "c": "red" if round_number % 2 else "blue"}
        kind = (number + round_number) % 4
        path = "/v1/datasets/d"
        if kind == 0:
            status, answer = request(
                server.port, self.key, "POST", path + "/labels",
                {"labels": [{"features": features, "label": round_number % 2}]},
            )
            with self.lock:
                self.labels += 1 if status == 201 else 0
        elif kind == 1:
            status, answer = request(server.port, self.key, "POST", path + "/predictions", {"features": features})
            if status == 201:
                with self.lock:
                    self.predictions.append(answer["id"])
        elif kind == 2:
            status, answer = request(
                server.port, self.key, "POST", path + "/predictions?store=false", {"features": features}
            )
        else:
            status, answer = request(server.port, self.key, "GET", path)
        self.done += 1
        if status not in (200, 201):
            self.failures.append(f"{server.name}: {status} {answer}")

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(timeout=40)


def verdict(binary, cluster, *arguments):
    environment = dict(os.environ, DATABASE_URL=cluster.url)
    result = subprocess.run([binary, *arguments], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"verdict {arguments}: {result.stdout} {result.stderr}"
    return result.stdout


def train(server, key, dataset="d"):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=90)
    connection.request(
        "POST", f"/v1/datasets/{dataset}/training-jobs", "{}",
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Prefer": "wait=60"},
    )
    answer = json.loads(connection.getresponse().read())
    assert answer["state"] == "succeeded", answer
    return answer["model_version"]


def say(text):
    print(f"· {text}", flush=True)


def walk(old, new, cluster):
    verdict(old, cluster, "migrate")
    key = json.loads(verdict(old, cluster, "tenant", "create", "acme", "--json"))["key"]
    first = Server(old, cluster, "old")
    features = [{"name": "x", "type": "continuous"}, {"name": "c", "type": "categorical"}]
    assert request(first.port, key, "POST", "/v1/datasets", {"name": "d", "features": features})[0] == 201
    rows = [{"features": {"x": i % 13, "c": "red" if i % 3 else "blue"}, "label": int(i % 13 > 5)} for i in range(300)]
    assert request(first.port, key, "POST", "/v1/datasets/d/labels", {"labels": rows})[0] == 201
    assert train(first, key) == 1
    load = Load(key)
    load.start(first)
    time.sleep(2)

    say("migrating to the new schema, with the old server running")
    say(verdict(new, cluster, "migrate", "--status").strip().splitlines()[-1])
    say(verdict(new, cluster, "migrate").strip())
    time.sleep(2)
    assert first.is_ready(), "the old server is not ready on the new schema"

    say("starting the new server beside the old one, then stopping the old one")
    second = Server(new, cluster, "new")
    load.switch(second)
    first.stop()
    training = request(second.port, key, "GET", "/v1/datasets/d")[1]["training"]
    assert training["family"] == "linear", "the upgrade has changed an existing dataset"
    assert train(second, key) == 2
    # Servers of the previous release cannot read additive models, so a dataset that has to go back is linear.
    linear = {"name": "e", "features": features, "training": {"family": "linear"}}
    assert request(second.port, key, "POST", "/v1/datasets", linear)[0] == 201
    assert request(second.port, key, "POST", "/v1/datasets/e/labels", {"labels": rows})[0] == 201
    assert train(second, key, "e") == 1
    time.sleep(2)

    say("going back: the old server on the new schema")
    say(verdict(old, cluster, "migrate").strip())
    third = Server(old, cluster, "old again")
    load.switch(third)
    second.stop()
    assert train(third, key) == 3
    assert request(third.port, key, "POST", "/v1/datasets/e/predictions?store=false", {"features": {"x": 3}})[0] == 200
    assert train(third, key, "e") == 2
    changed = request(third.port, key, "PATCH", "/v1/datasets/e", {"models_kept": 7})
    assert changed[0] == 200, changed
    time.sleep(2)

    say("an even newer schema, and the new server again")
    newest = cluster.psql("SELECT max(name) FROM schema_migrations")
    cluster.psql("ALTER TABLE datasets ADD COLUMN of_a_later_version int")
    cluster.psql(
        "INSERT INTO schema_migrations (name, checksum, compatible_with) "
        f"VALUES ('9999_of_a_later_version', 'x', '{newest}')"
    )
    time.sleep(2)
    fourth = Server(new, cluster, "new again")
    load.switch(fourth)
    third.stop()
    assert train(fourth, key) == 4
    kept = request(fourth.port, key, "GET", "/v1/datasets/e")[1]
    assert (kept["models_kept"], kept["training"]["family"], kept["min_bin_rows"]) == (7, "linear", 5), kept
    time.sleep(2)
    assert fourth.is_ready()
    load.stop()

    assert not load.failures, f"{len(load.failures)} of {load.done} requests failed: {load.failures[:5]}"
    assert load.done > 500, f"only {load.done} requests were made"
    stored = request(fourth.port, key, "GET", "/v1/datasets/d")[1]["labels_stored"]
    assert stored == len(rows) + load.labels, f"{stored} labels, {len(rows) + load.labels} acknowledged"
    for name in load.predictions[:: max(1, len(load.predictions) // 200)]:
        assert request(fourth.port, key, "GET", f"/v1/datasets/d/predictions/{name}")[0] == 200, f"{name} is lost"
    count = int(cluster.psql("SELECT count(*) FROM predictions"))
    assert count == len(load.predictions), f"{count} predictions, {len(load.predictions)} acknowledged"
    fourth.stop()
    say(f"{load.done} requests, none failed; all {stored} acknowledged labels and {count} predictions exist")


def main():
    old, new = (os.path.abspath(path) for path in sys.argv[1:3])
    directory = tempfile.mkdtemp(prefix="verdict-up-", dir="/tmp")
    cluster = Cluster(directory)
    try:
        walk(old, new, cluster)
    finally:
        for server in Server.all:
            server.process.kill()
            server.process.wait()
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
