"""The command ``audw2s distill exits``."""

import os
from typing import Annotated

import typer

from audw2s.commands.options import Columns
from audw2s.commands.options import Quiet
from audw2s.commands.options import Scale
from audw2s.distill.options import Corpus
from audw2s.distill.options import Model
from audw2s.distill.options import ModelOut
from audw2s.distill.options import Name
from audw2s.distill.options import Run
from audw2s.distill.options import Settings
from audw2s.distill.options import command

app = typer.Typer(
    help="Self-distilled encoders with early exits: get, train, tables, export, "
    "evaluate.",
    no_args_is_help=True,
)


@command(app)
def get(
    repository: Annotated[
        str, typer.Argument(help="Repository, such as facebook/wav2vec2-base.")
    ],
    out: Annotated[str, typer.Option(help="Folder for the encoder.")],
    revision: Annotated[
        str, typer.Option(help="Commit or branch; only a commit never changes.")
    ] = "main",
    quiet: Quiet = False,
) -> None:
    """Get an encoder from the Hugging Face hub; run again to resume."""
    from audw2s.distill.exits.published import get_encoder
    from audw2s.distill.exits.published import load_backbone

    get_encoder(repository, out, revision=revision, verbose=not quiet)
    backbone = load_backbone(out)
    typer.echo(f"{out}: {len(backbone.layers)} layers of width {backbone.width}")


@command(app)
def train(
    settings: Settings,
    out: Annotated[str, typer.Option(help="Folder of all trainings.")],
    backbone: Annotated[
        str | None, typer.Option(help="Encoder, in place of the one in the settings.")
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=PATH of a corpus in the settings, repeatedly; others are "
            "left out then."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Names of the trainings to run, such as 'distilled-cnn-*-seed0', "
            "repeatedly, in this order."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train exits and their baselines; run again to resume."""
    from audw2s.distill.exits.study import Study
    from audw2s.distill.exits.study import run
    from audw2s.distill.exits.tables import write_tables

    study = Study.from_toml(settings, backbone=backbone, corpora=_paths(corpus))
    run(study, out, only=only or (), verbose=not quiet)
    typer.echo(write_tables(out))


def _paths(corpora: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in corpora or []]
    if any(not sign for _, sign, _ in pairs):
        raise ValueError("--corpus takes NAME=PATH, such as ravdess=ravdess.csv.")
    return {name: path for name, _, path in pairs}


@command(app)
def tables(
    run: Annotated[str, typer.Argument(help="Folder of all trainings.")],
    fuse_deepest: Annotated[
        bool,
        typer.Option(
            "--fuse-deepest",
            help="Fuse all exits as well; the paper's fusion is without the deepest.",
        ),
    ] = False,
) -> None:
    """Print and write the paper's tables for all finished trainings."""
    from audw2s.distill.exits.tables import write_tables

    typer.echo(write_tables(run, fuse_deepest))


@command(app)
def export(
    run: Run,
    out: ModelOut,
    name: Name = None,
) -> None:
    """Export a training to a model folder, with an ONNX file for each exit."""
    from audw2s.distill.exits.export import export_exits

    worst = export_exits(run, out, name or os.path.basename(os.path.normpath(out)))
    typer.echo(f"{out}: differs from torch by {worst:.1e} at most")


@command(app)
def evaluate(
    model: Model,
    corpus: Corpus,
    out: Annotated[str, typer.Option(help="Folder for evaluation.json and the curve.")],
    target: Annotated[
        str, typer.Option(help="Column of the classes, or 'dimensions'.")
    ] = "emotion",
    scale: Scale = None,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Evaluate each exit on a corpus, and score and cost of adaptive exits."""
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.exits.evaluate import evaluate_exits
    from audw2s.distill.exits.evaluate import to_markdown

    result = evaluate_exits(
        model,
        corpus,
        out,
        target,
        scale=scale,
        columns=parse_columns(columns),
        verbose=not quiet,
    )
    typer.echo(to_markdown(result))
