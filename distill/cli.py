"""The command ``audw2s distill``.

Commands import what they need when they run, so that ``audw2s --help`` is quick and
works without torch.
"""

import os
from typing import Annotated

import typer

from audw2s.commands.options import Columns
from audw2s.commands.options import Quiet
from audw2s.commands.options import Scale
from audw2s.distill.evaluation_cli import app as evaluation
from audw2s.distill.evaluation_cli import publish
from audw2s.distill.exits.cli import app as exits
from audw2s.distill.options import Corpora
from audw2s.distill.options import Corpus
from audw2s.distill.options import Count
from audw2s.distill.options import Model
from audw2s.distill.options import ModelOut
from audw2s.distill.options import Name
from audw2s.distill.options import Penalty
from audw2s.distill.options import Settings
from audw2s.distill.options import Workers
from audw2s.distill.options import command
from audw2s.distill.student_cli import app as students

app = typer.Typer(
    help="Distil students from a teacher: teacher, label, train, evaluate, export.",
    no_args_is_help=True,
)
app.add_typer(students)
app.add_typer(evaluation)
app.add_typer(exits, name="exits")


@command(app)
def init(folder: str) -> None:
    """Write a toy project to begin with: three rated clips, and settings.

    Args:
        folder: folder of the project

    """
    from audw2s.distill.project import write_project

    write_project(folder)
    typer.echo(f"{folder}: ratings.csv, student.toml")


@command(app)
def get_encoder(
    name: Annotated[str, typer.Argument(help="whisper-tiny.en or whisper-base.")],
    *,
    out: str,
    quiet: Quiet = False,
) -> None:
    """Download Whisper's weights (MIT), whose encoder a teacher is made of.

    Args:
        out: folder of the file

    """
    from audw2s.distill.project import get_encoder as run

    typer.echo(f"{out}: sha256 {run(name, out, verbose=not quiet)}")


@command(app)
def teacher(
    encoder: str,
    ratings: Corpus,
    *,
    out: ModelOut,
    size: str = "tiny",
    layers: str = "1,2,3",
    penalty: Penalty = 3000.0,
    categories: str | None = None,
    scale: Scale = None,
    name: Name = None,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Fit a teacher to human ratings: a head on layers of Whisper.

    Args:
        encoder: Whisper or its encoder: folder, or safetensors
        size: size of the encoder: tiny or base
        layers: layers whose hidden states are used
        categories: settings (TOML) of corpora with categories instead of ratings: each
            clip gets the mean rating of its category
        name: name of the model in tables, whisper-SIZE-adv by default

    """
    from audw2s.corpus.evaluate import describe_folds
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.corpus.lists.corpus import read_corpus
    from audw2s.distill.origins import of_corpora
    from audw2s.distill.origins import of_corpus
    from audw2s.distill.teachers.categories import Categories
    from audw2s.distill.teachers.fit import fit_teacher
    from audw2s.distill.teachers.fit import save_teacher
    from audw2s.model.origins import Origins

    table = read_corpus(ratings, parse_columns(columns))
    weak = Categories.from_toml(categories) if categories else None
    network, report = fit_teacher(
        encoder,
        table,
        size=size,
        layers=_numbers(layers),
        penalty=penalty,
        categories=weak,
        scale=scale,
        verbose=not quiet,
    )
    # A folder, also where the catalogue has a model of this name
    out = os.path.join(os.curdir, out)
    origins = Origins(models={"whisper": "MIT"}) | of_corpus(ratings, table)
    origins |= of_corpora(weak.corpora if weak else ())
    save_teacher(network, table, out, name or f"whisper-{size}-adv", origins)
    publish(describe_folds(out, ratings, report), out)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise ValueError(f"Layers are numbers like '1,2,3', got '{text}'.") from None


@command(app)
def label(
    corpus: Corpora,
    *,
    out: str,
    teacher: str = "whisper-tiny-adv",
    num_workers: Workers = 1,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Label every clip with a teacher's values; run again to resume.

    Args:
        out: parquet file to write
        teacher: name or folder of a model; ./NAME is always a folder, catalogue:NAME
            always a name

    """
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.distill.clips import read_together
    from audw2s.distill.label import label as run

    table = read_together(corpus, parse_columns(columns))
    labels = run(table, teacher, out, num_workers=num_workers, verbose=not quiet)
    typer.echo(f"{out}: {len(labels)} clips")
    typer.echo(labels["status"].value_counts().to_string(name=False, dtype=False))


@command(app)
def projections(
    teacher: Model,
    corpus: Corpora,
    *,
    out: str,
    by: str = "emotion",
    num_components: Count = 16,
    penalty: Penalty = 3000.0,
    quiet: Quiet = False,
) -> None:
    """Fit projections of a teacher's hidden states, which students may imitate.

    Args:
        out: file to write, safetensors
        by: column of the categories
        num_components: number of principal components

    """
    from audw2s.distill.imitation import fit_projections

    fitted = fit_projections(
        teacher,
        corpus,
        out,
        by=by,
        num_components=num_components,
        penalty=penalty,
        verbose=not quiet,
    )
    typer.echo(f"{out}: {len(fitted.bias)} projections of {teacher}")


@command(app)
def prepare(
    settings: Settings, *, out: str, num_workers: Workers = 1, quiet: Quiet = False
) -> None:
    """Make and label the batches of trainings in advance; run again to resume.

    Args:
        out: folder of the batches

    """
    from audw2s.distill.config import Config
    from audw2s.distill.store import prepare as run

    config = Config.from_toml(settings)
    run(config, out, num_workers=num_workers, verbose=not quiet)
    typer.echo(f"{out}: {config.distinct} batches")


@command(app)
def train(
    settings: Settings, *, out: str, batches: str | None = None, quiet: Quiet = False
) -> None:
    """Train a student on a teacher's outputs; run again to resume.

    Args:
        out: folder of the training
        batches: folder of the batches, OUT/batches by default

    """
    from audw2s.distill.config import Config
    from audw2s.distill.train import train as run

    run(Config.from_toml(settings), out, store=batches, verbose=not quiet)
    typer.echo(os.path.join(out, "student.safetensors"))


@command(app)
def weights(model: Model, *, out: str) -> None:
    """Write the torch weights of a student, packaged ones included.

    Args:
        out: folder of the file

    """
    from audw2s.distill.finetune import write_weights

    write_weights(model, out)
    typer.echo(os.path.join(out, "student.safetensors"))


@command(app)
def finetune(
    model: Model,
    corpus: Corpora,
    *,
    out: str,
    teacher: str | None = None,
    scale: Scale = None,
    steps: Count = 300,
    learning_rate: float = 3e-4,
    quiet: Quiet = False,
) -> None:
    """Train a student further on ratings or a teacher's values; run again to resume.

    Args:
        out: folder of the training
        teacher: model whose values are learnt, in place of ratings, or function of a
            Python file, FILE.py:NAME
        steps: steps of the optimiser
        learning_rate: highest learning rate

    """
    from audw2s.distill.finetune import finetune as run

    run(
        model,
        corpus,
        out,
        teacher=teacher,
        scale=scale,
        steps=steps,
        learning_rate=learning_rate,
        verbose=not quiet,
    )
    typer.echo(os.path.join(out, "student.safetensors"))
