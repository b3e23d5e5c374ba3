"""The command ``audw2s curve``."""

from typing import Annotated

import typer

from audw2s.commands.options import Models
from audw2s.commands.options import TableOut
from audw2s.errors import explained


@explained("interrupted, nothing was written.")
def curve(
    file: Annotated[str, typer.Argument(help="Audio file.")],
    model: Models = None,
    win_dur: Annotated[
        float, typer.Option(help="Duration of windows in seconds.")
    ] = 2.0,
    rate: Annotated[float, typer.Option(help="Values per second, 250 at most.")] = 10.0,
    out: TableOut = None,
    plot: Annotated[
        str | None, typer.Option(help="Plot the curves to a .png, .svg or .pdf file.")
    ] = None,
) -> None:
    """Print, write or plot A/D/V of one file over time."""
    import pandas as pd

    from audw2s.audio.preprocess import load
    from audw2s.files import check_table_path
    from audw2s.files import write_table
    from audw2s.inference.curve import curve as run
    from audw2s.plots import save_curves

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
