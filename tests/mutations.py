"""Random changes to the bytes or the words of a file."""

import re

import numpy as np

EXTREMES = [0, 1, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]

WORDS = [
    *("", "nan", "inf", "-1", "-0.5", "1e400", "9" * 40, "0x10", "1_000", "NaT", "é"),
    *("\0", "\ufeff", '"', "'", "[", "{", "]", "null", "true", "~", "[[", "a" * 9999),
    *("2001-01-01", "-1 days", "../../x", "/", "%s", "\\x", "&a [*a, *a]", "${HOME}"),
    *("!!python/object/apply:os.abort []", "!!binary ////", "=1+1", ",", "\n", "\t"),
]
"""Words that readers may take for something else."""


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


def flip_any_bit(data: bytearray, rng: np.random.Generator) -> None:
    data[rng.integers(0, len(data))] ^= 1 << int(rng.integers(8))


KINDS = [
    *(overwrite_header, flip_bit, set_size, truncate),
    *(insert, delete, repeat, overwrite_body),
]


def mutated_bytes(whole: bytes, rng: np.random.Generator) -> bytearray:
    """Change bytes in one or two ways."""
    data = bytearray(whole)
    for _ in range(rng.integers(1, 3)):
        if data:
            KINDS[rng.integers(len(KINDS))](data, rng)
    return data


def mutated_words(whole: str, rng: np.random.Generator) -> str:
    """Change words and lines in up to three ways."""
    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(4)
        lines = whole.splitlines(keepends=True) or [""]
        place = int(rng.integers(len(lines)))
        if kind == 0:
            lines.insert(place, lines[int(rng.integers(len(lines)))])
        elif kind == 1:
            del lines[place]
        else:
            parts = re.split(r"(\w[\w.-]*)", lines[place])
            part = int(rng.integers(len(parts)))
            word = WORDS[rng.integers(len(WORDS))]
            parts[part] = word if kind == 2 else parts[part] + word
            lines[place] = "".join(parts)
        whole = "".join(lines)
    return whole
