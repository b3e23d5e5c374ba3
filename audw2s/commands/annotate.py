"""The command ``audw2s annotate``."""

import inspect
from collections.abc import Callable
from typing import Annotated
from typing import Any

import typer

from audw2s.commands.options import Channels
from audw2s.commands.options import Columns
from audw2s.commands.options import Models
from audw2s.commands.options import Quiet
from audw2s.commands.output import print_left_out
from audw2s.corpus.options import Options
from audw2s.errors import SOME_WITHOUT_VALUES
from audw2s.errors import UNLISTED
from audw2s.errors import explained

OTHERWISE = ("models", "verbose")
"""Fields of a run's options that the command has by another name."""


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all options of a run, besides its own parameters."""
    parameters = dict(inspect.signature(command).parameters)
    del parameters["options"]
    for name, parameter in inspect.signature(Options).parameters.items():
        if name not in (*parameters, *OTHERWISE):
            parameters[name] = parameter.replace(kind=parameter.KEYWORD_ONLY)
    signature = inspect.Signature(list(parameters.values()))
    command.__signature__ = signature  # type: ignore[attr-defined]
    return command


@explained("interrupted, what is finished is kept: run the same command to go on.")
@with_options
def annotate(
    corpus: str,
    *,
    out: str,
    model: Models = None,
    channels: Channels = None,
    table_format: Annotated[str, typer.Option("--format")] = "parquet",
    columns: Columns = None,
    list_left_out: bool = False,
    quiet: Quiet = False,
    **options: Any,
) -> None:
    """Annotate a corpus; run the same command again to resume.

    Every input has a row. Exit code 0 if all have values, 1 if some have none (the
    table holds the reason), 2 after an error with a message, 3 if folders can't be
    listed, 75 if a Ray cluster was lost, 130 after Ctrl-C.

    Args:
        corpus: folder (with subfolders); audio file; list of files (.txt, .csv,
            .parquet, .jsonl, .scp, .rttm); database: ROOT, ROOT:TABLE or
            audb:NAME==VERSION; MSP-Podcast, IEMOCAP or DEMoS: ROOT or ROOT:PART
        out: folder of the results, new or of a run to resume; or s3://…, gs://…
        list_left_out: list files in folders that have no row: hidden files, and files
            without audio or video

    """
    from audw2s.corpus.child_process import spare_workers

    wanted = 0 if options["engine"] == "ray" else options["num_workers"] or 1
    with spare_workers(wanted) as spares:
        from audw2s.audio.channels import parse_channels
        from audw2s.corpus.inputs import read_inputs
        from audw2s.corpus.lists.columns import parse_columns
        from audw2s.corpus.options import models_of
        from audw2s.corpus.run import Run

        chosen = Options(
            models_of(model or "wav2small"),
            channels=parse_channels(channels),
            table_format=table_format,
            columns=parse_columns(columns),
            verbose=not quiet,
            **options,
        )
        inputs = read_inputs(corpus, chosen.columns)
        run = Run(inputs, out, chosen, spares)
        if list_left_out:
            print_left_out(inputs.listing)
        run()
    typer.echo(run.summary, err=True)
    if run.speakers.are_known:
        typer.echo(run.speakers, err=True)
    if inputs.listing.unlisted:
        raise typer.Exit(UNLISTED)
    if run.summary.num_failed:
        raise typer.Exit(SOME_WITHOUT_VALUES)
