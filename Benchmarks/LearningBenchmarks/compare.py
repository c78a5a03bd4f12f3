"""Compares the learner's solver with those of scikit-learn on the same tables, in one run.

    compare.py PROGRAM [small|large|adult|adult-l1|additive-small|additive-adult|additive-large|FILE.csv...]

Our time covers everything from the stored columns to the model with its standard errors, including standardisation.
The time of scikit-learn covers fit() on a matrix that is already standardised and encoded, with the loosest tolerance
that brings the penalised log loss within 1e-9 of the optimum, with the faster of one and two threads. All its solvers
with the same objective are tried on every table, and the fastest is the reference. Both sides alternate.

Additive models have no counterpart with the same objective. They are compared with other models at their defaults, two
threads each: HistGradientBoostingClassifier, ExplainableBoostingClassifier of interpret-core, and LogisticRegression on a
matrix that is already encoded.
"""

import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROUNDS = 5
EQUAL = 1e-9
# A solver that exceeds this duration once is excluded.
TIME_LIMIT = 20


class Table:
    """Columns by name, numbers as float64 (NaN: missing), categories as text ("": missing), and outcomes."""

    def __init__(self, name, columns, outcomes):
        self.name, self.columns, self.outcomes = name, columns, np.asarray(outcomes, dtype=np.uint8)

    def write(self, directory):
        """The table as stored, for the learner."""
        shape = []
        for index, (name, values) in enumerate(self.columns.items()):
            if values.dtype == np.float64:
                shape.append({"name": name})
                values.tofile(directory / f"{index}.bin")
            else:
                levels = sorted(set(values) - {""})
                place = {level: code for code, level in enumerate(levels)} | {"": -1}
                shape.append({"name": name, "levels": levels})
                np.array([place[v] for v in values], dtype=np.int32).tofile(directory / f"{index}.bin")
        self.outcomes.tofile(directory / "outcomes.bin")
        (directory / "shape.json").write_text(json.dumps({"columns": shape}))

    def design(self):
        """The matrix for scikit-learn: standardised, one-hot, with an indicator of missing values."""
        names, columns = [], []
        for name, values in self.columns.items():
            if values.dtype == np.float64:
                missing = np.isnan(values)
                scale = np.nanstd(values) or 1.0
                names.append(name)
                columns.append(np.where(missing, 0, (values - np.nanmean(values)) / scale))
            else:
                missing = values == ""
                for level in sorted(set(values) - {""}):
                    names.append(f"{name}={level}")
                    columns.append((values == level).astype(float))
            if missing.any():
                names.append(f"{name}=?")
                columns.append(missing.astype(float))
        return names, np.column_stack(columns)


def made(rows):
    """Ten correlated numeric features, all of them informative."""
    r = np.random.default_rng(rows)
    x = r.normal(size=(rows, 10)) @ (np.eye(10) + 0.3 * r.normal(size=(10, 10)))
    logit = x @ r.normal(size=10) * 0.4 - 1
    y = r.uniform(size=rows) < 1 / (1 + np.exp(-logit))
    x = x * 10.0 ** r.integers(-3, 4, size=10) + r.normal(size=10)
    return Table(f"{rows:,} × 10, made up", {f"x{j}": np.ascontiguousarray(x[:, j]) for j in range(10)}, y)


def shaped(rows):
    """Ten numeric features with curved effects, steps and ten interactions, some with missing values."""
    r = np.random.default_rng(rows + 1)
    x = r.normal(size=(rows, 10))
    x[:, 5:] = x[:, 5:] * 0.8 + 0.6 * x[:, :5]
    logit = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] ** 2 - (x[:, 2] > 0.3) + 0.4 * np.abs(x[:, 3]) + 0.3 * x[:, 4:].sum(axis=1) - 1
    for a in range(5):
        logit += 0.5 * x[:, a] * x[:, 5 + a] + 0.7 * (x[:, a] > 0) * (x[:, (a + 1) % 5] < 0)
    y = r.uniform(size=rows) < 1 / (1 + np.exp(-logit))
    x[r.uniform(size=rows) < 0.02, 9] = np.nan
    return Table(f"{rows:,} × 10 with curves and interactions, made up",
                 {f"x{j}": np.ascontiguousarray(x[:, j]) for j in range(10)}, y)


def read(path, positive=lambda text: float(text) == 1):
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    columns = {}
    for index, name in enumerate(header[:-1]):
        texts = ["" if row[index] in ("", "?") else row[index] for row in rows]
        try:
            columns[name] = np.array([float(text) if text else np.nan for text in texts])
        except ValueError:
            columns[name] = np.array(texts, dtype=object)
    return Table(f"{pathlib.Path(path).name}, {len(rows):,} × {len(header) - 1}", columns,
                 [positive(row[-1]) for row in rows])


def objective(X, y, beta, l1):
    """The mean of the objective that both minimise with C = 1."""
    m = beta[0] + X @ beta[1:]
    penalty = np.abs(beta[1:]).sum() if l1 else 0.5 * beta[1:] @ beta[1:]
    return (np.logaddexp(0, m).sum() - m[y == 1].sum() + penalty) / len(y)


def ours(program, directory, penalty, repetitions, threads=0):
    answer = subprocess.run([program, "fit", directory, str(repetitions), str(threads), json.dumps({"penalty": penalty})],
                            check=True, capture_output=True, text=True)
    report = json.loads(answer.stdout)
    model = report["model"]
    beta = {"": model["standardized_intercept"]}
    for feature in model["features"]:
        if "coefficient" in feature:
            beta[feature["name"]] = feature["coefficient"]["standardized"]
        for category in feature.get("categories", []):
            beta[f"{feature['name']}={category['name']}"] = category["coefficient"]["standardized"]
        if "missing" in feature:
            beta[f"{feature['name']}=?"] = feature["missing"]["standardized"]
    return report["times"], beta


def candidates(X, penalty):
    """The variants of fitting: a name, the memory layout of the matrix, and the estimator for a tolerance."""
    def make(solver, **more):
        return lambda tol: LogisticRegression(C=1.0, solver=solver, tol=tol, max_iter=10_000, **more)
    shapes = {"": np.ascontiguousarray(X)}
    if penalty == "l2":
        solvers = {name: make(name) for name in ("newton-cholesky", "lbfgs", "newton-cg", "sag", "saga")}
    else:
        # liblinear penalises the intercept, too. A thousandfold scale makes that penalty negligible.
        solvers = {"liblinear": make("liblinear", l1_ratio=1.0, intercept_scaling=1_000.0),
                   "saga": make("saga", l1_ratio=1.0)}
    if (X == 0).mean() > 0.5:
        import scipy.sparse
        shapes[", sparse"] = scipy.sparse.csr_matrix(X)
    shapes[", by columns"] = np.asfortranarray(X)
    for solver, estimator in solvers.items():
        for shape, matrix in shapes.items():
            yield solver + shape, matrix, estimator


def timed(matrix, y, estimator, threads):
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        estimator.fit(matrix, y)
        return time.perf_counter() - start


def fastest(X, y, penalty, best):
    """The reference: every variant at the loosest sufficient tolerance, with the faster number of threads."""
    found, limit, out = [], TIME_LIMIT, set()
    for name, matrix, make in candidates(X, penalty):
        solver = name.split(",")[0]
        if solver in out and "sparse" not in name:
            continue
        for tol in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10):
            try:
                estimator = make(tol)
                took = timed(matrix, y, estimator, 2)
            except (ValueError, TypeError) as error:
                print(f"    {name}: {str(error).splitlines()[0][:80]}")
                break
            gap = objective(X, y, np.r_[estimator.intercept_, estimator.coef_[0]], penalty == "l1") - best
            if gap <= EQUAL:
                for threads in (1, 2):
                    took = timed(matrix, y, make(tol), threads)
                    found.append((took, f"{name}, tol={tol:g}, {threads} threads", matrix, make, tol, threads))
                break
            if took > min(limit, 3 * min([f[0] for f in found], default=limit)):
                print(f"    {name}: {took:.2f} s at tol={tol:g} and still {gap:.1e} above")
                out.add(solver)
                break
    found.sort(key=lambda each: each[0])
    for took, name, *_ in found[:6]:
        print(f"    {name}: {1e3 * took:.1f} ms")
    return found


def compare(program, table, penalty):
    names, X = table.design()
    y = table.outcomes
    print(f"{table.name}, {penalty}: {len(y):,} × {X.shape[1]} encoded", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        table.write(directory)
        repetitions = 20 if len(y) * X.shape[1] < 1e7 else 3
        _, beta = ours(program, directory, penalty, 1)
        beta = np.array([beta[""]] + [beta.get(name, 0.0) for name in names])
        best = objective(X, y, beta, penalty == "l1")
        contest = fastest(X, y, penalty, best)[:3]
        if not contest:
            print("    no solver comes within 1e-9")
            return
        mine, alone, theirs = [], [], [[] for _ in contest]
        for _ in range(ROUNDS):
            mine += ours(program, directory, penalty, repetitions)[0]
            alone += ours(program, directory, penalty, repetitions, threads=1)[0]
            for times, (_, _, matrix, make, tol, threads) in zip(theirs, contest):
                times += [timed(matrix, y, make(tol), threads) for _ in range(max(1, repetitions // 4))]
        reference, label = min((statistics.median(times), entry[1]) for times, entry in zip(theirs, contest))
        memory = json.loads(subprocess.run([program, "peak", directory, json.dumps({"penalty": penalty})], check=True,
                                           capture_output=True, text=True).stdout)
        # The log losses of both sides differ by at most 1e-9.
        print(f"  verdict {1e3 * statistics.median(mine):.2f} ms (one thread {1e3 * statistics.median(alone):.2f}), "
              f"scikit-learn {1e3 * reference:.2f} ms ({label}): ratio {reference / statistics.median(mine):.1f}")
        print(f"  peak memory of the process, including the table: {memory['fit'] / (X.size * 8):.2f} × the encoded matrix "
              f"({memory['fit'] / 1e6:.0f} MB)", flush=True)


def others(table, with_ebm):
    """The other models: a name and a closure that fits one with two threads and returns the seconds."""
    _, X = table.design()
    y = table.outcomes
    columns, categories = [], []
    for name, values in table.columns.items():
        if values.dtype == np.float64:
            columns.append(values)
        else:
            categories.append(len(columns))
            place = {level: code for code, level in enumerate(sorted(set(values) - {""}))} | {"": np.nan}
            columns.append(np.array([place[v] for v in values], dtype=float))
    coded = np.column_stack(columns)
    types = ["nominal" if index in categories else "continuous" for index in range(len(columns))]

    def boosting():
        return HistGradientBoostingClassifier(categorical_features=categories or None, random_state=0)

    def ebm():
        from interpret.glassbox import ExplainableBoostingClassifier
        return ExplainableBoostingClassifier(n_jobs=2, feature_types=types)

    yield "HistGradientBoosting", lambda: fitted(boosting(), coded, y)
    yield "LogisticRegression", lambda: fitted(LogisticRegression(max_iter=1_000), X, y)
    if with_ebm:
        yield "EBM", lambda: fitted(ebm(), coded, y)


def fitted(model, X, y):
    with threadpool_limits(2), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - start


def additive(program, table, pairs=(0, 10), with_ebm=True):
    """Fits of additive models with at most so many pairs, beside the other models; two threads each."""
    print(f"{table.name}, additive: {len(table.outcomes):,} × {len(table.columns)}", flush=True)

    def report(*command):
        answer = subprocess.run([program, *command], check=True, capture_output=True, text=True)
        return json.loads(answer.stdout)

    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        table.write(directory)
        stored = sum(file.stat().st_size for file in directory.glob("*.bin"))
        rounds = 3 if len(table.outcomes) < 500_000 else 1
        mine, found = {count: [] for count in pairs}, {}
        theirs = {}
        for round in range(rounds):
            for count in pairs:
                parameters = json.dumps({"family": "additive", "max_pairs": count})
                answer = report("family", directory, str(3), "2", parameters)
                mine[count] += answer["times"]
                found[count] = answer
            for name, fit in others(table, with_ebm):
                # One fit of the slow one is enough.
                if name != "EBM" or round == 0:
                    theirs.setdefault(name, []).append(fit())
        theirs = {name: statistics.median(times) for name, times in theirs.items()}
        for name, took in theirs.items():
            print(f"    {name}: {1e3 * took:.0f} ms")
        for count in pairs:
            took = statistics.median(mine[count])
            ratios = ", ".join(f"{name} {other / took:.1f} ×" for name, other in theirs.items())
            print(f"  verdict, at most {count} pairs ({found[count].get('pairs')} in the model"
                  f"{'' if found[count]['converged'] else ', not converged'}): {1e3 * took:.1f} ms; {ratios}")
        memory = report("family-peak", directory, "2", json.dumps({"family": "additive", "max_pairs": pairs[-1]}))
        print(f"  memory of a fit above the table: {(memory['fit'] - memory['table']) / stored:.2f} × the table as stored; "
              f"peak of the process, including the table: {memory['fit'] / stored:.2f} × ({memory['fit'] / 1e6:.0f} MB)", flush=True)


def main(program, *wanted):
    """Runs all built-in tables, or the named ones, and files."""
    def adult():
        return read(ROOT / "Examples/adult/adult_train.csv", lambda text: text.startswith(">50K"))
    known = {
        "small": lambda: compare(program, made(25_000), "l2"), "large": lambda: compare(program, made(1_000_000), "l2"),
        "adult": lambda: compare(program, adult(), "l2"), "adult-l1": lambda: compare(program, adult(), "l1"),
        "additive-small": lambda: additive(program, shaped(25_000)),
        "additive-adult": lambda: additive(program, adult()),
        # The other additive model takes many minutes.
        "additive-large": lambda: additive(program, shaped(1_000_000), pairs=(10,), with_ebm=False),
    }
    if not any(name in known for name in wanted):
        wanted = [*known, *wanted]
    for name in wanted:
        known.get(name, lambda: compare(program, read(name), "l2"))()


if __name__ == "__main__":
    main(*sys.argv[1:])
