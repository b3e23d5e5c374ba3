"""The ``audw2s`` command: parses, calls, prints."""

from typing import TYPE_CHECKING
from typing import Annotated

import typer

from audw2s.corpus.cli import annotate
from audw2s.demo.cli import demo
from audw2s.distill.cli import app as distill
from audw2s.errors import SOME_WITHOUT_VALUES
from audw2s.errors import UNLISTED
from audw2s.errors import explained
from audw2s.options import Exact
from audw2s.options import HopDur
from audw2s.options import ListLeftOut
from audw2s.options import Models
from audw2s.options import Quiet
from audw2s.options import TableOut
from audw2s.options import WinDur
from audw2s.version import __version__

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Arousal, dominance and valence of speech.",
)
app.add_typer(distill, name="distill")
app.command()(annotate)
app.command()(demo)


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


@app.command()
@explained()
def models() -> None:
    """List the models: what they are, how large, under which terms."""
    from audw2s.catalogue import CATALOGUE
    from audw2s.loading import whereabouts
    from audw2s.names import exact

    for entry in CATALOGUE.values():
        typer.secho(entry.name, bold=True)
        typer.echo(f"  {entry.description}")
        facts = [
            ("parameters", f"{entry.parameters:,}"),
            ("input", f"mono, {entry.sampling_rate} Hz, {entry.max_dur:g} s at once"),
            ("outputs", f"{', '.join(entry.outputs)}; roughly 0…1, not clipped"),
            ("licence", entry.licence),
            ("source", entry.source),
            ("weights", whereabouts(exact(entry.name))),
            ("sha256", entry.sha256),
            ("cite", entry.citation),
        ]
        for name, fact in facts:
            if fact:
                typer.echo(f"  {name:<11}{fact}")


@app.command()
@explained()
def get(
    name: Annotated[
        str, typer.Argument(help="Of a model, see 'audw2s models', or a mean of some.")
    ],
    source: Annotated[
        str | None,
        typer.Option("--from", help="'hub', 'zenodo', or a folder with the files."),
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Of models that ask for it.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Get a model that isn't in the package; run again to go on."""
    from audw2s.loading import whereabouts
    from audw2s.names import entry_of
    from audw2s.names import exact
    from audw2s.weights.get import get as run

    run(name, source=source, accept_licence=accept_licence, verbose=not quiet)
    if (entry := entry_of(exact(name))) is not None:
        place = whereabouts(exact(entry.name))
        typer.echo(f"{entry.name}: {place}; {entry.licence}")


@app.command()
@explained("interrupted, nothing was written.")
def predict(
    paths: Annotated[
        list[str],
        typer.Argument(help="Files, folders (with subfolders), or patterns."),
    ],
    model: Annotated[
        str, typer.Option(help="Name (see 'audw2s models') or model folder.")
    ] = "wav2small",
    out: TableOut = None,
    win_dur: WinDur = None,
    hop_dur: HopDur = None,
    exact: Exact = False,
    exit: Annotated[
        str | None,
        typer.Option(
            help="Of a model with exits: the layer of one, auto, or auto(MARGIN)."
        ),
    ] = None,
    num_workers: Annotated[int, typer.Option(min=1, help="Threads over files.")] = 1,
    list_left_out: ListLeftOut = False,
) -> None:
    """Print or write arousal, dominance and valence of audio files.

    Every input has a row. Exit code 0 if all have values, 1 if some have not (the
    table says why), 2 if a sentence says what stopped it, 3 if folders can't be listed.
    """
    from audw2s.annotator import Annotator
    from audw2s.corpus.lists.folder import find_media
    from audw2s.corpus.paths import printable
    from audw2s.files import check_table_path
    from audw2s.files import unlisted_text
    from audw2s.files import write_table
    from audw2s.predict import predict as run
    from audw2s.statuses import UNUSABLE

    if hop_dur is not None and win_dur is None:
        raise ValueError("--hop-dur needs --win-dur.")
    if out is not None:
        check_table_path(out)
    annotator = Annotator(
        model,
        win_dur=win_dur,
        hop_dur=hop_dur,
        exact=exact,
        exit=exit,
        classes=True,
    )
    found = find_media(paths)
    files, unlisted = found.files, found.unlisted
    if list_left_out:
        for line in found.left_out.lines():
            typer.echo(printable(line), err=True)
    if not files:
        raise ValueError(f"There are no audio files in {', '.join(paths)}.")
    table = run(files, annotator, num_workers=num_workers, verbose=True)
    if out is not None:
        write_table(table, out)
    else:
        typer.echo(as_text(table))
    failed = table["status"].isin(UNUSABLE)
    if failed.any():
        count = table.loc[failed, "file"].nunique()
        typer.echo(f"{count} of {len(files)} files have no values.", err=True)
    if unlisted:
        typer.echo(unlisted_text(unlisted), err=True)
    if found.left_out:
        typer.echo(str(found.left_out), err=True)
    if unlisted or failed.any():
        raise typer.Exit(UNLISTED if unlisted else SOME_WITHOUT_VALUES)


@app.command()
@explained("interrupted, nothing was written.")
def curve(
    file: Annotated[str, typer.Argument(help="Audio file.")],
    model: Models = None,
    win_dur: Annotated[float, typer.Option(help="Seconds around each value.")] = 2.0,
    rate: Annotated[float, typer.Option(help="Values per second, 250 at most.")] = 10.0,
    out: TableOut = None,
    plot: Annotated[
        str | None, typer.Option(help="Draw the curves into a .png, .svg or .pdf file.")
    ] = None,
) -> None:
    """Print, write or draw A/D/V of one file over time."""
    import pandas as pd

    from audw2s.curves import curve as run
    from audw2s.files import check_table_path
    from audw2s.files import write_table
    from audw2s.plot import save_curves
    from audw2s.signal import load

    if out is not None:
        check_table_path(out)
    names = model or ["wav2small"]
    frames = {name: run(file, name, win_dur=win_dur, rate=rate) for name in names}
    if plot is not None:
        save_curves(plot, frames, signal=load(file))
    table = pd.concat(
        [
            frame.reset_index().assign(file=file, **frame.attrs["audw2s"])
            for frame in frames.values()
        ]
    )
    if out is not None:
        write_table(table, out)
    elif plot is None:
        table["time"] = table["time"].dt.total_seconds()
        shown = table[["model", *table.loc[:, :"status"]]]
        typer.echo(shown.to_string(index=False, float_format="%.3f"))


@app.command()
@explained("interrupted.")
def listen(
    source: Annotated[
        str | None,
        typer.Argument(
            help="'-' for raw samples on stdin, or name or number of a microphone; "
            "the system's default microphone if left out."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Name or folder of a student.")
    ] = "wav2small",
    win_dur: Annotated[float, typer.Option(help="Seconds of the last window.")] = 2.0,
    every: Annotated[float, typer.Option(help="Seconds between updates.")] = 0.25,
    sampling_rate: Annotated[int, typer.Option(min=1000, help="In Hz.")] = 16000,
    channels: Annotated[int, typer.Option(min=1, help="Of raw samples.")] = 1,
    sample_format: Annotated[
        str, typer.Option("--format", help="Of raw samples: s16, s32 or f32.")
    ] = "s16",
) -> None:
    """Show A/D/V live, of a microphone or a pipe, until Ctrl-C or its end.

    Bars in a terminal, CSV lines where the output goes elsewhere. For a pipe:
    ffmpeg -i FILE -f s16le -ac 1 -ar 16000 - | audw2s listen -
    """
    import sys

    from audw2s import listen as live
    from audw2s.stream import Stream

    if sample_format not in live.FORMATS:
        known = ", ".join(live.FORMATS)
        raise ValueError(f"--format is one of {known}, not '{sample_format}'.")
    stream = Stream(model, win_dur=win_dur, sampling_rate=sampling_rate)
    if source == "-":
        chunks = live.raw_chunks(
            sys.stdin.buffer, sampling_rate, channels, sample_format
        )
    else:
        chunks = live.microphone_chunks(source, sampling_rate)
    live.listen(stream, chunks, every)


def as_text(table: "pd.DataFrame") -> str:
    """Table for the terminal: times in seconds, three digits, made by what."""
    shown = table.loc[:, :"message"]
    for column in ("start", "end"):
        shown[column] = shown[column].dt.total_seconds()
    text = shown.to_string(index=False, float_format="%.3f", justify="right")
    by = table.iloc[0]
    return f"{text}\n{by['model']} {by['sha256'][:8]}, audw2s {by['version']}"
