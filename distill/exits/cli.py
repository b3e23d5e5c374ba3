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
    repository: str, *, out: str, revision: str = "main", quiet: Quiet = False
) -> None:
    """Get an encoder from the Hugging Face hub; run again to resume.

    Args:
        repository: repository, such as facebook/wav2vec2-base
        out: folder for the encoder
        revision: commit or branch; only a commit never changes

    """
    from audw2s.distill.exits.published import get_encoder
    from audw2s.distill.exits.published import load_backbone

    get_encoder(repository, out, revision=revision, verbose=not quiet)
    backbone = load_backbone(out)
    typer.echo(f"{out}: {len(backbone.layers)} layers of width {backbone.width}")


@command(app)
def train(
    settings: Settings,
    *,
    out: str,
    backbone: str | None = None,
    corpus: list[str] | None = None,
    only: list[str] | None = None,
    quiet: Quiet = False,
) -> None:
    """Train exits and their baselines; run again to resume.

    Args:
        out: folder of all trainings
        backbone: encoder, in place of the one in the settings
        corpus: NAME=PATH of a corpus in the settings, repeatedly; others are left out
            then
        only: names of the trainings to run, such as 'distilled-cnn-*-seed0',
            repeatedly, in this order

    """
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
    run: str, *, fuse_deepest: Annotated[bool, typer.Option("--fuse-deepest")] = False
) -> None:
    """Print and write the paper's tables for all finished trainings.

    Args:
        run: folder of all trainings
        fuse_deepest: fuse all exits as well; the paper's fusion is without the deepest

    """
    from audw2s.distill.exits.tables import write_tables

    typer.echo(write_tables(run, fuse_deepest))


@command(app)
def export(run: Run, *, out: ModelOut, name: Name = None) -> None:
    """Export a training to a model folder, with an ONNX file for each exit.

    Args:
        name: name of the model in tables, by default that of its folder

    """
    from audw2s.distill.exits.export import export_exits

    worst = export_exits(run, out, name or os.path.basename(os.path.normpath(out)))
    typer.echo(f"{out}: differs from torch by {worst:.1e} at most")


@command(app)
def evaluate(
    model: Model,
    corpus: Corpus,
    *,
    out: str,
    target: str = "emotion",
    scale: Scale = None,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Evaluate each exit on a corpus, and score and cost of adaptive exits.

    Args:
        out: folder for evaluation.json and the curve
        target: column of the classes, or 'dimensions'

    """
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
