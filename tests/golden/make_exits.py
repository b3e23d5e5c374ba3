"""Write what the losses of self-distillation are for fixed numbers, literally in NumPy.

    python tests/golden/make_exits.py

A second implementation, with loops where the first has batches.
"""

import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent


def drawn() -> dict[str, np.ndarray]:
    """Four clips, three classes, two exits and the teacher, rounded to four digits."""
    rng = np.random.default_rng(8)
    numbers = {"classes": rng.integers(0, 3, 4), "values": rng.uniform(0, 1, (4, 3))}
    for name in ("exit1", "exit2", "teacher"):
        for what, width in (("embedding", 5), ("linear", 4), ("logits", 3)):
            numbers[f"{name}.{what}"] = rng.standard_normal((4, width))
    return {key: values.round(4) for key, values in numbers.items()}


def log_softmax(row):
    return [x - np.log(sum(np.exp(y) for y in row)) for x in row]


def cross_entropy(logits, classes):
    pairs = zip(logits, classes, strict=True)
    return np.mean([-log_softmax(row)[k] for row, k in pairs])


def kl(teacher, student):
    total = 0.0
    for t, s in zip(teacher, student, strict=True):
        for log_t, log_s in zip(log_softmax(t), log_softmax(s), strict=True):
            total += np.exp(log_t) * (log_t - log_s)
    return total / len(teacher)


def reference_kl(teacher, student):
    total = 0.0
    for t, s in zip(teacher, student, strict=True):
        for log_t, log_s in zip(log_softmax(t), log_softmax(s), strict=True):
            total += np.exp(log_t) * (log_t - np.exp(log_s))
    return total / len(teacher)


def l1(teacher, student):
    return np.mean([abs(a - b) for a, b in pairs_of(teacher, student)])


def l2(teacher, student):
    return np.mean([(a - b) ** 2 for a, b in pairs_of(teacher, student)])


def cosine(teacher, student):
    angles = [
        sum(a * b for a, b in zip(t, s, strict=True))
        / (np.sqrt(sum(a * a for a in t)) * np.sqrt(sum(b * b for b in s)))
        for t, s in zip(teacher, student, strict=True)
    ]
    return -np.mean(angles)


def pairs_of(one, other):
    return zip(np.ravel(one), np.ravel(other), strict=True)


SIMILARITIES = {
    "l1": l1,
    "l2": l2,
    "cosine": cosine,
    "l1+cosine": lambda t, s: l1(t, s) + cosine(t, s),
    "l2+cosine": lambda t, s: l2(t, s) + cosine(t, s),
}


def ccc(x, y):
    covariance = np.mean((x - np.mean(x)) * (y - np.mean(y)))
    return 2 * covariance / (np.var(x) + np.var(y) + (np.mean(x) - np.mean(y)) ** 2)


def regression(values, truth):
    return np.mean([1 - ccc(t, v) for t, v in zip(truth.T, values.T, strict=True)])


def total(numbers, similarity, compared, weights, of_classes=True, reference=False):
    """Equations 1 to 4."""
    alpha, beta, gamma = weights
    truth = numbers["classes" if of_classes else "values"]
    own = cross_entropy if of_classes else regression
    match = (reference_kl if reference else kl) if of_classes else l2
    teacher = {w: numbers[f"teacher.{w}"] for w in ("embedding", "linear", "logits")}
    loss = own(teacher["logits"], truth)
    for name in ("exit1", "exit2"):
        logits = numbers[f"{name}.logits"]
        same = SIMILARITIES[similarity](
            teacher[compared], numbers[f"{name}.{compared}"]
        )
        loss += gamma * own(logits, truth) / 2
        loss += alpha * match(teacher["logits"], logits) / 2
        loss += beta * same / 2
    return loss


CASES = [
    {"similarity": similarity, "compared": compared, "weights": [1.0, 1.0, 1.0]}
    for similarity in SIMILARITIES
    for compared in ("embedding", "linear")
] + [
    {"similarity": "l2", "compared": "embedding", "weights": [0.5, 2.0, 0.3]},
    {
        "similarity": "l2",
        "compared": "embedding",
        "weights": [1.0, 1.0, 1.0],
        "reference": True,
    },
    {
        "similarity": "l1",
        "compared": "linear",
        "weights": [1.0, 0.5, 2.0],
        "of_classes": False,
    },
]


def main() -> None:
    """Compute all cases."""
    numbers = drawn()
    content = {
        "numbers": {key: values.tolist() for key, values in numbers.items()},
        "cases": [{**c, "loss": round(float(total(numbers, **c)), 8)} for c in CASES],
    }
    (HERE / "exits.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
