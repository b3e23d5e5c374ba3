"""Evaluations as text, Markdown and HTML, from templates."""

import base64
import functools
import io
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from audw2s.evaluation import tables
from audw2s.evaluation.intervals import MIN_SPEAKERS
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.files import templates
from audw2s.files import write_text
from audw2s.model.registry import DIMENSIONS

if TYPE_CHECKING:
    import jinja2
    from matplotlib.figure import Figure

MAX_SPEAKERS = 30
"""Largest number of speakers that have a line of text."""


@functools.cache
def template(name: str) -> "jinja2.Template":
    """Template that may call the functions of :mod:`audw2s.evaluation.tables`."""
    environment = templates(
        __file__, autoescape=name.endswith(".html.jinja"), lstrip_blocks=True
    )
    functions: list[Callable] = [clips_and_speakers, facts, line, rated_speakers]
    environment.globals |= {
        **vars(tables),
        **{function.__name__: function for function in functions},
        "auc_text": partial(tables.with_interval, key="auc"),
        "ccc_text": partial(tables.with_interval, key="ccc"),
        "dimensions": list(DIMENSIONS),
        "min_speakers": MIN_SPEAKERS,
        "max_speakers": MAX_SPEAKERS,
    }
    return environment.get_template(name)


def card_table(evaluations: Sequence[dict]) -> str:
    """Render evaluations as tables in Markdown, for cards and terminals.

    The first has the measures of each corpus; those of groups, of speakers, and of
    errors by tenth of the reference follow where an evaluation has them. Notes say by
    which files the numbers were made.
    """
    return template("card.md.jinja").render(evaluations=evaluations).strip()


def evaluation_text(evaluation: dict) -> str:
    """Write what was evaluated, and its measures, for terminals of 80 columns.

    Args:
        evaluation: see :func:`audw2s.corpus.evaluate.evaluate`

    """
    return template("evaluation.txt.jinja").render(evaluation=evaluation).rstrip()


def facts(evaluation: dict) -> list[str]:
    """Sentences on what was compared, and on what was left out."""
    text = template("facts.txt.jinja").render(evaluation=evaluation)
    return list(filter(None, text.splitlines()))


def line(name: str, cells: Iterable[str]) -> str:
    """Line of a table of text.

    Examples:
        >>> line("CCC", ["0.62 [0.55, 0.68]"])
        'CCC               0.62 [0.55, 0.68]'

    """
    label = name if len(name) < 14 else f"{name[:6]}…{name[-6:]}"
    return f"{label:<14}" + "".join(f"{cell:>21}" for cell in cells)


def rated_speakers(evaluation: dict) -> list[dict]:
    """Agreement of each speaker with references."""
    return list(filter(tables.is_rated, evaluation["speakers"]))


def write_page(evaluation: dict, figure: "Figure", path: str) -> None:
    """Write an evaluation as one page of HTML, which needs no other file.

    Args:
        evaluation: see :func:`audw2s.corpus.evaluate.evaluate`
        figure: see :func:`audw2s.evaluation.plots.plot_evaluation`
        path: path of the page

    """
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120)
    text = template("evaluation.html.jinja").render(
        evaluation=evaluation, picture=base64.b64encode(picture.getvalue()).decode()
    )
    write_text(text, path)
