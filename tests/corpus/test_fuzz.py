"""Whatever bytes are in a file: it has its row, and no other file notices."""

import collections
import contextlib
import io
import itertools
import os
import re
import subprocess
import sys

import formats
import numpy as np
import pytest
import soundfile
from full import sample
from memory import PEAK
from memory import needs_peak
from mutations import mutated_bytes

from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus.options import Options
from audw2s.corpus.task import OPEN
from audw2s.corpus.task import Task
from audw2s.corpus.workers import WorkerPool

COUNT = int(os.environ.get("AUDW2S_MUTATIONS", 60))
"""Mutations of each format; the full run has 2,000."""

FORMATS = {
    "wav": formats.by_soundfile("WAV", "PCM_16"),
    "float.wav": formats.by_soundfile("WAV", "FLOAT"),
    "aiff": formats.by_soundfile("AIFF", "PCM_16"),
    "flac": formats.by_soundfile("FLAC", "PCM_16"),
    "ogg": formats.by_soundfile("OGG", "VORBIS"),
    "mp3": formats.by_soundfile("MP3", "MPEG_LAYER_III"),
    "free.mp3": formats.free_format,
    "adpcm.wav": formats.by_av("adpcm_ima_wav", "wav"),
    "aac": formats.by_av("aac", "adts"),
    "m4a": formats.by_av("aac", "ipod"),
    "alac.m4a": formats.by_av("alac", "ipod"),
    "webm": formats.by_av("libopus", "webm", 48000),
    "video.mkv": formats.by_av("aac", "matroska", video=True),
    "amr": formats.by_av("libopencore_amrnb", "amr", 8000, bit_rate=12200),
    "3gp": formats.by_av("libopencore_amrnb", "3gp", 8000, bit_rate=12200),
    "caf": formats.by_av("alac", "caf"),
    "wma": formats.by_av("wmav2", "asf", bit_rate=64_000),
}
"""Each family of decoders, soundfile's first."""

REASONS = (
    "no audio that can be decoded (",
    "none of its ",
    "no audio stream in it, only ",
    "text, no audio",
    "no bytes",
    "a chunk of its header is larger than the file",
)
"""How sentences begin that say why a file is unreadable.

A fault of ours would be unreadable, too, and a decoder that crashed or hung.
"""

MAX_MEMORY = 300 * 2**20
"""Bytes that a worker may take beyond those of its first file."""


def mutated(whole: bytes, kind: str, seed: int) -> bytes:
    rng = np.random.default_rng([[*FORMATS].index(kind), seed])
    data = mutated_bytes(whole, rng)
    # Else the decoder would see next to none of what was changed
    return summed(data) if kind == "ogg" and rng.random() < 0.7 else bytes(data)


def summed(data: bytearray) -> bytes:
    """Set the checksums of the pages of an OGG file, where they begin."""
    begins = [found.start() for found in re.finditer(b"OggS", data)]
    for begin, end in itertools.pairwise([*begins, len(data)]):
        if end - begin >= 27:
            data[begin + 22 : begin + 26] = bytes(4)
            checksum = ogg_checksum(data[begin:end])
            data[begin + 22 : begin + 26] = checksum.to_bytes(4, "little")
    return bytes(data)


def ogg_checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ CHECKSUMS[value >> 24 ^ byte]
    return value


def checksum_of_byte(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = value << 1 ^ (0x104C11DB7 if value >> 31 else 0)
    return value


CHECKSUMS = [checksum_of_byte(byte) for byte in range(256)]


def test_checksums_of_ogg(speech):
    whole = io.BytesIO()
    soundfile.write(whole, speech[:4800], 16000, format="ogg")
    # Those that the encoder wrote
    assert summed(bytearray(whole.getvalue())) == whole.getvalue()


@pytest.fixture(scope="module")
def pool():
    """Two workers for the files of all formats."""
    with contextlib.closing(WorkerPool(Options(file_timeout=60), 2)) as pool:
        yield pool


@pytest.mark.parametrize("kind", FORMATS)
def test_mutated_files(tmp_path, speech, tables, pool, kind):
    whole = FORMATS[kind](speech[16000:20800])
    paths = []
    for seed in range(COUNT):
        paths.append(str(tmp_path / f"{seed}.{kind}"))
        with open(paths[-1], "wb") as file:
            file.write(mutated(whole, kind, seed))
    tasks = [Task(path, path, [(0, OPEN)]) for path in paths]
    results = [(paths.index(task.path), result) for task, result in pool.run(tasks)]
    assert sorted(number for number, _ in results) == list(range(COUNT))
    statuses = collections.Counter()
    for number, (_, segments) in results:
        (((row, values, _),),) = segments
        statuses[row.status] += 1
        finite = np.isfinite(values)
        assert (~finite if row.status in UNUSABLE else finite).all(), paths[number]
        assert row.status == "ok" or row.message, paths[number]
        own = row.status != "unreadable" or row.message.startswith(REASONS)
        assert own, (paths[number], row.message)
        # Else a header was believed
        assert row.duration < 60, (paths[number], row.duration)
    counts = ", ".join(f"{name} {count}" for name, count in statuses.most_common())
    tables.add("Damaged recordings", kind, COUNT, counts)
    # Neither did all survive, nor none
    assert 0 < sum(statuses[status] for status in UNUSABLE) < COUNT


MEASURED = """
import sys
from audw2s.audio.decode import file_blocks
from audw2s.audio.quality import Report
for number, path in enumerate(sys.argv[1:]):
    for _ in file_blocks(path, Report()):
        pass
    first = first if number else peak()
print(1024 * (peak() - first))
"""


@needs_peak
@pytest.mark.parametrize("kind", sample(FORMATS, 3))
def test_memory_of_mutated_files(tmp_path, speech, tables, kind):
    whole = FORMATS[kind](speech[16000:20800])
    paths = [tmp_path / "whole", *(tmp_path / str(seed) for seed in range(COUNT))]
    for seed, path in enumerate(paths, -1):
        path.write_bytes(whole if seed < 0 else mutated(whole, kind, seed))
    command = [sys.executable, "-c", PEAK + MEASURED, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    tables.add("Memory", kind, COUNT, f"{int(done.stdout) / 2**20:.0f}")
    assert done.returncode == 0, done.stderr
    # No decoder says a word on the terminal, except for mpg123
    assert not done.stderr or kind == "free.mp3"
    assert int(done.stdout) < MAX_MEMORY
