"""Curves as tiers of annotation software: ELAN and Praat."""

import contextlib
import datetime
import itertools
import mimetypes
import os
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.files import resolve
from audw2s.files import templates
from audw2s.files import write_text
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__


class Interval(NamedTuple):
    """Interval of a tier."""

    start: float
    """Start in seconds."""

    end: float
    """End in seconds."""

    text: str
    """Value with three digits, empty if there is none."""


def tiers(
    curves: Mapping[str, pd.DataFrame], duration: float
) -> dict[str, list[Interval]]:
    """Intervals of arousal, dominance and valence by the name of their tier.

    An interval lies around the time of a value, up to the middle between two values.
    With several curves, names of tiers begin with that of the curve.

    Args:
        curves: tables of :func:`audw2s.curve` by name
        duration: duration of the recording in seconds

    Examples:
        >>> times = pd.to_timedelta([0, 1, 2], unit="s")
        >>> frame = pd.DataFrame(0.5, times, list(DIMENSIONS))
        >>> tiers({"wav2small": frame}, 2.2)["arousal"][1:]
        [Interval(start=0.5, end=1.5, text='0.500'),
        Interval(start=1.5, end=2.2, text='0.500')]

    """
    found = {}
    for name, frame in curves.items():
        times = pd.TimedeltaIndex(frame.index).total_seconds().to_numpy()
        edges = [0.0, *((times[1:] + times[:-1]) / 2).tolist(), duration]
        for dimension in DIMENSIONS:
            tier = f"{name} {dimension}" if len(curves) > 1 else dimension
            texts = ["" if np.isnan(v) else f"{v:.3f}" for v in frame[dimension]]
            parts = zip(itertools.pairwise(edges), texts, strict=True)
            found[tier] = [Interval(*pair, text) for pair, text in parts]
    return found


def write_textgrid(
    path: str, curves: Mapping[str, pd.DataFrame], duration: float
) -> None:
    """Write curves as a TextGrid of Praat.

    Args:
        path: path of the file
        curves: tables of :func:`audw2s.curve` by name
        duration: duration of the recording in seconds

    """
    template = templates(__file__).get_template("curve.TextGrid.jinja")
    text = template.render(tiers=tiers(curves, duration), duration=duration)
    write_text(text, path)


def write_eaf(
    path: str, curves: Mapping[str, pd.DataFrame], duration: float, media: str
) -> None:
    """Write curves as a document of ELAN, in its format EAF 3.0.

    Args:
        path: path of the file
        curves: tables of :func:`audw2s.curve` by name
        duration: duration of the recording in seconds
        media: path of the recording

    """
    number = itertools.count(1)
    numbered = {
        name: [(next(number), interval) for interval in intervals if interval.text]
        for name, intervals in tiers(curves, duration).items()
    }
    # Each annotation has slots of its own, so that its borders can be moved
    slots = sorted(
        (round(1000 * time), f"ts{number}{side}")
        for intervals in numbered.values()
        for number, interval in intervals
        for side, time in (("s", interval.start), ("e", interval.end))
    )
    media = os.path.abspath(resolve(media, None))
    folder = os.path.dirname(os.path.abspath(path))
    relative = ""
    # Windows has none from one drive to another; nor can a name have any bytes here
    with contextlib.suppress(ValueError):
        near = pathlib.Path(os.path.relpath(media, folder)).as_posix()
        relative = near.encode().decode()
    text = (
        templates(__file__, autoescape=True)
        .get_template("curve.eaf.jinja")
        .render(
            tiers=numbered,
            slots=slots,
            date=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            version=__version__,
            url=pathlib.Path(media).as_uri(),
            relative=relative,
            mime=mimetypes.guess_type(media)[0] or "unknown",
            provenance={name: frame.attrs["audw2s"] for name, frame in curves.items()},
        )
    )
    write_text(text, path)
