"""The ``audw2s`` command: all commands, those of other packages included."""

from importlib.metadata import entry_points
from typing import Annotated

import typer

from audw2s.commands.annotate import annotate
from audw2s.commands.curve import curve
from audw2s.commands.evaluate import evaluate
from audw2s.commands.export import export
from audw2s.commands.get import get
from audw2s.commands.get import verify
from audw2s.commands.listen import listen
from audw2s.commands.models import models
from audw2s.commands.options import add_command
from audw2s.commands.predict import predict
from audw2s.version import __version__

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Arousal, dominance and valence of speech.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"audw2s {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Version."),
    ] = False,
) -> None:
    """Arousal, dominance and valence of speech."""


CORE = (models, get, verify, predict, annotate, evaluate, curve, listen, export)
"""Commands that need no extra."""

for command in CORE:
    add_command(app, command)
for plugin in sorted(entry_points(group="audw2s.commands"), key=lambda p: p.name):
    command = plugin.load()
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=plugin.name)
    else:
        app.command(name=plugin.name)(command)
