"""The command ``audw2s curve``."""

from typing import TYPE_CHECKING

import typer

from audw2s.commands.options import Channels
from audw2s.commands.options import Json
from audw2s.commands.options import Models
from audw2s.commands.options import TableOut
from audw2s.commands.output import show
from audw2s.errors import explained

if TYPE_CHECKING:
    import pandas as pd


@explained("interrupted, nothing was written.")
def curve(
    file: str,
    *,
    model: Models = None,
    win_dur: float = 2.0,
    rate: float = 10.0,
    channels: Channels = None,
    vad: bool = False,
    out: TableOut = None,
    plot: str | None = None,
    elan: str | None = None,
    textgrid: str | None = None,
    as_json: Json = False,
) -> None:
    """Print, write or plot A/D/V of one file over time, or write it for ELAN, Praat.

    Args:
        file: audio file
        win_dur: duration of windows in seconds
        rate: values per second, 250 at most
        plot: plot the curves to a .png, .svg or .pdf file
        elan: write the curves as tiers of ELAN, to an .eaf
        textgrid: write the curves as tiers of Praat

    """
    import itertools
    from functools import partial

    import pandas as pd

    from audw2s.audio.channels import channels_of
    from audw2s.audio.channels import parse_channels
    from audw2s.audio.decode import file_blocks
    from audw2s.audio.preprocess import load
    from audw2s.files import printable
    from audw2s.inference.curve import curve as run
    from audw2s.plots import save_curves
    from audw2s.tables import check_table_path
    from audw2s.tables import write_table

    if out is not None:
        check_table_path(out)
    wanted = channels_of(partial(file_blocks, file), parse_channels(channels))
    frames, tables = {}, []
    for name, channel in itertools.product(model or ["wav2small"], wanted):
        frame = run(file, name, win_dur=win_dur, rate=rate, channels=channel, vad=vad)
        frames[name if channel is None else f"{name}, channel {channel}"] = frame
        facts = {"file": printable(file), **frame.attrs["audw2s"]}
        rows = frame.reset_index().assign(**facts)
        if channels is not None:
            rows.insert(1, "channel", pd.Series([channel] * len(rows), dtype="Int64"))
        tables.append(rows)
    table = pd.concat(tables)
    if plot is not None:
        save_curves(plot, frames, signal=load(file))
        typer.echo(f"{plot}: A/D/V over time", err=True)
    write_tiers(file, frames, elan=elan, textgrid=textgrid)
    if out is not None:
        write_table(table, out)
    elif as_json:
        show(table, as_json=True)
    elif plot is elan is textgrid is None:
        show(table[["model", *table.loc[:, :"status"]]])


def write_tiers(
    file: str,
    frames: "dict[str, pd.DataFrame]",
    *,
    elan: str | None,
    textgrid: str | None,
) -> None:
    """Write curves for ELAN and Praat, as far as a path is given.

    Raises:
        ValueError: if the file has no values

    """
    from functools import partial

    from audw2s.audio.decode import file_blocks
    from audw2s.audio.preprocess import measured
    from audw2s.tiers import write_eaf
    from audw2s.tiers import write_textgrid

    if elan is textgrid is None:
        return
    duration = measured(partial(file_blocks, file)).duration
    if not duration:
        status = next(iter(frames.values()))["status"].iloc[0]
        raise ValueError(f"'{file}' has no values: {status}.")
    if elan is not None:
        write_eaf(elan, frames, duration, file)
        typer.echo(f"{elan}: A/D/V over time, for ELAN", err=True)
    if textgrid is not None:
        write_textgrid(textgrid, frames, duration)
        typer.echo(f"{textgrid}: A/D/V over time, for Praat", err=True)
