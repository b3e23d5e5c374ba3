"""The command ``audw2s curve``."""

from typing import Annotated

import typer

from audw2s.commands.options import Channels
from audw2s.commands.options import Json
from audw2s.commands.options import Models
from audw2s.commands.options import TableOut
from audw2s.commands.options import Vad
from audw2s.commands.output import show
from audw2s.errors import explained


@explained("interrupted, nothing was written.")
def curve(
    file: Annotated[str, typer.Argument(help="Audio file.")],
    model: Models = None,
    win_dur: Annotated[
        float, typer.Option(help="Duration of windows in seconds.")
    ] = 2.0,
    rate: Annotated[float, typer.Option(help="Values per second, 250 at most.")] = 10.0,
    channels: Channels = None,
    vad: Vad = False,
    out: TableOut = None,
    plot: Annotated[
        str | None, typer.Option(help="Plot the curves to a .png, .svg or .pdf file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print, write or plot A/D/V of one file over time."""
    from functools import partial

    import pandas as pd

    from audw2s.audio.channels import channels_of
    from audw2s.audio.channels import parse_channels
    from audw2s.audio.decode import file_blocks
    from audw2s.audio.preprocess import load
    from audw2s.inference.curve import curve as run
    from audw2s.plots import save_curves
    from audw2s.tables import check_table_path
    from audw2s.tables import write_table

    if out is not None:
        check_table_path(out)
    wanted = channels_of(partial(file_blocks, file), parse_channels(channels))
    frames = {}
    for name in model or ["wav2small"]:
        for channel in wanted:
            frame = run(
                file, name, win_dur=win_dur, rate=rate, channels=channel, vad=vad
            )
            frames[name if channel is None else f"{name}, channel {channel}"] = frame
    if plot is not None:
        save_curves(plot, frames, signal=load(file))
        typer.echo(f"{plot}: A/D/V over time", err=True)
    table = pd.concat(
        [
            frame.reset_index().assign(file=file, **frame.attrs["audw2s"])
            for frame in frames.values()
        ]
    )
    if channels is not None:
        sizes = [len(frame) for frame in frames.values()]
        numbers = [*wanted] * (len(sizes) // len(wanted))
        table.insert(
            1, "channel", pd.Series(numbers, dtype="Int64").repeat(sizes).array
        )
    if out is not None:
        write_table(table, out)
    elif as_json:
        show(table, as_json=True)
    elif plot is None:
        show(table[["model", *table.loc[:, :"status"]]])
