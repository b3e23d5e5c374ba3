"""The command ``audw2s listen``."""

from typing import Annotated

import typer

from audw2s.errors import explained


@explained("interrupted.")
def listen(
    source: str | None = None,
    *,
    model: str = "wav2small",
    win_dur: float = 2.0,
    every: float = 0.25,
    sampling_rate: Annotated[int, typer.Option(min=1000)] = 16000,
    channels: Annotated[int, typer.Option(min=1)] = 1,
    sample_format: Annotated[str, typer.Option("--format")] = "s16",
) -> None:
    """Show A/D/V of a microphone or a pipe live, until Ctrl-C or the end of the pipe.

    Shows bars in a terminal, and prints CSV otherwise. For a pipe:
    ffmpeg -i FILE -f s16le -ac 1 -ar 16000 - | audw2s listen -

    Args:
        source: '-' for raw samples on stdin, or name or number of a microphone; by
            default the system's default microphone
        model: name or folder of a student
        win_dur: duration of the window in seconds
        every: seconds between updates
        sampling_rate: rate in Hz
        channels: number of channels of raw samples
        sample_format: format of raw samples: s16, s32 or f32

    """
    import sys

    from audw2s.commands import microphone as live
    from audw2s.inference.stream import Stream

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
