"""Ogg whose streams have the same number, as some programs give it to all."""

import io

import formats
import numpy as np
import pytest

from audw2s.audio import decode
from audw2s.audio.quality import Report


def numbered(ogg: bytes) -> bytes:
    """Ogg whose stream has the number 1."""
    pages = []
    while ogg:
        size = 27 + ogg[26] + sum(ogg[27 : 27 + ogg[26]])
        page, ogg = bytearray(ogg[:size]), ogg[size:]
        page[14:18], page[22:26] = (1).to_bytes(4, "little"), bytes(4)
        page[22:26] = checksum(page).to_bytes(4, "little")
        pages.append(bytes(page))
    return b"".join(pages)


def checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = value << 1 ^ (0x104C11DB7 if value >> 31 else 0)
    return value


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_streams_of_the_same_number_follow(tmp_path, original, subtype):
    stream = numbered(formats.written(original, "OGG", subtype))
    (tmp_path / "twice.ogg").write_bytes(2 * stream)
    for source in (tmp_path / "twice.ogg", io.BytesIO(2 * stream)):
        report = Report()
        samples = np.hstack([*decode.file_blocks(source, report)])
        # Each begins with what its encoder adds
        assert samples.shape[1] / report.sampling_rate == pytest.approx(4.096, abs=0.02)
    assert decode.duration(io.BytesIO(stream)) == 2.048
