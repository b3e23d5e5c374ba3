"""Figures of papers, each with a grade: how sure it is that the paper states it."""

import os

import yaml

from audw2s.model.registry import DIMENSIONS

GRADES = {
    "P": "read in the paper's abstract",
    "C": "read in a model card or code of its authors",
    "S": "second-hand, from notes on the paper",
    "P/S": "some of these read in the paper, some second-hand",
}
"""Meaning of grades; a figure without one is from the source of its row."""

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "papers.yaml")
"""Path of the figures."""


def papers() -> list[dict]:
    """All figures, as JSON takes them.

    Returns:
        an entry per model with ``from`` (``"paper"``), ``model``, ``source``,
        ``accuracy`` (CCC with human ratings) by corpus and dimension, ``cost`` for 5 s,
        see :func:`audw2s.evaluation.cost.costs`, and ``remark``; each figure with
        ``value``, ``grade`` and ``about``, ``None`` if it isn't stated

    Examples:
        >>> papers()[0]["cost"]["gmac"]
        {'value': 0.4, 'grade': 'S', 'about': False}

    """
    with open(PATH, encoding="utf-8") as file:
        entries = yaml.safe_load(file)
    return [
        {
            "from": "paper",
            "model": entry["model"],
            "source": entry["source"],
            "accuracy": {
                corpus: {name: _figure(entry, cccs.get(name)) for name in DIMENSIONS}
                for corpus, cccs in entry.get("accuracy", {}).items()
            },
            "cost": {
                key: _figure(entry, v) for key, v in entry.get("cost", {}).items()
            },
            "remark": entry.get("remark", ""),
        }
        for entry in entries
    ]


def _figure(entry: dict, figure: float | dict | None) -> dict | None:
    if figure is None:
        return None
    stated = figure if isinstance(figure, dict) else {"value": figure}
    return {"value": None, "grade": entry.get("grade", "P"), "about": False} | stated
