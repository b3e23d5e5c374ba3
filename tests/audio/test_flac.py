"""FLAC whose header says too little, or the wrong."""

import io

import formats
import numpy as np
import pytest
import soundfile
from decoding import MIN_DUR
from decoding import read

from audw2s.audio import decode
from audw2s.audio import flac


@pytest.mark.parametrize("sizes", [(1000, 1000), (1000, 500), (500, 1000), (32768, 9)])
def test_short_flac_streams_that_follow(original, sizes):
    parts = [formats.written(original[:n], "FLAC", "PCM_16") for n in sizes]
    samples, report = read(io.BytesIO(b"".join(parts)))
    expected = np.concatenate([original[:n] for n in sizes])
    np.testing.assert_allclose(samples[0], expected, atol=1e-4)
    assert report.notes == []


def test_a_flac_that_declares_too_few_samples():
    whole, _ = read(io.BytesIO(formats.recording("a.flac")))
    for count in (1, 4096, 30000, 32767):
        content = bytearray(formats.recording("a.flac"))
        content[22:26] = count.to_bytes(4, "big")
        samples, report = read(io.BytesIO(content))
        assert report.status(MIN_DUR) == ("ok", "")
        np.testing.assert_array_equal(samples, whole)
        assert decode.facts(io.BytesIO(content)).duration is None
        samples, _ = read(io.BytesIO(content), start=1.5, end=2.0)
        np.testing.assert_array_equal(samples, whole[:, 24000:32000])


@pytest.mark.parametrize("rate", [8000, 44100, 96000, 12345])
@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_the_last_frame_of_a_flac_tells_its_length(rate, subtype):
    rng = np.random.default_rng(rate)
    for num_samples in (*rng.integers(1, 150_000, 5), 4096, 8192):
        signal = rng.normal(0, 0.1, (num_samples, 2)) * rng.integers(2)
        file = io.BytesIO()
        soundfile.write(file, signal, rate, format="FLAC", subtype=subtype)
        assert flac.num_samples(file, file.getvalue()[:4096]) == num_samples


def test_flac_with_damage_before_its_first_frame(original):
    flac = formats.written(original, "FLAC", "PCM_16")
    first = flac.index(b"\xff\xf8")
    content = flac[:first] + b"\xff\xf8\x00\x00" + flac[first:]
    _, report = read(io.BytesIO(content))
    assert report.status(MIN_DUR) == ("ok", "")
    assert report.duration == 2.048


def test_streams_of_another_kind_follow(original):
    stereo = formats.channels(2, "FLAC")(original)
    for second, rate in ((formats.recording("96_kHz.flac"), 16000),):
        found, report = read(io.BytesIO(stereo + second))
        assert (found.shape[0], report.sampling_rate) == (2, rate)
        assert abs(report.duration - 2 * 2.048) < 0.01
