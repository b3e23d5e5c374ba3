"""The command ``audw2s evaluate``."""

import os
from typing import TYPE_CHECKING

import typer

from audw2s.commands.options import Columns
from audw2s.commands.options import Groups
from audw2s.commands.options import Quiet
from audw2s.commands.options import ReportOut
from audw2s.commands.options import Scale
from audw2s.commands.options import Threads
from audw2s.errors import explained

if TYPE_CHECKING:
    import pandas as pd


@explained()
def evaluate(
    predictions: str,
    ratings: list[str],
    *,
    scale: Scale = None,
    group: Groups = None,
    columns: Columns = None,
    out: ReportOut = None,
    num_workers: Threads = 1,
    quiet: Quiet = False,
) -> None:
    """Compare predictions with human ratings: CCC, Pearson, errors, intervals.

    Args:
        predictions: table of predict or annotate (.csv, .parquet, or OUT; TABLE:MODEL
            if it has several models), or name or folder of a model, which is run
        ratings: corpora with ratings: a table with columns file and arousal, dominance
            or valence, or rater1_arousal and so on; a database: ROOT:TABLE
        num_workers: threads, where a model is run

    """
    from audw2s.corpus.evaluate import evaluate as run
    from audw2s.corpus.evaluate import read_corpora
    from audw2s.corpus.evaluate import values_of
    from audw2s.corpus.lists.columns import parse_columns

    tables = read_corpora(ratings, parse_columns(columns))
    values = values_of(predictions, num_workers=num_workers, verbose=not quiet)
    evaluation, clips = run(values, tables, scale=scale, groups=group or None)
    report(evaluation, clips, out)


def report(evaluation: dict, clips: "pd.DataFrame", out: str | None) -> None:
    """Print an evaluation, or write it to a folder as HTML, JSON and a picture."""
    from audw2s.evaluation.card import store
    from audw2s.evaluation.plots import plot_evaluation
    from audw2s.evaluation.plots import save
    from audw2s.evaluation.render import evaluation_text
    from audw2s.evaluation.render import facts
    from audw2s.evaluation.render import write_page

    if out is None:
        typer.echo(evaluation_text(evaluation))
        return
    os.makedirs(out, exist_ok=True)
    store(evaluation, os.path.join(out, "evaluation.json"))
    figure = plot_evaluation(evaluation, clips)
    save(figure, os.path.join(out, "evaluation.png"))
    write_page(evaluation, figure, os.path.join(out, "evaluation.html"))
    typer.echo("\n".join([*facts(evaluation), f"Written to {out}/evaluation.html."]))
