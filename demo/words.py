"""Values in words, and sentences for the users of the page."""

import logging
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import pandas as pd
import yaml

from audw2s.interface.condition import listed
from audw2s.model.registry import DIMENSIONS


def content(name: str) -> dict[str, Any]:
    """Content of a YAML file of this folder."""
    return yaml.safe_load(pathlib.Path(__file__).with_name(name).read_bytes())


WORDS = content("words.yaml")
"""Words of both pages; sentences may have places for values."""

LOW, HIGH = 0.4, 0.6
"""Values below and above which a dimension is called low and high."""

STRONG = 0.3
"""Distance from the middle from which on an adjective needs no "rather"."""

UNCERTAIN = 0.1
"""Difference of two models from which on a value is called uncertain."""

AGREEMENT = 0.05
"""Largest difference at which models are called to agree."""

MAX_NAME = 40
"""Most characters of the name of a file that are shown."""


class RefusedError(ValueError):
    """Raised with a sentence that tells users what they can do.

    Args:
        name: name of the sentence
        status: status of an HTTP answer
        headers: headers of an HTTP answer
        values: what the sentence names

    Examples:
        >>> RefusedError("no_number", name="hop")
        RefusedError('The hop has to be a number of seconds.')

    """

    def __init__(
        self, name: str, status: int = 400, headers: Mapping = {}, /, **values: object
    ):
        super().__init__(WORDS["refused"][name].format(**values))
        self.status = status
        self.headers = headers


def explanation(error: Exception) -> str:
    """Sentence for an error; unexpected errors are logged with their traceback."""
    if isinstance(error, RefusedError):
        return str(error)
    logging.getLogger(__name__).error("Unexpected", exc_info=error)
    return WORDS["unexpected"]


def level(value: float) -> str:
    """Level of a value in words.

    Examples:
        >>> level(0.2), level(0.5), level(1.1)
        ('low', 'medium', 'high')

    """
    return "low" if value < LOW else "high" if value > HIGH else "medium"


def adjective(arousal: float, valence: float) -> str:
    """Adjective of a place in the plane.

    Examples:
        >>> adjective(0.2, 0.8), adjective(float("nan"), float("nan"))
        ('calm', '–')

    """
    if math.isnan(arousal):
        return "–"
    return WORDS["adjectives"][level(arousal)][level(valence)]


def headline(values: Mapping[str, float], uncertain: list[str]) -> str:
    """Sentence on how a voice sounds.

    Args:
        values: A/D/V by dimension
        uncertain: dimensions with uncertain values

    Examples:
        >>> headline(dict(arousal=0.7, dominance=0.6, valence=0.3), ["valence"])
        'Rather tense: high arousal, low valence; valence is uncertain.'
        >>> headline(dict(arousal=0.9, dominance=0.6, valence=0.5), [])
        'Animated: high arousal, medium valence.'

    """
    arousal, valence = (level(values[name]) for name in ("arousal", "valence"))
    word = adjective(values["arousal"], values["valence"])
    distance = max(abs(values[name] - 0.5) for name in ("arousal", "valence"))
    if word != adjective(0.5, 0.5) and distance < STRONG:
        word = f"rather {word}"
    text = f"{word}: {arousal} arousal, {valence} valence"
    if uncertain:
        verb = "is" if len(uncertain) == 1 else "are"
        text += f"; {listed(uncertain)} {verb} uncertain"
    return f"{text.capitalize()}."


def uncertain(models: list[Mapping[str, float]]) -> list[str]:
    """Dimensions to which models give clearly different values, and different levels.

    Examples:
        >>> first = dict(arousal=0.7, dominance=0.6, valence=0.35)
        >>> uncertain([first, first | {"valence": 0.5}]), uncertain([first])
        (['valence'], [])

    """
    table = pd.DataFrame(models)
    is_far = table.max() - table.min() > UNCERTAIN
    levels = table.map(level).nunique()
    return [name for name in DIMENSIONS if is_far[name] and levels[name] > 1]


def agreement_text(differences: Mapping[str, float]) -> str:
    """Sentence on how far teacher and student agree.

    Args:
        differences: differences of A/D/V by dimension

    Examples:
        >>> agreement_text({"arousal": 0.02, "dominance": 0.03, "valence": -0.18})
        'Teacher and student agree within .05 on arousal and dominance; valence differs
        most, by .18.'
        >>> agreement_text(dict.fromkeys(DIMENSIONS, 0.01))
        'Teacher and student agree within .05 on arousal, dominance and valence.'
        >>> agreement_text({"arousal": 0.2, "dominance": 0.1, "valence": 0.3})
        'Teacher and student agree within .05 on none of the three; valence differs
        most, by .30.'

    """
    sizes = {name: abs(differences[name]) for name in DIMENSIONS}
    close = [name for name, size in sizes.items() if size <= AGREEMENT]
    names = listed(close) if close else "none of the three"
    text = f"Teacher and student agree within {short(AGREEMENT)} on {names}"
    if len(close) < len(sizes):
        most = max(sizes, key=lambda name: sizes[name])
        text += f"; {most} differs most, by {short(sizes[most])}"
    return f"{text}."


def short(value: float) -> str:
    """Value with two decimals.

    Examples:
        >>> short(0.456), short(-0.1), short(float("nan"))
        ('.46', '−.10', '–')

    """
    if math.isnan(value):
        return "–"
    sign = "−" if value < 0 else ""
    return sign + f"{abs(value):.2f}".removeprefix("0")


def legible(name: str) -> str:
    """Name of a file that can be shown: short, and in its own direction of writing.

    Examples:
        >>> legible("a" * 100 + ".wav").count("a"), len(legible("a" * 100))
        (36, 42)

    """
    name = "".join(character for character in name if character.isprintable())
    if len(name) > MAX_NAME:
        name = f"{name[: MAX_NAME - 13]}…{name[-12:]}"
    # First strong isolate … pop directional isolate
    return f"\u2068{name}\u2069"
