"""An evaluation as one page of HTML, which needs no other file."""

import base64
import io

from matplotlib.figure import Figure

from audw2s.evaluation.card import measures
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.evaluation.tables import each
from audw2s.evaluation.tables import is_rated
from audw2s.evaluation.tables import tenth_rows
from audw2s.evaluation.tables import with_interval
from audw2s.evaluation.tables import with_pooled
from audw2s.evaluation.text import measure_rows
from audw2s.evaluation.text import sentences
from audw2s.files import templates
from audw2s.files import write_text
from audw2s.model.registry import DIMENSIONS


def write_page(evaluation: dict, figure: Figure, path: str) -> None:
    """Write an evaluation as HTML.

    Args:
        evaluation: see :func:`audw2s.corpus.evaluate.evaluate`
        figure: see :func:`audw2s.evaluation.plots.plot_evaluation`
        path: path of the page

    """
    environment = templates(__file__, autoescape=True, lstrip_blocks=True)
    template = environment.get_template("evaluation.html.jinja")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120)
    tables = [*_corpora(evaluation), *_parts(evaluation)]
    text = template.render(
        evaluation=evaluation,
        facts=sentences(evaluation),
        tables=tables,
        dimensions=DIMENSIONS,
        picture=base64.b64encode(picture.getvalue()).decode(),
    )
    write_text(text, path)


def _corpora(evaluation: dict) -> list[tuple[str, list[str], list[list[str]]]]:
    """Caption, header and rows of the table of each corpus."""
    tables = []
    for name, result in with_pooled(evaluation):
        rows = [[label, *cells] for label, cells in measure_rows(result)]
        # The first of these are the same measures without an interval
        rows += [
            [label, *cells]
            for label, cells in measures(result).items()
            if not label.startswith(("CCC", "Pearson"))
        ]
        caption = f"{name}: {clips_and_speakers(result, ' clips')}"
        tables.append((caption, ["measure"], rows))
    return tables


def _parts(evaluation: dict) -> list[tuple[str, list[str], list[list[str]]]]:
    """Caption, header and rows of the tables of groups, speakers and tenths."""
    groups = [
        [f"{row['column']} {row['group']}", str(row["num_clips"]), label, *cells]
        for row in evaluation["groups"]
        for label, cells in measure_rows(row)
    ]
    speakers = [
        [
            f"{row['corpus']} {row['group']}",
            str(row["num_clips"]),
            *each(row, lambda values: with_interval(values, "ccc")),
        ]
        for row in evaluation["speakers"]
        if is_rated(row)
    ]
    tenths = [[corpus, *cells] for corpus, cells in tenth_rows(evaluation)]
    tables = [
        ("Groups", ["group", "clips", "measure"], groups),
        ("CCC of each speaker", ["speaker", "clips"], speakers),
        ("MAE and bias by tenth of the rating", ["corpus", "tenth", "clips"], tenths),
    ]
    return [table for table in tables if table[2]]
