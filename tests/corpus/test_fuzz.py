"""Whatever bytes are in a file: it has its row, and no other file notices."""

import collections
import io
import os
import re

import numpy as np
import pytest
import soundfile

from audw2s.corpus.engine import Engine
from audw2s.corpus.hearing import Settings
from audw2s.statuses import UNUSABLE

COUNT = int(os.environ.get("AUDW2S_MUTATIONS", 200))
"""Of each format."""

FORMATS = ["wav", "flac", "mp3", "ogg"]

EXTREMES = [0, 1, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]


def overwrite_header(data: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(0, min(100, len(data)), rng.integers(1, 5)):
        data[place] = rng.integers(256)


def flip_bit(data: bytearray, rng: np.random.Generator) -> None:
    data[rng.integers(0, min(100, len(data)))] ^= 1 << int(rng.integers(8))


def set_size(data: bytearray, rng: np.random.Generator) -> None:
    size = int(rng.choice([2, 4]))
    value = int(rng.choice(EXTREMES)) % 2 ** (8 * size)
    place = int(rng.integers(0, 80))
    data[place : place + size] = value.to_bytes(size, rng.choice(["little", "big"]))


def truncate(data: bytearray, rng: np.random.Generator) -> None:
    del data[rng.integers(0, len(data)) :]


def insert(data: bytearray, rng: np.random.Generator) -> None:
    place = int(rng.integers(0, len(data)))
    data[place:place] = rng.bytes(int(rng.choice([1, 2, 3, 100, 5000])))


def delete(data: bytearray, rng: np.random.Generator) -> None:
    place = int(rng.integers(0, len(data)))
    del data[place : place + int(rng.choice([1, 2, 3, 100, 1000]))]


def repeat(data: bytearray, rng: np.random.Generator) -> None:
    first, last = sorted(rng.integers(0, len(data), 2))
    data[first:first] = data[first:last]


def overwrite_body(data: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(0, len(data), rng.integers(1, 50)):
        data[place] = rng.integers(256)


KINDS = [
    *(overwrite_header, flip_bit, set_size, truncate),
    *(insert, delete, repeat, overwrite_body),
]


def mutated(whole: bytes, kind: str, seed: int) -> bytes:
    rng, data = np.random.default_rng([FORMATS.index(kind), seed]), bytearray(whole)
    for _ in range(rng.integers(1, 3)):
        if data:
            KINDS[rng.integers(len(KINDS))](data, rng)
    # Else the decoder would see next to none of what was changed
    return summed(data) if kind == "ogg" and rng.random() < 0.7 else bytes(data)


def summed(data: bytearray) -> bytes:
    """Set the checksums of the pages of an OGG file, where they begin."""
    begins = [found.start() for found in re.finditer(b"OggS", data)]
    for begin, end in zip(begins, [*begins[1:], len(data)], strict=True):
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


@pytest.mark.parametrize("kind", FORMATS)
def test_mutated_files(tmp_path, speech, kind):
    whole = io.BytesIO()
    soundfile.write(whole, speech[16000:20800], 16000, format=kind)
    paths = []
    for seed in range(COUNT):
        paths.append(str(tmp_path / f"{seed}.{kind}"))
        with open(paths[-1], "wb") as file:
            file.write(mutated(whole.getvalue(), kind, seed))
    engine = Engine(Settings(("wav2small",)), num_workers=2, timeout=60)
    tasks = [(k, path, [(0.0, None)]) for k, path in enumerate(paths)]
    results = list(engine.run(tasks))
    assert sorted(number for number, _ in results) == list(range(COUNT))
    statuses = collections.Counter()
    for number, (_, stretches) in results:
        ((row,),) = stretches
        statuses[row.status] += 1
        finite = np.isfinite(row.values)
        assert (~finite if row.status in UNUSABLE else finite).all(), paths[number]
        assert row.status == "ok" or row.message, paths[number]
        # A fault of ours would be unreadable, too, and a decoder that crashed or hung
        own = row.status != "unreadable" or row.message.startswith("LibsndfileError")
        assert own, (paths[number], row.message)
    print(kind, dict(statuses))
    # Neither did all survive, nor none
    assert 0 < sum(statuses[status] for status in UNUSABLE) < COUNT
