"""Mean and standard deviation over models of one name, such as seeds."""

from collections.abc import Sequence

import numpy as np

from audw2s.evaluation.card import with_pooled
from audw2s.model.registry import DIMENSIONS


def spread(evaluations: Sequence[dict]) -> list[dict]:
    """Mean and standard deviation of the CCC over models of one name.

    Args:
        evaluations: one of each model, all of the same corpora, see
            :func:`audw2s.distill.evaluate.evaluate`

    Returns:
        an entry for each name that several models have, and each corpus, with
        ``num_models`` and for each dimension ``mean`` and ``std`` (with n - 1)

    Examples:
        >>> def made(name, ccc):
        ...     values = {k: {"ccc": ccc} for k in ("arousal", "dominance", "valence")}
        ...     return {"model": name, "corpora": {"mine": values}}
        >>> (entry,) = spread([made("a", 0.5), made("a", 0.7), made("b", 0.9)])
        >>> entry["model"], entry["num_models"], entry["corpus"]
        ('a', 2, 'mine')
        >>> {key: round(value, 3) for key, value in entry["valence"].items()}
        {'mean': 0.6, 'std': 0.141}

    """
    names = [evaluation["model"] for evaluation in evaluations]
    entries = []
    for name in dict.fromkeys(names):
        alike = [found for found in evaluations if found["model"] == name]
        if len(alike) < 2:
            continue
        for corpus, _ in with_pooled(alike[0]):
            results = [dict(with_pooled(found))[corpus] for found in alike]
            entry = {"model": name, "num_models": len(alike), "corpus": corpus}
            if any(results[0][name] for name in DIMENSIONS):
                entries.append(entry | {k: _moments(results, k) for k in DIMENSIONS})
    return entries


def _moments(results: Sequence[dict], name: str) -> dict[str, float] | None:
    if results[0][name] is None:
        return None
    values = [result[name]["ccc"] for result in results]
    return {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1))}
