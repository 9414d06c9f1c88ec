"""Golden values of the classification evaluators, by scikit-learn; and of their bootstrap, by SciPy.

    python tools/parity/evaluators.py      (scikit-learn 1.9, SciPy 1.17)
"""

import json
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

warnings.filterwarnings("ignore")
target = Path(__file__).parents[2] / "packages/evaluators/src/__fixtures__/evaluators.json"
averages = ["macro", "micro", "weighted"]


def drawn(seed, size, classes, agreement, skew=1.0):
    """References and predictions that agree in about that share; class k has weight skew^k."""
    random = np.random.default_rng(seed)
    weights = skew ** np.arange(classes)
    references = random.choice(classes, size, p=weights / weights.sum())
    predictions = np.where(random.random(size) < agreement, references, random.choice(classes, size))
    return [str(p) for p in predictions], [str(r) for r in references]


pairs = {
    "binary": (["spam", "ham", "spam", "ham", "spam"], ["spam", "ham", "ham", "ham", "spam"]),
    "all right": (["a", "b", "c"], ["a", "b", "c"]),
    "all wrong": (["b", "c", "a"], ["a", "b", "c"]),
    "a single example, right": (["a"], ["a"]),
    "a single example, wrong": (["b"], ["a"]),
    "one class only": (["a"] * 4, ["a"] * 4),
    "one class referenced, two predicted": (["a", "b", "a", "b"], ["a"] * 4),
    "one class predicted, two referenced": (["a"] * 4, ["a", "b", "a", "b"]),
    "a class never predicted": (["a", "b", "a", "b", "a"], ["a", "b", "c", "b", "c"]),
    "a class predicted and never referenced": (["a", "d", "b", "d"], ["a", "b", "b", "a"]),
    "no class in common": (["x", "y", "x"], ["a", "b", "b"]),
    "order of labels": (["10", "9", "10", "2"], ["2", "9", "10", "10"]),
    "binary, drawn": drawn(1, 500, 2, 0.8, 0.3),
    "20 classes, drawn": drawn(2, 1500, 20, 0.7),
    "7 classes, skewed": drawn(3, 300, 7, 0.5, 0.5),
    "12 classes, at chance": drawn(4, 60, 12, 0.0),
    "below chance": (["b", "a", "b", "a", "b", "b"], ["a", "b", "a", "b", "a", "b"]),
}

metrics = {
    "accuracy": lambda r, p: accuracy_score(r, p),
    "macro-f1": lambda r, p: f1_score(r, p, average="macro", zero_division=0),
    "micro-f1": lambda r, p: f1_score(r, p, average="micro", zero_division=0),
    "weighted-f1": lambda r, p: f1_score(r, p, average="weighted", zero_division=0),
    "mcc": lambda r, p: matthews_corrcoef(r, p),
}

cases = [
    {"name": name, "predictions": p, "references": r, "values": {metric: float(f(r, p)) for metric, f in metrics.items()}}
    for name, (p, r) in pairs.items()
]

with_labels = []
for name, labels in [
    ("binary", ["spam"]),
    ("binary", ["ham", "spam", "other"]),
    ("a class never predicted", ["c"]),
    ("a class never predicted", ["c", "b", "a"]),
    ("a class predicted and never referenced", ["d"]),
    ("a class predicted and never referenced", ["d", "e"]),
    ("no class in common", ["z"]),
    ("one class only", ["a", "b", "c"]),
    ("20 classes, drawn", ["3", "1", "19"]),
    ("7 classes, skewed", [str(k) for k in range(9)]),
]:
    p, r = pairs[name]
    for average in averages:
        for zero_division in [0, 1]:
            value = float(f1_score(r, p, labels=labels, average=average, zero_division=zero_division))
            with_labels.append({"name": name, "labels": labels, "average": average, "zeroDivision": zero_division, "value": value})

intervals = []
for name in ["binary, drawn", "20 classes, drawn", "7 classes, skewed"]:
    p, r = (np.array(column) for column in pairs[name])
    for metric, f in metrics.items():
        if metric == "micro-f1":
            continue  # equals accuracy
        index = np.arange(len(r))
        found = bootstrap((index,), lambda i: f(r[i], p[i]), n_resamples=2000, method="percentile", vectorized=False, rng=np.random.default_rng(0))
        low, high = found.confidence_interval
        intervals.append({"name": name, "metric": metric, "low": float(low), "high": float(high)})

target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps({"cases": cases, "withLabels": with_labels, "intervals": intervals}) + "\n")
