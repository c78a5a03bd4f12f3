#!/usr/bin/env python3
"""play.py [--seconds N | --all-at-once N] [--full] [--only A1,B2] [--strict] [--pace N] [--json FILE]

Plays hostile tenants beside a quiet one, against the server VERDICT_BIN in a limit of memory, and prints what the quiet
one felt. `scripts/test-hostile --help` describes the options and the verdict. Requires only PostgreSQL's server
binaries.
"""

import argparse
import concurrent.futures
import contextlib
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback

from hostile import attacker, fixtures, table
from hostile.attacks import ATTACKS, Attack, Probe, World
from hostile.confinement import MemoryLimit, ProcessorLimit, resident
from hostile.database import Cluster
from hostile.quiet import Felt, QuietTenant
from hostile.server import Server

BYTES = 1 << 30
# Processes are not forked, because the harness has threads.
CONTEXT = multiprocessing.get_context("spawn")


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Assault:
    """The process of one attack, its probe, and what both found."""

    def __init__(self, world: World, attack: Attack, fixture, seconds: float, processor: ProcessorLimit):
        self.attack, self.processor = attack, processor
        key = None if attack.anonymous else world.keys[attack.tenant]
        self.ready = CONTEXT.Event()
        self.pipe, remote = CONTEXT.Pipe()
        arguments = (attack.step, attack.clients, world.server.port, key, fixture, seconds, self.ready, remote)
        self.process = CONTEXT.Process(target=attacker.work, args=arguments, daemon=True)
        self.process.start()
        remote.close()
        self.probe = Probe(world, time.monotonic() + seconds)
        self.thread = None
        if attack.probe:
            self.thread = threading.Thread(target=self.look, args=(fixture,), daemon=True)

    def look(self, fixture) -> None:
        try:
            self.attack.probe(self.probe, fixture)
        except Exception as error:  # a probe that fails is a finding, not the end of the run
            self.probe.failures.append(f"{type(error).__name__} {error}"[:120])

    def begin(self, seconds: float) -> None:
        self.probe.deadline = time.monotonic() + seconds
        self.processor.add(self.process.pid)
        self.ready.set()
        if self.thread:
            self.thread.start()

    def end(self) -> tuple[dict, dict, int]:
        try:
            found = self.pipe.recv() if self.pipe.poll(20) else ({}, {"the attacker did not answer": 1}, 0)
        except EOFError:
            found = {}, {"the attacker ended by itself": 1}, 0
        self.processor.remove(self.process.pid)
        if self.thread:
            self.thread.join(100)
            if self.thread.is_alive():
                self.probe.failures.append("the probe did not end")
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        return found


class Run:
    """One run: fixtures, then each attack beside the quiet tenant, or all of them at once."""

    def __init__(self, world: World, quiet: QuietTenant, processor: ProcessorLimit, options):
        self.world, self.quiet, self.processor, self.options = world, quiet, processor, options
        self.fixtures: dict = {}
        self.is_settled = True
        self.baseline: Felt | None = None

    def alone(self) -> Felt:
        """The quiet tenant's baseline; the previous one while the server is still busy with an earlier attack."""
        self.quiet.begin()
        time.sleep(self.options.baseline)
        felt = self.quiet.end()
        if self.is_settled or self.baseline is None:
            self.baseline = felt
        return self.baseline

    def play(self, attacks: list[Attack], seconds: float) -> tuple[table.Effect, list[table.Line]]:
        """Plays attacks at the same time, for some seconds. Returns their effect, and a line for each."""
        server = self.world.server
        assaults = [Assault(self.world, each, self.fixtures[each.name], seconds, self.processor) for each in attacks]
        alone = self.alone()
        server.reset_peak()
        peak = server.peak()
        self.quiet.begin()
        for each in assaults:
            each.begin(seconds)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            peak = max(peak, server.peak())
            time.sleep(0.05)
        felt = self.quiet.end()
        lines = []
        for each in assaults:
            lines.append(table.Line(each.attack, *each.end(), each.probe))
        peak = max(peak, server.peak())
        for each in assaults:
            if each.attack.after:
                with contextlib.suppress(Exception):
                    each.attack.after(self.world, each.attack.tenant, self.fixtures[each.attack.name])
        self.is_settled = server.settle(self.options.settle)
        # An attack may also kill the server a moment after its end.
        deaths = list(server.deaths)
        server.deaths.clear()
        return table.Effect(alone, felt, peak, resident(server.process.pid), deaths), lines


def selected(names: str | None) -> list[Attack]:
    if not names:
        return ATTACKS
    wanted = names.upper().split(",")
    if unknown := set(wanted) - {each.name for each in ATTACKS}:
        sys.exit(f"unknown attacks: {', '.join(sorted(unknown))}")
    return [each for each in ATTACKS if each.name in wanted]


def settings_within(limit: MemoryLimit) -> dict[str, str]:
    """The server's bounds of memory, where it cannot read its limit: what its defaults are in one of that size."""
    workers = {"VERDICT_WORKERS": "1"}
    if limit.is_seen_by_the_server:
        return workers
    megabytes = limit.bytes >> 20
    return workers | {
        "VERDICT_REQUEST_MEMORY_MB": str(megabytes // 4), "VERDICT_TRAINING_MEMORY_MB": str(megabytes * 3 // 16),
        "VERDICT_MODEL_CACHE_MB": str(megabytes // 8),
    }


def play(options, directory: pathlib.Path, closing: contextlib.ExitStack) -> int:
    attacks = selected(options.only)
    binary = str(pathlib.Path(os.environ["VERDICT_BIN"]).resolve())
    if not os.access(binary, os.X_OK):
        sys.exit(f"VERDICT_BIN: {binary} is not a program")
    began = time.monotonic()
    cluster = Cluster(directory)
    closing.callback(cluster.stop)
    server = Server(binary, directory, cluster.url, free_port(), {})
    closing.callback(server.stop)
    server.command("migrate")
    tenants = ["quiet", "prober", "neighbour", *(each.tenant for each in attacks)]
    keys = {name: server.command("tenant", "create", name, "--json")["key"] for name in tenants}
    world = World(server, keys, fixtures.Sizes(options.full))

    say("building the fixtures, without a limit of memory")
    server.start(settings={"VERDICT_WORKERS": "2"})
    fixtures.narrow(world.api("quiet"), "quiet")
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = {each.name: pool.submit(each.prepare, world, each.tenant) for each in attacks}
        built = {name: future.result() for name, future in waiting.items()}
    say(f"the fixtures took {time.monotonic() - start:.0f} s")
    server.stop()

    limit = MemoryLimit(BYTES)
    closing.callback(limit.close)
    closing.callback(server.stop)
    processor = ProcessorLimit(options.attackers_cpu)
    closing.callback(processor.close)
    say(f"the server has {BYTES >> 20} MiB ({limit.means})")
    say(f"all attackers together have {options.attackers_cpu} of a core ({processor.means})")
    server.start(limit, settings_within(limit))
    quiet = QuietTenant(CONTEXT, server.port, keys["quiet"], "quiet", options.pace)
    closing.callback(quiet.stop)
    run = Run(world, quiet, processor, options)
    run.fixtures = built
    # The first requests of a process are slower than all later ones.
    time.sleep(1)
    server.measure_ordinary_load(1)

    report = table.Report(options.strict)
    if options.all_at_once:
        say(f"{len(attacks)} attacks at once, {options.all_at_once:.0f} s")
        report.add(*run.play(attacks, options.all_at_once))
    else:
        for each in attacks:
            report.add(*run.play([each], max(options.seconds, each.seconds)))
    report.close(time.monotonic() - began)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report.data(), indent=2) + "\n")
    if report.failures:
        kept = pathlib.Path(tempfile.gettempdir()) / "verdict-hostile-server.log"
        with contextlib.suppress(OSError):  # another user's
            shutil.copy(server.log_path, kept)
            print(f"the server's log: {kept}", file=sys.stderr)
    return 1 if report.failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/test-hostile")
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--all-at-once", type=float, metavar="SECONDS")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--pace", type=float, default=50)
    parser.add_argument("--baseline", type=float, default=2)
    parser.add_argument("--settle", type=float, default=15)
    parser.add_argument("--attackers-cpu", type=float, default=0.25)
    parser.add_argument("--json")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="verdict-hostile-", dir="/tmp"))
    directory.chmod(0o755)  # a cluster started by root runs as another user, who has to get through here
    code = 1
    try:
        with contextlib.ExitStack() as closing:
            code = play(options, directory, closing)
    except KeyboardInterrupt:
        code = 130
    except Exception:
        traceback.print_exc()
        log = directory / "server.log"
        if log.exists():
            print("the server's log ends with:\n" + log.read_text(errors="replace")[-3000:], file=sys.stderr)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
