"""What a run found: a table, and the verdict on it."""

from hostile.quiet import Felt

# What the quiet tenant must feel at least, on a machine that other processes share, and what it should feel.
HARD_RATE, HARD_P99, HARD_PROBE = 0.1, 1.0, 10.0
GOAL_RATE, GOAL_P99, GOAL_PROBE = 0.5, 0.05, 1.0
LINE = "{:<3} {:<36} {:>7}  {:>8} {:>9} {:>5} {:>5} {:>5} {:>5} {:>7} {:>7} {:>6}"


def milliseconds(seconds: float) -> str:
    return "-" if seconds == float("inf") else f"{seconds * 1000:.1f}"


class Line:
    """The findings on one attack."""

    def __init__(self, attack, answers: dict, faults: dict, received: int, probe, alone: Felt, felt: Felt):
        self.attack, self.answers, self.faults, self.received = attack, answers, faults, received
        self.probe, self.alone, self.felt = probe, alone, felt
        self.peak, self.after, self.deaths = 0, 0, []

    @property
    def rate(self) -> float:
        """The quiet tenant's rate beside the attack, of its rate alone."""
        return self.felt.rate / self.alone.rate if self.alone.rate else 0

    def failures(self, strict: bool) -> list[str]:
        found = []
        if self.deaths:
            found.append(f"the server died {len(self.deaths)} times (exit {', '.join(map(str, self.deaths[:3]))})")
        if self.felt.errors:
            reasons = ", ".join(f"{count} × {reason}" for reason, count in list(self.felt.errors.items())[:3])
            found.append(f"the quiet tenant had errors: {reasons}")
        found += [f"an attacker was not told why: {count} × {fault}" for fault, count in list(self.faults.items())[:3]]
        return found + self.missed(strict)

    def missed(self, goals: bool) -> list[str]:
        """What is below the goals, or below the hard bounds."""
        rate, p99, longest = (GOAL_RATE, GOAL_P99, GOAL_PROBE) if goals else (HARD_RATE, HARD_P99, HARD_PROBE)
        found = []
        if self.rate < rate:
            found.append(f"the quiet tenant's rate was {self.rate:.2f} × its rate alone, not {rate} ×")
        if self.felt.quantile(0.99) > p99:
            spent = milliseconds(self.felt.quantile(0.99))
            found.append(f"the quiet tenant's p99 was {spent} ms, not {p99 * 1000:.0f}")
        for name, seconds in self.probe.longest.items():
            bound = self.attack.bounds.get(name, longest) if goals else longest
            if seconds > bound:
                found.append(f"{name}: {seconds:.3f} s, not {bound:g}")
        return found + self.probe.failures[:3]

    def text(self) -> str:
        refused = sum(count for kind, count in self.answers.items() if kind[0].isdigit() and kind != "2xx")
        lost = self.answers.get("no answer", 0) + self.answers.get("cut off", 0)
        rows = [LINE.format(
            self.attack.name, self.attack.title, self.answers.get("2xx", 0), refused, lost, len(self.deaths),
            self.peak >> 20, self.after >> 20, f"{self.rate:.2f}", milliseconds(self.felt.quantile(0.5)),
            milliseconds(self.felt.quantile(0.99)), sum(self.felt.errors.values()))]
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
            "peak_bytes": self.peak, "after_bytes": self.after, "deaths": self.deaths,
            "probe_seconds": self.probe.longest,
            "probe_facts": self.probe.facts,
            "probe_failures": self.probe.failures,
            "alone": {"rate": self.alone.rate, "p50": self.alone.quantile(0.5), "p99": self.alone.quantile(0.99)},
            "beside": {"rate": self.felt.rate, "p50": self.felt.quantile(0.5), "p99": self.felt.quantile(0.99),
                       "errors": self.felt.errors},
        }


class Report:
    """All lines of a run, printed as they come."""

    def __init__(self, strict: bool):
        self.strict = strict
        self.lines: list[Line] = []
        self.failures: list[str] = []
        self.warnings: list[str] = []
        print(LINE.format("", "attack", "2xx", "refused", "no answer", "kills", "peak", "after", "rate", "p50 ms",
                          "p99 ms", "errors"))

    def add(self, lines: list[Line]) -> None:
        for line in lines:
            self.lines.append(line)
            print(line.text(), flush=True)
            name, failed = line.attack.name, line.failures(self.strict)
            self.failures += [f"{name}: {each}" for each in failed]
            if not self.strict:
                self.warnings += [f"{name}: {each}" for each in line.missed(goals=True) if each not in failed]

    def close(self, seconds: float) -> None:
        print("\npeak, after: resident MiB of the server during the attack, and a moment later.\n"
              "rate: the quiet tenant's durable predictions a second, relative to those just before the attack.\n"
              "p50, p99, errors: the quiet tenant's.")
        for each in self.warnings:
            print(f"warning: {each}")
        for each in self.failures:
            print(f"FAILED: {each}")
        outcome = f"{len(self.failures)} failures" if self.failures else "all attacks held"
        print(f"{len(self.lines)} attacks in {seconds:.0f} s: {outcome}, {len(self.warnings)} warnings", flush=True)

    def data(self) -> dict:
        return {"attacks": [line.data() for line in self.lines], "failures": self.failures, "warnings": self.warnings}
