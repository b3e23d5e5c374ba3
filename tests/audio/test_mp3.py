"""MP3 without a bit rate, and with damage."""

import io

import formats
import numpy as np
from decoding import MIN_DUR
from decoding import read

from audw2s.audio.mp3 import is_free_format


def test_mp3_is_free_format_if_no_frame_names_a_bit_rate(original):
    free, plain = formats.free_format(original), formats.mp3(original, xing=False)
    damaged = plain[:2] + bytes([plain[2] & 0x0F]) + plain[3:]
    for content, expected in ((free, True), (plain, False), (damaged, False)):
        assert is_free_format(io.BytesIO(content), content[:4096]) == expected


def test_segments_of_free_format_mp3_and_what_was_cut(original):
    content = formats.free_format(original)
    whole, report = read(io.BytesIO(content))
    assert report.duration == 87 * 1152 / 48000
    samples, _ = read(io.BytesIO(content[: len(content) // 2]))
    np.testing.assert_array_equal(samples, whole[:, : samples.shape[1]])
    assert 0.99 < samples.shape[1] / 48000 < 1.05


def test_packets_that_can_not_be_decoded(original):
    content = bytearray(formats.mp3(original, xing=False))
    middle = len(content) // 2
    content[middle : middle + 900] = np.random.default_rng(0).bytes(900)
    _, report = read(io.BytesIO(content))
    status, message = report.status(MIN_DUR)
    assert status == "ok"
    assert "can't be decoded, left out" in message
    assert 1.9 < report.duration < 2.05
