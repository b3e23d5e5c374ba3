"""Report on a corpus as one page, which needs no other file."""

import datetime
import itertools
import os
import re

from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import duration_text
from audw2s.corpus.report.summary import Summary
from audw2s.corpus.speakers import Speakers
from audw2s.files import templates
from audw2s.files import write_text
from audw2s.model.registry import DIMENSIONS

DASHES = {"-": "none", "--": "7 3", ":": "2 3", "-.": "7 3 2 3"}
"""Line styles of matplotlib in SVG."""

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that a page can't have."""


def check_report(path: str) -> None:
    """Check that a page can be written before hours are spent on it.

    Raises:
        ValueError: if the path is a folder, or its folder doesn't exist

    """
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ValueError(f"There is no folder '{folder}' for the report.")
    if os.path.isdir(path):
        raise ValueError(f"The report can't be '{path}', which is a folder.")


def write_report(
    path: str,
    corpus: str,
    summary: Summary,
    provenance: dict[str, object],
    speed: str,
    speakers: Speakers | None = None,
) -> None:
    """Write the page, complete or not at all.

    Args:
        path: path of the page
        corpus: name of the corpus
        summary: summary of all rows
        provenance: models, version and settings
        speed: speed of this run in words
        speakers: means of speakers, if they are known

    """
    # Runs without a report need neither matplotlib nor decoders
    from audw2s.corpus.report import pictures
    from audw2s.plots import STYLES

    environment = templates(__file__, autoescape=True, finalize=printable)
    environment.filters |= {"duration": duration_text, "mean_std": pictures.mean_std}
    styles = zip(summary.names, itertools.cycle(STYLES), strict=False)
    text = environment.get_template("page.html").render(
        corpus=corpus,
        summary=summary,
        provenance=provenance,
        speed=speed,
        speakers=speakers if speakers is not None and speakers.are_known else None,
        dimensions=list(DIMENSIONS),
        unusable=UNUSABLE,
        key=[(name, colour, DASHES[line]) for name, (colour, line) in styles],
        now=datetime.datetime.now().astimezone(),
        pictures=pictures,
    )
    write_text(text.lstrip(), path)


def printable(value: object) -> object:
    r"""Show control characters, thousands of integers, three digits of floats.

    Examples:
        >>> printable("a\x01"), printable("gr\udcfcn"), printable(1234), printable(0.5)
        ('a\\x01', 'gr\\udcfcn', '1,234', '0.500')

    """
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
    if type(value) is str:  # parts of the page are a subclass, and stay
        return CONTROLS.sub(lambda match: ascii(match[0])[1:-1], value)
    return value
