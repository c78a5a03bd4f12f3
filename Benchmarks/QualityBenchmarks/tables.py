"""The tables of the quality benchmark, their splits, and the measurement of probabilities.

A column is a number if all its values parse as one, and categories otherwise. Empty: missing.
"""

import csv
import math
import pathlib

import numpy as np
import pandas
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TEST_SHARE = 0.2
CALIBRATION_BINS = 20


class Table:
    """The texts of a file, as they are written to the parts of a split, and the same columns for the libraries.

    The outcome is the last column.
    """

    def __init__(self, name, path, positive="1", categories=()):
        with open(path, newline="") as file:
            header, *rows = csv.reader(file)
        self.name, self.features = name, header[:-1]
        # A prefix makes text of categories that are written as numbers.
        prefixes = ["c" if feature in categories else "" for feature in self.features]
        self.texts = [["" if text.strip() in ("", "?") else prefix + text.strip()
                       for text, prefix in zip(row, prefixes)] for row in rows]
        self.outcomes = np.array([row[-1].strip() == positive for row in rows], dtype=int)
        columns = {}
        for index, feature in enumerate(self.features):
            texts = [row[index] for row in self.texts]
            try:
                columns[feature] = np.array([float(text) if text else math.nan for text in texts])
            except ValueError:
                levels = sorted(set(texts) - {""})
                columns[feature] = pandas.Categorical([text or None for text in texts], categories=levels)
        self.frame = pandas.DataFrame(columns)

    def split(self, seed):
        """The row numbers of the fitted and of the held-out part: a stratified 80/20 split."""
        return train_test_split(np.arange(len(self.outcomes)), test_size=TEST_SHARE, random_state=seed,
                                stratify=self.outcomes)

    def write(self, seed, directory):
        """Writes `NAME.SEED.train.csv` and `NAME.SEED.test.csv`, with the outcome 0 or 1 in the last column, `label`."""
        for part, rows in zip(("train", "test"), self.split(seed)):
            path = pathlib.Path(directory) / f"{self.name}.{seed}.{part}.csv"
            if path.exists():
                continue
            partial = path.with_suffix(".partial")
            with open(partial, "w", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow([*self.features, "label"])
                writer.writerows([*self.texts[row], self.outcomes[row]] for row in rows)
            partial.rename(path)


def tables(data):
    """The sets of a directory with `quality/*.csv` and `census10.csv`, and Adult; the smallest first."""
    data = pathlib.Path(data)
    adult = ROOT / "Examples/adult/adult_train.csv"
    found = [Table(path.stem, path) for path in sorted((data / "quality").glob("*.csv"))]
    if (data / "census10.csv").exists():
        found.append(Table("census10", data / "census10.csv", categories=("cat_1", "cat_2")))
    found.append(Table("adult", adult, positive=">50K"))
    return sorted(found, key=lambda table: len(table.outcomes) * len(table.features))


def expected_calibration_error(outcomes, probabilities):
    """The expected calibration error over bins of equal numbers of rows, minus its mean for a calibrated model.

    The mean of |difference| of a calibrated model is √(2/π) of the standard deviation of the bin's frequency, because
    the test part is finite (Roelofs et al., Mitigating Bias in Calibration Error Estimation, AISTATS 2022). The result
    can be negative; its mean over splits estimates the error.
    """
    order = np.argsort(probabilities, kind="stable")
    error = chance = 0.0
    for bin in np.array_split(order, CALIBRATION_BINS):
        p = probabilities[bin]
        error += abs((p - outcomes[bin]).sum())
        chance += math.sqrt(2 / math.pi * (p * (1 - p)).sum())
    return (error - chance) / len(order)


def measure(outcomes, probabilities):
    """AUC, log loss and debiased expected calibration error of the held-out rows."""
    p = np.asarray(probabilities, dtype=float)
    y = np.asarray(outcomes)
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    return {
        "auc": float(roc_auc_score(y, p)),
        "log_loss": float(-np.where(y == 1, np.log(clipped), np.log1p(-clipped)).mean()),
        "calibration_error": expected_calibration_error(y, p),
    }
