"""Compares the held-out quality of the learner's families with that of other libraries on the same splits.

    compare.py PROGRAM DATA [--seeds 0-9] [--sets a,b] [--families linear,linear-C-auto,additive,auto] [--reference FILE]

Splits are stratified, 80/20, one for each seed. Other libraries are not fitted here: reference.json has their measures on
these splits, and the seeds and versions that made them. Means are over the splits that all sides have.
"""

import argparse
import json
import math
import pathlib
import subprocess
import tempfile

import numpy as np
from scipy import stats

from tables import measure, tables

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = ("logistic", "boosting", "ebm")
# The training parameters of what is measured under a name, in their stored form.
PARAMETERS = {
    "linear": {"family": "linear"},
    "linear-C-auto": {"family": "linear", "C_auto": True},
    "additive": {"family": "additive"},
    "auto": {"family": "auto"},
}
# The margins of the area under the ROC curve by which no set may be below the others.
MARGINS = {"ebm": 0.01, "logistic": 0.005}
# Sets on which nothing is gained by an additive model, and the margin by which it must not lose to the linear family.
SMALL, SMALL_MARGIN = ("pima", "german"), 0.002
CALIBRATED_ROWS, CALIBRATION_LIMIT = 5_000, 0.02


def fitted(program, family, seeds, wanted):
    """The measures of a family on each set and seed."""
    measures = {}
    with tempfile.TemporaryDirectory() as directory:
        for table in wanted:
            for seed in seeds:
                table.write(seed, directory)
        output = subprocess.run([program, family, json.dumps(PARAMETERS[family]), directory], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        seconds = dict(line.split() for line in output.splitlines())
        for table in wanted:
            for seed in seeds:
                name = f"{table.name}.{seed}"
                text = (pathlib.Path(directory) / f"{name}.{family}.pred").read_text()
                probabilities = np.array([float(line) for line in text.split()])
                measures[table.name, seed] = {**measure(table.outcomes[table.split(seed)[1]], probabilities),
                                              "seconds": float(seconds[name])}
    return measures


def interval(differences):
    """The mean of paired differences with its 95 % interval (Student's t over the splits)."""
    mean = float(np.mean(differences))
    if len(differences) < 2:
        return mean, -math.inf, math.inf
    half = stats.t.ppf(0.975, len(differences) - 1) * np.std(differences, ddof=1) / math.sqrt(len(differences))
    return mean, mean - half, mean + half


def short(value):
    return f"{value:.4f}".replace("0.", ".", 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("data")
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--sets")
    parser.add_argument("--families", default="linear,linear-C-auto,additive,auto")
    parser.add_argument("--reference", type=pathlib.Path, default=HERE / "reference.json")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    families = options.families.split(",")
    wanted = [table for table in tables(options.data) if not options.sets or table.name in options.sets.split(",")]
    stored = json.loads(options.reference.read_text())
    sides = {library: {} for library in LIBRARIES}
    for entry in stored["results"]:
        sides[entry["library"]][entry["set"], entry["seed"]] = entry
    for family in families:
        sides[family] = fitted(options.program, family, seeds, wanted)
    print("versions: " + ", ".join(f"{name} {version}" for name, version in stored["versions"].items()), flush=True)

    ours = families[-1]
    print(f"\n| AUC / log loss | rows × features | seeds | {' | '.join(LIBRARIES)} | {' | '.join(families)} | "
          f"{ours} − ebm, AUC | {ours} − logistic, AUC | calibration error of {ours} |")
    print("|" + "---|" * (6 + len(sides)))
    means, missed = {}, []
    for table in wanted:
        common = [seed for seed in seeds if all((table.name, seed) in side for side in sides.values())]
        if not common:
            print(f"| {table.name} | no reference |")
            continue

        def values(side, name):
            return np.array([sides[side][table.name, seed][name] for seed in common])

        means[table.name] = {side: (values(side, "auc").mean(), values(side, "log_loss").mean()) for side in sides}
        cells = [" / ".join(short(value) for value in means[table.name][side]) for side in sides]
        for other, margin in reversed(MARGINS.items()):
            mean, low, high = interval(values(ours, "auc") - values(other, "auc"))
            cells.insert(len(sides), f"{mean:+.4f} ({low:+.4f} to {high:+.4f})")
            if high < -margin:
                missed.append(f"{table.name}: {mean:+.4f} AUC from {other}, and the interval excludes −{margin}")
        if len(table.outcomes) >= CALIBRATED_ROWS:
            error = values(ours, "calibration_error").mean()
            cells.append(f"{error:.4f}")
            if error > CALIBRATION_LIMIT:
                missed.append(f"{table.name}: calibration error {error:.4f} > {CALIBRATION_LIMIT}")
        else:
            cells.append("")
        if table.name in SMALL and "linear" in families:
            lost = (values("linear", "auc") - values(ours, "auc")).mean()
            if lost > SMALL_MARGIN:
                missed.append(f"{table.name}: {lost:.4f} AUC below linear")
        print(f"| {table.name} | {len(table.outcomes):,} × {len(table.features)} | {len(common)} | {' | '.join(cells)} |")
    total = {side: np.mean([mean[side] for mean in means.values()], axis=0) for side in sides}
    print("| mean | | | " + " | ".join(" / ".join(short(value) for value in total[side]) for side in sides) + " | | | |")
    if total[ours][0] < total["ebm"][0]:
        missed.append(f"mean AUC {total[ours][0]:.4f} < {total['ebm'][0]:.4f} of ebm")
    for other in ("ebm", "boosting"):
        if total[ours][1] > total[other][1]:
            missed.append(f"mean log loss {total[ours][1]:.4f} > {total[other][1]:.4f} of {other}")
    spent = {family: sum(entry["seconds"] for entry in sides[family].values()) / len(seeds) for family in families}
    print("\nseconds for all sets, one seed: " + ", ".join(f"{name} {value:.2f}" for name, value in spent.items()))
    print("\n".join(f"missed: {line}" for line in missed) or "all budgets are met")


if __name__ == "__main__":
    main()
