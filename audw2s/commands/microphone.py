"""Live A/D/V of a microphone, or of raw samples on stdin, in the terminal."""

import contextlib
import queue
import sys
from collections.abc import Iterator
from typing import IO

import numpy as np

from audw2s.audio.decode import mono
from audw2s.audio.preprocess import as_float
from audw2s.inference.stream import Moment
from audw2s.inference.stream import Stream
from audw2s.model.registry import DIMENSIONS

FORMATS: dict[str, np.dtype] = {
    "s16": np.dtype("<i2"),
    "s32": np.dtype("<i4"),
    "f32": np.dtype("<f4"),
}
"""Raw samples, little-endian, as ``ffmpeg -f s16le`` writes them."""

CHUNK_DUR = 0.05
"""Duration in seconds of a chunk."""

BAR_LENGTH = 30
"""Number of characters of a bar from 0 to 1."""


def raw_chunks(
    file: IO[bytes],
    sampling_rate: int,
    num_channels: int,
    sample_format: str,
) -> Iterator[np.ndarray]:
    """Read raw samples until the end; an incomplete last sample is left out.

    Args:
        file: binary file, such as ``sys.stdin.buffer``
        sampling_rate: sampling rate in Hz
        num_channels: number of interleaved channels
        sample_format: format of the samples, one of :data:`FORMATS`

    Yields:
        ``(num_channels, num_samples)``

    Examples:
        >>> import io
        >>> file = io.BytesIO(np.array([1, 2, 3, 4], "<i2").tobytes() + b"x")
        >>> [chunk.tolist() for chunk in raw_chunks(file, 16000, 2, "s16")]
        [[[1, 3], [2, 4]]]

    """
    kind = np.dtype(FORMATS[sample_format])
    frame = kind.itemsize * num_channels
    size = max(1, round(CHUNK_DUR * sampling_rate)) * frame
    while data := file.read(size):
        whole = data[: len(data) // frame * frame]
        yield np.frombuffer(whole, kind).reshape(-1, num_channels).T


def microphone_chunks(device: str | None, sampling_rate: int) -> Iterator[np.ndarray]:
    """Record until interrupted.

    Args:
        device: name of the microphone, or a part of it, or its number; ``None`` for
            the system's default
        sampling_rate: sampling rate in Hz

    Yields:
        ``(num_samples,)``, float32

    Raises:
        ModuleNotFoundError: without sounddevice
        ValueError: if there is no such device, or it doesn't support the settings

    """
    import sounddevice

    chunks: queue.Queue = queue.Queue()

    def take(data: np.ndarray, *_: object) -> None:
        chunks.put(data[:, 0].copy())

    chosen = int(device) if device and device.isdigit() else device
    try:
        recording = sounddevice.InputStream(
            samplerate=sampling_rate,
            blocksize=round(CHUNK_DUR * sampling_rate),
            device=chosen,
            channels=1,
            dtype="float32",
            callback=take,
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise ValueError(f"The microphone can't be opened: {error}.") from None
    with recording:
        while True:
            yield chunks.get()


def moments(
    stream: Stream,
    chunks: Iterator[np.ndarray],
    every: float,
) -> Iterator[Moment]:
    """Yield values every ``every`` seconds of audio, and at the end."""
    following = every
    with contextlib.suppress(KeyboardInterrupt):
        for chunk in chunks:
            # A live source may give fewer samples than it has channels
            moment = stream.push(mono(as_float(chunk))[0])
            if moment.time >= following:
                following = moment.time + every
                yield moment
    yield stream.finish()


def write_lines(found: Iterator[Moment], file: IO[str]) -> None:
    """Write and flush a line of CSV per moment, for other programs to read."""
    names = [*DIMENSIONS, *(f"{name}_so_far" for name in DIMENSIONS)]
    for number, moment in enumerate(found):
        if number == 0:
            # Not earlier, as there may be no microphone
            print(",".join(["time", *names, "status"]), file=file, flush=True)
        values = [*moment.window.values(), *moment.total.values()]
        numbers = [f"{moment.time:.3f}", *(f"{value:.4f}" for value in values)]
        print(",".join([*numbers, moment.status]), file=file, flush=True)


def draw(found: Iterator[Moment], title: str) -> None:
    """Show bars in the terminal, updated in place."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(), auto_refresh=False) as live:
        for moment in found:
            live.update(Text(as_bars(moment, title)), refresh=True)


def as_bars(moment: Moment, title: str) -> str:
    """Format the bars of the last window, and of the total, as text.

    Examples:
        >>> values = {"arousal": 0.5, "dominance": 1.2, "valence": float("nan")}
        >>> print(as_bars(Moment(1.5, values, values, "ok"), "wav2small"))
        wav2small   1.5 s  ok
        arousal   ###############                  0.50   so far  0.50
        dominance ##############################   1.20   so far  1.20
        valence                                     nan   so far   nan

    """
    lines = [f"{title} {moment.time:5.1f} s  {moment.status}"]
    for name in DIMENSIONS:
        value, total = moment.window[name], moment.total[name]
        length = 0 if np.isnan(value) else round(BAR_LENGTH * min(max(value, 0), 1))
        bar = ("#" * length).ljust(BAR_LENGTH)
        lines.append(f"{name:<10}{bar} {value:6.2f}   so far {total:5.2f}")
    return "\n".join(lines)


def listen(stream: Stream, chunks: Iterator[np.ndarray], every: float) -> None:
    """Show moments as bars in a terminal, or print them as CSV."""
    found = moments(stream, chunks, every)
    if sys.stdout.isatty():
        draw(found, str(stream.network.name))
    else:
        write_lines(found, sys.stdout)
