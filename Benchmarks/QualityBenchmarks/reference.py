"""Measures other libraries, all with their defaults, on the splits of the quality benchmark.

    reference.py DATA RESULTS [--seeds 0-9] [--sets a,b]

Adds the measures of each set, seed and library to the JSON file RESULTS as they come, seed by seed and the smallest set
first. What the file has is not measured again, so that a run can be continued. Everything runs on one thread.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from interpret.glassbox import ExplainableBoostingClassifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tables import measure, tables

PACKAGES = ("scikit-learn", "interpret-core", "numpy", "scipy", "pandas")


def logistic(numbers, categories, seed):
    """Standardised numbers, missing ones at the median with an indicator; a column for each category and for none."""
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore"), categories)),
        # More steps than the default, so that the optimum is reached.
        LogisticRegression(max_iter=1_000))


def boosting(numbers, categories, seed):
    """Categories are taken from the column's type. The seed decides which rows stop the boosting early."""
    return HistGradientBoostingClassifier(random_state=seed)


def ebm(numbers, categories, seed):
    return ExplainableBoostingClassifier(n_jobs=1)


LIBRARIES = {"logistic": logistic, "boosting": boosting, "ebm": ebm}


def result(table, seed, library):
    train, test = table.split(seed)
    frame = table.frame
    numbers = [name for name in frame if frame[name].dtype == float]
    categories = [name for name in frame if name not in numbers]
    model = LIBRARIES[library](numbers, categories, seed)
    if library == "ebm":
        # Text, which it codes itself.
        frame = frame.astype({name: object for name in categories})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model.fit(frame.iloc[train], table.outcomes[train])
        seconds = time.perf_counter() - start
        probabilities = model.predict_proba(frame.iloc[test])[:, 1]
    return {**measure(table.outcomes[test], probabilities), "seconds": round(seconds, 3)}


class Results:
    """The file of results, rewritten with every one, a line each."""

    def __init__(self, path):
        self.path = path
        self.versions = {name: importlib.metadata.version(name) for name in PACKAGES}
        self.versions["python"] = platform.python_version()
        self.entries = []
        if path.exists():
            stored = json.loads(path.read_text())
            if stored["versions"] != self.versions:
                raise SystemExit(f"{path} was made by other versions: {stored['versions']}")
            self.entries = stored["results"]

    def has(self, name, seed, library):
        return any((entry["set"], entry["seed"], entry["library"]) == (name, seed, library) for entry in self.entries)

    def add(self, entry):
        self.entries.append(entry)
        lines = ",\n".join("    " + json.dumps(entry) for entry in self.entries)
        partial = self.path.with_suffix(".partial")
        partial.write_text(f'{{\n  "versions": {json.dumps(self.versions)},\n  "results": [\n{lines}\n  ]\n}}\n')
        partial.rename(self.path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--sets")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    wanted = [table for table in tables(options.data) if not options.sets or table.name in options.sets.split(",")]
    results = Results(options.results)
    for seed in range(int(first), int(last or first) + 1):
        for library in LIBRARIES:
            for table in wanted:
                if not results.has(table.name, seed, library):
                    results.add({"set": table.name, "seed": seed, "library": library, **result(table, seed, library)})


if __name__ == "__main__":
    main()
