"""What a run found: a table, and the verdict on it."""

from hostile.quiet import Felt

# What the quiet tenant must feel at least, on a machine that other processes share, and what it should feel.
HARD_RATE, HARD_P99, HARD_PROBE = 0.1, 1.0, 5.0
GOAL_RATE, GOAL_P99, GOAL_PROBE = 0.5, 0.05, 1.0
LINE = "{:<3} {:<36} {:>7}  {:>8} {:>9} {:>5} {:>5} {:>5} {:>5} {:>7} {:>7} {:>6}"


def milliseconds(seconds: float) -> str:
    return "-" if seconds == float("inf") else f"{seconds * 1000:.1f}"


class Effect:
    """What server and quiet tenant felt while one or several attacks were played."""

    def __init__(self, alone: Felt, felt: Felt, peak: int, after: int, deaths: list[int]):
        self.alone, self.felt, self.peak, self.after, self.deaths = alone, felt, peak, after, deaths

    @property
    def rate(self) -> float:
        """The quiet tenant's rate beside the attack, of its rate alone."""
        return self.felt.rate / self.alone.rate if self.alone.rate else 0

    def harm(self) -> list[str]:
        """What no attack may do, alone or with others."""
        found = []
        if self.deaths:
            found.append(f"the server died {len(self.deaths)} times (exit {', '.join(map(str, self.deaths[:3]))})")
        if self.felt.errors:
            reasons = ", ".join(f"{count} × {reason}" for reason, count in list(self.felt.errors.items())[:3])
            found.append(f"the quiet tenant had errors: {reasons}")
        return found

    def missed(self, goals: bool) -> list[str]:
        """What is below the goals, or below the hard bounds."""
        rate, p99 = (GOAL_RATE, GOAL_P99) if goals else (HARD_RATE, HARD_P99)
        found = []
        if self.rate < rate:
            found.append(f"the quiet tenant's rate was {self.rate:.2f} × its rate alone, not {rate} ×")
        if self.felt.quantile(0.99) > p99:
            spent = milliseconds(self.felt.quantile(0.99))
            found.append(f"the quiet tenant's p99 was {spent} ms, not {p99 * 1000:.0f}")
        return found

    def cells(self) -> list[str]:
        return [len(self.deaths), self.peak >> 20, self.after >> 20, f"{self.rate:.2f}",
                milliseconds(self.felt.quantile(0.5)), milliseconds(self.felt.quantile(0.99)),
                sum(self.felt.errors.values())]

    def data(self) -> dict:
        return {
            "peak_bytes": self.peak, "after_bytes": self.after, "deaths": self.deaths,
            "alone": {"rate": self.alone.rate, "p50": self.alone.quantile(0.5), "p99": self.alone.quantile(0.99)},
            "beside": {"rate": self.felt.rate, "p50": self.felt.quantile(0.5), "p99": self.felt.quantile(0.99),
                       "errors": self.felt.errors},
        }


class Line:
    """What the clients of one attack were answered, and what its probe measured."""

    def __init__(self, attack, answers: dict, faults: dict, received: int, probe):
        self.attack, self.answers, self.faults, self.received, self.probe = attack, answers, faults, received, probe

    def untold(self, died: bool) -> list[str]:
        """Requests that were not told why they were refused. Those that a dead server left are told of by its death."""
        faults = [(fault, count) for fault, count in self.faults.items()
                  if not (died and fault.startswith("no complete answer"))]
        return [f"an attacker was not told why: {count} × {fault}" for fault, count in faults[:3]]

    def missed(self, goals: bool) -> list[str]:
        found = []
        for name, seconds in self.probe.longest.items():
            goal, hard = self.attack.bounds.get(name, (GOAL_PROBE, HARD_PROBE))
            bound = goal if goals else hard
            if seconds > bound:
                found.append(f"{name}: {seconds:.3f} s, not {bound:g}")
        return found + self.probe.failures[:3]

    def text(self, effect: Effect | None) -> str:
        refused = sum(count for kind, count in self.answers.items() if kind[0].isdigit() and kind != "2xx")
        lost = self.answers.get("no answer", 0) + self.answers.get("cut off", 0)
        rows = [LINE.format(
            self.attack.name, self.attack.title, self.answers.get("2xx", 0), refused, lost,
            *(effect.cells() if effect else [""] * 7)).rstrip()]
        notes = [f"{count} × {kind}" for kind, count in sorted(self.answers.items()) if kind != "2xx"]
        if notes:
            rows.append("      answers: " + ", ".join(notes))
        if self.probe.facts:
            rows.append("      found: " + ", ".join(self.probe.facts))
        if self.probe.longest:
            longest = [f"{name} {seconds:.2f} s" for name, seconds in self.probe.longest.items()]
            rows.append("      longest: " + ", ".join(longest))
        return "\n".join(rows)

    def data(self) -> dict:
        return {
            "attack": self.attack.name, "title": self.attack.title, "clients": self.attack.clients,
            "answers": self.answers, "faults": self.faults, "received_bytes": self.received,
            "probe_seconds": self.probe.longest, "probe_facts": self.probe.facts, "probe_failures": self.probe.failures,
        }


class Report:
    """All lines of a run, printed as they come."""

    def __init__(self, strict: bool):
        self.strict = strict
        self.plays: list[tuple[Effect, list[Line]]] = []
        self.failures: list[str] = []
        self.warnings: list[str] = []
        print(LINE.format("", "attack", "2xx", "refused", "no answer", "kills", "peak", "after", "rate", "p50 ms",
                          "p99 ms", "errors"))

    def add(self, effect: Effect, lines: list[Line]) -> None:
        self.plays.append((effect, lines))
        together = len(lines) > 1
        for line in lines:
            print(line.text(None if together else effect), flush=True)
            missed = line.missed(self.strict)
            # A probe tells how one attack alone delays its owner's changes.
            self.judge(line.attack.name, line.untold(bool(effect.deaths)) + ([] if together else missed),
                       line.missed(goals=True))
        if together:
            print(LINE.format("", "all at once", "", "", "", *effect.cells()), flush=True)
        self.judge("all" if together else lines[0].attack.name,
                   effect.harm() + effect.missed(self.strict and not together), effect.missed(goals=True))

    def judge(self, name: str, failed: list[str], missed: list[str]) -> None:
        self.failures += [f"{name}: {each}" for each in failed]
        # A figure below a hard bound is not reported as a warning, too.
        hard = {each.split(" was ")[0].split(":")[0] for each in failed}
        self.warnings += [f"{name}: {each}" for each in missed if each.split(" was ")[0].split(":")[0] not in hard]

    def close(self, seconds: float) -> None:
        print("\npeak, after: resident MiB of the server during the attack, and a moment later.\n"
              "rate: the quiet tenant's durable predictions a second, relative to those just before the attack.\n"
              "p50, p99, errors: the quiet tenant's.")
        for each in self.warnings:
            print(f"warning: {each}")
        for each in self.failures:
            print(f"FAILED: {each}")
        outcome = f"{len(self.failures)} failures" if self.failures else "all attacks held"
        count = sum(len(lines) for _, lines in self.plays)
        print(f"{count} attacks in {seconds:.0f} s: {outcome}, {len(self.warnings)} warnings", flush=True)

    def data(self) -> dict:
        plays = [effect.data() | {"attacks": [line.data() for line in lines]} for effect, lines in self.plays]
        return {"plays": plays, "failures": self.failures, "warnings": self.warnings}
