"""The command ``audw2s annotate``."""

from typing import Annotated
from typing import Any

import typer

from audw2s.commands.options import Channels
from audw2s.commands.options import Columns
from audw2s.commands.options import Exact
from audw2s.commands.options import HopDur
from audw2s.commands.options import Intervals
from audw2s.commands.options import ListLeftOut
from audw2s.commands.options import Models
from audw2s.commands.options import Quiet
from audw2s.commands.options import Vad
from audw2s.commands.options import ValuesOnly
from audw2s.commands.options import WinDur
from audw2s.commands.output import print_left_out
from audw2s.errors import SOME_WITHOUT_VALUES
from audw2s.errors import UNLISTED
from audw2s.errors import explained

Corpus = Annotated[
    str,
    typer.Argument(
        help="Folder (with subfolders); audio file; list of files (.txt, .csv, "
        ".parquet, .jsonl, .scp, .rttm); "
        "database: ROOT, ROOT:TABLE or audb:NAME==VERSION; MSP-Podcast, IEMOCAP or "
        "DEMoS: ROOT or ROOT:PART."
    ),
]

Out = Annotated[
    str,
    typer.Option(
        help="Folder of the results, new or of a run to resume; or s3://…, gs://…."
    ),
]

MaxDur = Annotated[
    float | None,
    typer.Option(help="Longest duration in seconds; longer inputs have no values."),
]

TableFormat = Annotated[
    str, typer.Option("--format", help="Format of the table: parquet or csv.")
]

Table = Annotated[
    str | None,
    typer.Option(help="Add a table of this name to a copy of the database."),
]

Embeddings = Annotated[
    bool,
    typer.Option(
        "--embeddings",
        help="Write the hidden states of the models, to OUT/embeddings.parquet.",
    ),
]

Device = Annotated[
    str, typer.Option(help="Device of the models: cpu, cuda, cuda:1 and so on.")
]

BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of windows of equal length that a teacher processes at once; 16 "
        "on GPUs, else 1.",
    ),
]

Report = Annotated[
    str | None,
    typer.Option(help="Write a report on the results to this path, as HTML."),
]

NumWorkers = Annotated[
    int | None,
    typer.Option(
        min=1, help="Number of worker processes, or actors of Ray; one per core."
    ),
]

FileTimeout = Annotated[
    float,
    typer.Option(
        help="Seconds without progress after which a file is given up; plus one second "
        "per MB."
    ),
]

ShardSize = Annotated[
    int, typer.Option(min=1, help="Number of inputs that are written to disk at once.")
]

RetryFailed = Annotated[
    bool,
    typer.Option(
        "--retry-failed",
        help="Process missing, unreadable, empty and truncated files again.",
    ),
]

Restart = Annotated[
    bool, typer.Option("--restart", help="Delete the results in OUT and start again.")
]

Engine = Annotated[
    str,
    typer.Option(
        help="local, or ray for several machines, on which files, OUT and models need "
        "to have the same paths."
    ),
]

Address = Annotated[
    str | None,
    typer.Option(
        help="Address of a Ray cluster: auto or HOST:PORT; by default one is started."
    ),
]

CpusPerWorker = Annotated[
    int,
    typer.Option(
        min=1, help="Number of cores, and worker processes, of an actor of Ray."
    ),
]

GpusPerWorker = Annotated[
    float,
    typer.Option(min=0, help="Number of GPUs of an actor of Ray, also a fraction."),
]


Segments = Annotated[
    str | None,
    typer.Option(help="vad: a row per segment of speech, between pauses of 0.3 s."),
]

MinSegmentDur = Annotated[
    float,
    typer.Option(help="Duration of the shortest segment of speech in seconds."),
]

MaxSegmentDur = Annotated[
    float | None,
    typer.Option(
        help="Duration of the longest segment in seconds; longer ones are cut where "
        "speech is least probable."
    ),
]


@explained("interrupted, what is finished is kept: run the same command to go on.")
def annotate(
    corpus: Corpus,
    out: Out,
    model: Models = None,
    win_dur: WinDur = None,
    hop_dur: HopDur = None,
    exact: Exact = False,
    max_dur: MaxDur = None,
    vad: Vad = False,
    intervals: Intervals = None,
    channels: Channels = None,
    segments: Segments = None,
    min_segment_dur: MinSegmentDur = 0.25,
    max_segment_dur: MaxSegmentDur = None,
    table_format: TableFormat = "parquet",
    values_only: ValuesOnly = False,
    table: Table = None,
    embeddings: Embeddings = False,
    device: Device = "cpu",
    batch_size: BatchSize = None,
    report: Report = None,
    num_workers: NumWorkers = None,
    file_timeout: FileTimeout = 120.0,
    shard_size: ShardSize = 200,
    retry_failed: RetryFailed = False,
    restart: Restart = False,
    engine: Engine = "local",
    address: Address = None,
    cpus_per_worker: CpusPerWorker = 1,
    gpus_per_worker: GpusPerWorker = 0.0,
    columns: Columns = None,
    list_left_out: ListLeftOut = False,
    quiet: Quiet = False,
) -> None:
    """Annotate a corpus; run the same command again to resume.

    Every input has a row. Exit code 0 if all have values, 1 if some have none (the
    table holds the reason), 2 after an error with a message, 3 if folders can't be
    listed, 75 if a Ray cluster was lost, 130 after Ctrl-C.
    """
    _annotate(locals())


def _annotate(arguments: dict[str, Any]) -> None:
    """Run the command with arguments as they are given."""
    from audw2s.audio.channels import parse_channels
    from audw2s.corpus.inputs import read_inputs
    from audw2s.corpus.lists.columns import parse_columns
    from audw2s.corpus.options import Options
    from audw2s.corpus.options import models_of
    from audw2s.corpus.run import Run

    parsed = {
        "models": models_of(arguments["model"] or "wav2small"),
        "channels": parse_channels(arguments["channels"]),
        "columns": parse_columns(arguments["columns"]),
        "verbose": not arguments["quiet"],
    }
    options = Options.of(arguments | parsed)
    inputs = read_inputs(arguments["corpus"], options.columns)
    run = Run(inputs, arguments["out"], options)
    if arguments["list_left_out"]:
        print_left_out(inputs.listing)
    run()
    typer.echo(run.summary, err=True)
    if run.speakers.are_known:
        typer.echo(run.speakers, err=True)
    if inputs.listing.unlisted:
        raise typer.Exit(UNLISTED)
    if run.summary.num_failed:
        raise typer.Exit(SOME_WITHOUT_VALUES)
