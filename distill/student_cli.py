"""Commands of ``audw2s distill`` that write students as models."""

import os
from typing import Any

import typer

from audw2s.commands.options import Columns
from audw2s.commands.options import Quiet
from audw2s.distill.options import Corpora
from audw2s.distill.options import Count
from audw2s.distill.options import Model
from audw2s.distill.options import ModelOut
from audw2s.distill.options import Name
from audw2s.distill.options import Penalty
from audw2s.distill.options import Run
from audw2s.distill.options import command

app = typer.Typer()


@command(app)
def export(run: Run, *, out: ModelOut, name: Name = None) -> None:
    """Export a trained student to a model folder.

    Args:
        name: name of the model in tables, by default that of its architecture

    """
    from audw2s.distill.export import export_student

    sha256, worst = export_student(run, out, name)
    typer.echo(f"{out}: sha256 {sha256}, differs from torch by {worst:.1e} at most")


@command(app)
def fit_head(
    model: str,
    corpus: list[str],
    *,
    out: ModelOut,
    teacher: str = "whisper-tiny-adv",
    penalty: Penalty = 200.0,
    name: Name = None,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Fit the last layer of a student to a teacher's outputs, in closed form.

    Args:
        model: name or folder of a student
        corpus: corpus, or CORPUS=WEIGHT with the weight of its clips
        teacher: name or folder of a model, a mean of models, or function of a Python
            file, FILE.py:NAME
        name: name of the model in tables, by default that of the student

    """
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.model_head import fit_model_head

    sha256 = fit_model_head(
        model,
        dict(_weighted(text) for text in corpus),
        out,
        teacher=teacher,
        penalty=penalty,
        name=name,
        columns=parse_columns(columns),
        verbose=not quiet,
    )
    typer.echo(f"{out}: sha256 {sha256}")


def _weighted(text: str) -> tuple[str, float]:
    path, _, weight = text.rpartition("=")
    try:
        return (path, float(weight)) if path else (text, 1.0)
    except ValueError:
        return text, 1.0


@command(app)
def quantise(
    model: Model,
    corpus: Corpora,
    *,
    out: ModelOut,
    name: Name = None,
    num_clips: Count = 30,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Quantise a student to eight-bit integers, in a new model folder.

    Args:
        name: name of the model in tables, by default that of the student with -int8
        num_clips: clips per corpus for calibration; as many others for a check

    """
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.quantise import in_words
    from audw2s.distill.quantise import quantise_student

    sha256, figures = quantise_student(
        model,
        corpus,
        out,
        name,
        num_clips=num_clips,
        columns=parse_columns(columns),
        verbose=not quiet,
    )
    typer.echo(f"{out}: sha256 {sha256}, differs from {model} {in_words(figures)}")


@command(app)
def speech(
    model: str,
    corpus: Corpora,
    *,
    noise: list[str],
    out: ModelOut,
    test: list[str] | None = None,
    test_noise: list[str] | None = None,
    num_scenes: Count = 400,
    seed: int = 0,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Add a layer to a student that tells which tokens are speech.

    Args:
        model: name or folder of a student
        noise: corpus of noise; give it repeatedly for several
        test: corpus of speech to test on, with --test-noise
        test_noise: corpus of noise to test on
        num_scenes: number of scenes of 20 s to fit to
        seed: seed of the scenes

    """
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.clips import read_together
    from audw2s.distill.clips import usable_clips
    from audw2s.distill.origins import of_corpora
    from audw2s.distill.speech_layer import add_speech_layer
    from audw2s.distill.speech_layer import evaluate_speech_layer

    if bool(test) != bool(test_noise):
        raise ValueError("--test and --test-noise are needed both, or none.")

    def clips(paths: list[str]) -> list:
        table = read_together(paths, parse_columns(columns))
        return usable_clips(table, verbose=not quiet)[1]

    settings: Any = {"num_scenes": num_scenes, "seed": seed, "verbose": not quiet}
    origins = of_corpora([*corpus, *noise], parse_columns(columns))
    sha256 = add_speech_layer(
        model, out, clips(corpus), clips(noise), origins=origins, **settings
    )
    typer.echo(f"{out}: sha256 {sha256}")
    if test and test_noise:
        # A folder, also where the catalogue has a model of this name
        out = os.path.abspath(out)
        area = evaluate_speech_layer(out, clips(test), clips(test_noise), **settings)
        typer.echo(f"AUC against the detector on other speech and noise: {area:.3f}")
