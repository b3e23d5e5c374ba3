"""The command ``audw2s annotate``."""

from typing import Annotated

import typer

from audw2s.errors import explained
from audw2s.options import Exact
from audw2s.options import HopDur
from audw2s.options import Models
from audw2s.options import WinDur


@explained("interrupted, what is finished is kept: run the same command to go on.")
def annotate(
    corpus: Annotated[
        str,
        typer.Argument(
            help="Folder (with subfolders); list of files (.txt, .csv, .parquet); "
            "database: ROOT, ROOT:TABLE or audb:NAME==VERSION."
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            help="Folder for results, new or of a run to go on with; or s3://…, gs://…."
        ),
    ],
    model: Models = None,
    win_dur: WinDur = None,
    hop_dur: HopDur = None,
    exact: Exact = False,
    max_dur: Annotated[
        float | None, typer.Option(help="Leave out what lasts longer, in seconds.")
    ] = None,
    table_format: Annotated[
        str, typer.Option("--format", help="Of the table: parquet or csv.")
    ] = "parquet",
    table: Annotated[
        str | None,
        typer.Option(help="Add a table of this name to a copy of the database."),
    ] = None,
    embeddings: Annotated[
        bool,
        typer.Option(
            "--embeddings",
            help="Write the hidden states of the models, to OUT/embeddings.parquet.",
        ),
    ] = False,
    device: Annotated[
        str, typer.Option(help="That models run on: cpu, cuda, cuda:1 and so on.")
    ] = "cpu",
    report: Annotated[
        str | None,
        typer.Option(help="Write a page on what was found to this path, as HTML."),
    ] = None,
    num_workers: Annotated[
        int | None,
        typer.Option(min=1, help="Threads over files, actors of Ray; one per core."),
    ] = None,
    file_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds without progress after which a file is given up; one more "
            "for each MB."
        ),
    ] = 120.0,
    shard_size: Annotated[
        int, typer.Option(min=1, help="Inputs that are written to disk at a time.")
    ] = 200,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Hear again what was missing, unreadable, empty or truncated.",
        ),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Delete what is in OUT, start anew.")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            help="local, or ray for many machines: files and OUT have the same paths "
            "on all of them, and so have models."
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Of a Ray cluster: auto or HOST:PORT; left out, its own."),
    ] = None,
    cpus_per_worker: Annotated[
        int, typer.Option(min=1, help="Of Ray: cores of an actor, and its threads.")
    ] = 1,
    gpus_per_worker: Annotated[
        float, typer.Option(min=0, help="Of Ray: GPUs of an actor, or a part of one.")
    ] = 0.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Annotate a corpus; run the same command again to go on.

    Every input has a row. Exit code 0 if all have values, 1 if some have not (the
    table says why), 2 for wrong usage, 130 after Ctrl-C.
    """
    from audw2s.corpus.annotation import Options
    from audw2s.corpus.annotation import Run
    from audw2s.corpus.hearing import Settings

    models = tuple(model or ["wav2small"])
    settings = Settings(models, win_dur, hop_dur, exact, max_dur, embeddings, device)
    options = Options(
        num_workers=num_workers,
        file_timeout=file_timeout,
        shard_size=shard_size,
        table=table,
        table_format=table_format,
        report=report,
        restart=restart,
        retry_failed=retry_failed,
        verbose=not quiet,
        engine=engine,
        address=address,
        cpus_per_worker=cpus_per_worker,
        gpus_per_worker=gpus_per_worker,
    )
    run = Run(corpus, out, settings, options)
    run()
    typer.echo(run.summary, err=True)
    if run.summary.num_failed:
        raise typer.Exit(1)
