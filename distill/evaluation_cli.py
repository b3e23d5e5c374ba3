"""Commands of ``audw2s distill`` that evaluate models."""

import os
from typing import Annotated

import typer

from audw2s.commands.evaluate import report
from audw2s.commands.options import Columns
from audw2s.commands.options import Groups
from audw2s.commands.options import Quiet
from audw2s.commands.options import ReportOut
from audw2s.commands.options import Scale
from audw2s.distill.options import Against
from audw2s.distill.options import Corpora
from audw2s.distill.options import Corpus
from audw2s.distill.options import JsonOut
from audw2s.distill.options import Model
from audw2s.distill.options import Workers
from audw2s.distill.options import command

app = typer.Typer()


@command(app)
def evaluate(
    model: Model,
    corpus: Corpora,
    *,
    against: Against = "humans",
    scale: Scale = None,
    group: Groups = None,
    trained_on: Annotated[
        str | None,
        typer.Option(
            help="config.json of the training: refuse its clips and speakers, and "
            "calibrate --intervals of predict on the others."
        ),
    ] = None,
    out: ReportOut = None,
    num_workers: Workers = 1,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Compare a model with human ratings, or with another model.

    Like 'audw2s evaluate', and the card.md in the folder gets the figures.
    """
    from functools import partial

    from audw2s.corpus.evaluate import evaluate as run
    from audw2s.corpus.evaluate import read_corpora
    from audw2s.corpus.evaluate import values_of
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.disjoint import check_disjoint
    from audw2s.evaluation.agreement import HUMANS
    from audw2s.evaluation.conformal import calibrate
    from audw2s.evaluation.tables import INTERVALS

    tables = read_corpora(corpus, parse_columns(columns))
    learnt_in_part = check_disjoint(tables, trained_on) if trained_on else set()
    values = partial(values_of, num_workers=num_workers, verbose=not quiet)
    judge = None if against == HUMANS else values(against)
    evaluation, clips = run(
        values(model), tables, judge=judge, scale=scale, groups=group or None
    )
    evaluation["training_checked"] = trained_on is not None
    if trained_on is not None and judge is None:
        for name, result in evaluation["corpora"].items():
            result[INTERVALS] = calibrate(clips[clips["corpus"] == name])
            result["learnt_in_part"] = name in learnt_in_part
    report(evaluation, clips, out)
    if out is not None:
        update(out)


@command(app)
def folds(
    model: str,
    corpus: Corpus,
    *,
    fold: list[str],
    scale: Scale = None,
    columns: Columns = None,
    num_workers: Workers = 1,
    quiet: Quiet = False,
) -> None:
    """Evaluate a recipe on speakers that were held out of its trainings.

    Args:
        model: folder of the model whose card gets the figures
        fold: folder of a training with some 'held_out_speakers'; give it repeatedly,
            until each speaker is held out once

    """
    from audw2s.corpus.evaluate import describe_folds
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.folds import evaluate_folds

    report = evaluate_folds(
        fold,
        corpus,
        scale=scale,
        columns=parse_columns(columns),
        num_workers=num_workers,
        verbose=not quiet,
    )
    publish(describe_folds(model, corpus, report), model)


@command(app)
def compare(
    corpus: Corpora,
    *,
    model: list[str],
    out: str,
    against: Against = "humans",
    scale: Scale = None,
    group: Groups = None,
    papers: bool = True,
    num_workers: Workers = 1,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Compare models: agreement, groups, speakers, costs; run again to resume.

    Args:
        model: name or folder of a model; give it repeatedly
        out: folder for comparison.json, .md, and pictures
        papers: show figures of papers

    """
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.compare import compare as run
    from audw2s.distill.compare import to_markdown
    from audw2s.distill.compare import write_comparison

    result = run(
        model,
        corpus,
        against=against,
        scale=scale,
        groups=group or None,
        papers=papers,
        store=os.path.join(out, "predictions"),
        num_workers=num_workers,
        columns=parse_columns(columns),
        verbose=not quiet,
    )
    write_comparison(result, out)
    typer.echo(to_markdown(result))


@command(app)
def ranking(
    model: Model,
    corpus: Corpus,
    *,
    by: str = "emotion",
    pair: list[str] | None = None,
    out: JsonOut = None,
    num_workers: Workers = 1,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Compare a model's values of groups of clips, such as emotions.

    Args:
        by: column of the labels
        pair: ABOVE:BELOW, such as anger:sadness

    """
    from audw2s.corpus.clips import ModelValues
    from audw2s.corpus.evaluate import corpus_name
    from audw2s.corpus.evaluate import header
    from audw2s.corpus.lists.columns import hint
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.corpus.lists.corpus import read_corpus
    from audw2s.evaluation.ranking import rank
    from audw2s.evaluation.ranking import to_markdown
    from audw2s.files import write_json
    from audw2s.inference.pipeline import Predictor

    if any(text.count(":") != 1 for text in pair or ()):
        raise ValueError(f"A pair is ABOVE:BELOW, got {pair}.")
    pairs = [(above, below) for above, below in (t.split(":") for t in pair or ())]
    table = read_corpus(corpus, parse_columns(columns))
    if by not in table:
        raise ValueError(
            f"'{corpus}' has no column '{by}', it has {list(table)}."
            f"{hint([by], map(str, table))}"
        )
    values = ModelValues(Predictor(model), None, num_workers, not quiet)
    result = rank(values.of(table), table[by], pairs)
    typer.echo(to_markdown(result, by))
    if out is not None:
        measured = {"corpus": corpus_name(corpus), **result}
        write_json(header(values.identity) | measured, out)


@command(app)
def robustness(
    model: Model,
    corpus: Corpus,
    *,
    out: JsonOut = None,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Show how values change with level, telephone, codecs, babble, crops and takes."""
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.robustness import robustness as run
    from audw2s.distill.robustness import to_markdown
    from audw2s.files import write_json

    result = run(model, corpus, columns=parse_columns(columns), verbose=not quiet)
    typer.echo(to_markdown(result))
    if out is not None:
        write_json(result, out)


def publish(evaluation: dict, folder: str) -> None:
    """Show an evaluation, and add it to a folder's evaluations and card."""
    from audw2s.evaluation.card import store
    from audw2s.evaluation.render import card_table

    typer.echo(card_table([evaluation]))
    store(evaluation, os.path.join(folder, "evaluation.json"))
    update(folder)


def update(folder: str) -> None:
    """Write the evaluations in a folder into its card, where it has one."""
    from audw2s.evaluation.card import read
    from audw2s.evaluation.card import update_card

    card = os.path.join(folder, "card.md")
    if os.path.isfile(card):
        update_card(card, read(os.path.join(folder, "evaluation.json")))
