import numpy as np
import pytest
import soundfile
import soxr
from full import FULL
from hypothesis import given
from hypothesis import strategies as st

from audw2s.audio import decode
from audw2s.audio import preprocess as audio
from audw2s.audio.quality import Part
from audw2s.audio.quality import Report
from audw2s.audio.samples import as_float
from audw2s.audio.statuses import UNUSABLE


def read(path, **kwargs):
    report = Report()
    blocks = decode.file_blocks(path, report, **kwargs)
    blocks = list(decode.prepared(blocks, report))
    joined = np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0))
    return joined, report


def test_status_of_damaged_files(damaged):
    found = {}
    for name, (path, _) in damaged.items():
        _, report = read(path)
        found[name] = report.status(64 / 16000)[0]
    assert found == {name: status for name, (_, status) in damaged.items()}


def test_every_problem_has_a_reason(damaged):
    for path, expected in damaged.values():
        status, message = read(path)[1].status(64 / 16000)
        assert bool(message) == (status != "ok"), (path, message)
        assert "\n" not in message
        assert path not in message


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 192000])
@pytest.mark.parametrize("block_dur", [0.011, 0.37, 30.0])
def test_blocks_do_not_change_the_signal(tmp_path, monkeypatch, rate, block_dur):
    monkeypatch.setattr(decode, "BLOCK_DUR", block_dur)
    rng = np.random.default_rng(rate)
    stereo = (0.1 * rng.standard_normal((rate + 77, 2))).astype(np.float32)
    path = str(tmp_path / "a.wav")
    soundfile.write(path, stereo, rate, subtype="FLOAT")
    mean = stereo.astype(np.float32).mean(axis=1)
    expected = mean if rate == 16000 else soxr.resample(mean, rate, 16000)
    found, report = read(path)
    assert found.shape == (1, len(expected))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
    assert report.num_samples == len(stereo)


def test_segment_of_a_file(tmp_path):
    ramp = np.arange(16000) / 16000
    path = str(tmp_path / "ramp.wav")
    soundfile.write(path, ramp, 16000, subtype="FLOAT")
    found, report = read(path, start=0.25, end=0.5)
    np.testing.assert_allclose(found[0], ramp[4000:8000], atol=1e-7)
    assert report.status(0.004)[0] == "short"
    assert read(path, start=0.5, end=1.5)[1].status(0.004)[0] == "truncated"
    assert read(path, start=2.0)[1].status(0.004)[0] == "empty"
    assert read(path, start=0.5, end=0.5)[1].status(0.004)[0] == "empty"


@pytest.mark.parametrize(
    "array, expected",
    [
        (np.array([0, 16384, -32768], np.int16), [[0, 0.5, -1]]),
        (np.array([0, 2**30, -(2**31)], np.int32), [[0, 0.5, -1]]),
        (np.array([128, 192, 0], np.uint8), [[0, 0.5, -1]]),
        (np.array([[0.5], [0.25]], np.float64), [[0.5], [0.25]]),
        (np.array([0.5], np.float16), [[0.5]]),
    ],
)
def test_as_float(array, expected):
    before = array.copy()
    found = as_float(array)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(expected, np.float32))
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize(
    "array, error",
    [
        (np.zeros((1, 2, 3)), ValueError),
        (np.array(["a"]), TypeError),
        (np.zeros(3, complex), TypeError),
        (np.zeros(3, bool), TypeError),
        (np.array([object()]), TypeError),
    ],
)
def test_as_float_refuses(array, error):
    with pytest.raises(error, match="signal"):
        as_float(array)


def test_mono_selects_and_averages():
    block = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]], np.float32)
    assert decode.mono(block).tolist() == [[3.0, 5.0]]
    assert decode.mono(block[:2]).tolist() == [[2.0, 3.0]]
    assert decode.mono(block, 1).tolist() == [[3.0, 4.0]]
    assert decode.mono(block, [0, 2], mixdown=False).tolist() == [[1, 2], [5, 9]]
    with pytest.raises(ValueError, match=r"\[3\] were selected, the signal has 3"):
        decode.mono(block, 3)


def test_runs_of_non_finite_samples_are_found():
    report = Report(sampling_rate=10)
    block = np.ones((2, 20), np.float32)
    block[0, 3:5] = np.nan
    block[1, 12] = -np.inf
    seen = report.checked(block)
    report.update(seen, seen)
    assert np.isnan(block[0, 3])
    assert np.isfinite(seen).all()
    report.checked(np.full((2, 1), np.nan, np.float32))
    assert report.runs["not_finite"].edges.tolist() == [[3, 5], [12, 13], [20, 21]]
    expected = ("not_finite", "holds 1 NaN or inf samples")
    assert report.status(0, Part(4, 6, 0.0)) == expected
    assert report.status(0, Part(5, 12, 0.0))[0] != "not_finite"
    assert report.status(0)[0] == "not_finite"


def test_load_names_file_and_reason(damaged):
    with pytest.raises(audio.UnusableSignalError, match="random.wav: unreadable"):
        audio.load(damaged["random.wav"][0])


@given(st.binary(max_size=300), st.sampled_from(["wav", "flac", "mp3", "ogg", "m4a"]))
def test_any_content_gives_a_signal_or_an_error(tmp_path_factory, content, extension):
    path = tmp_path_factory.mktemp("fuzz") / f"a.{extension}"
    path.write_bytes(content)
    _, report = read(str(path))
    assert report.status(64 / 16000)[0] in ("unreadable", "empty", "too_short")


@pytest.mark.parametrize("name", ["whole.wav", "whole.flac", "whole.mp3"])
def test_flipped_bytes_give_a_signal_or_an_error(damaged, tmp_path, name):
    rng = np.random.default_rng(0)
    content = (tmp_path / name).read_bytes()
    known = {"ok", "short", "silent", "clipped", "truncated", *UNUSABLE}
    for _ in range(60 if FULL else 20):
        changed = bytearray(content)
        for place in rng.integers(len(content) if rng.random() < 0.5 else 60, size=8):
            changed[place] = rng.integers(256)
        path = tmp_path / f"flipped_{name}"
        path.write_bytes(bytes(changed))
        blocks, report = read(str(path))
        assert np.isfinite(blocks).all()
        assert report.status(64 / 16000)[0] in known


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("block_dur", [0.5, 30.0])
def test_flac_is_read_around_its_damage(
    damaged, tmp_path, speech, monkeypatch, share, block_dur
):
    monkeypatch.setattr(decode, "BLOCK_DUR", block_dur)
    whole = (tmp_path / "whole.flac").read_bytes()
    content, place = bytearray(whole), round(share * len(whole))
    content[place] ^= 0x55
    (tmp_path / "flipped.flac").write_bytes(content)
    found, report = read(str(tmp_path / "flipped.flac"))
    status, message = report.status(0.1)
    assert status == "truncated"
    assert "damaged, what can't be decoded is left out" in message
    # Frames have 4096 samples, and about as many bytes as others
    missing = len(speech) - found.shape[1]
    assert 0 < missing <= 3 * 4096
    same = np.isclose(found[0], speech[: found.shape[1]], atol=1e-4)
    place = int(np.argmin(same))
    assert abs(place - share * len(speech)) < 3 * 4096
    np.testing.assert_allclose(found[0, place:], speech[place + missing :], atol=1e-4)


def test_rates_that_only_a_damaged_header_has(damaged, tmp_path):
    content = bytearray((tmp_path / "whole.wav").read_bytes())
    for rate in (1, 999):
        content[24:28] = rate.to_bytes(4, "little")
        (tmp_path / "slow.wav").write_bytes(content)
        _, report = read(str(tmp_path / "slow.wav"))
        assert report.status(0.1)[0] == "sampling_rate"
        assert f"a sampling rate of {rate} Hz" in report.status(0.1)[1]


def test_samples_without_a_header(tmp_path):
    (tmp_path / "samples.raw").write_bytes(bytes(32000))
    _, report = read(str(tmp_path / "samples.raw"))
    assert report.status(0.1)[0] == "unreadable"


@pytest.mark.parametrize("num_channels", [1, 2])
def test_a_run_over_several_blocks_is_silent(num_channels):
    """Also if each block holds less than the shortest run that is stored."""
    report, rng = Report(sampling_rate=16000), np.random.default_rng(0)
    noise = rng.uniform(-0.1, 0.1, (num_channels, 100)).astype(np.float32)
    constant = np.full((num_channels, 20), 0.25, np.float32)
    for block in (noise, constant, constant, constant, noise):
        report.update(block, block)
    assert report.status(0, Part(100, 160, 0.0))[0] == "silent"
    assert report.status(0, Part(99, 160, 0.0))[0] == "short"
    assert report.status(0, Part(100, 161, 0.0))[0] == "short"


def test_loudness_does_not_depend_on_blocks():
    """A hop of 10 ms may belong to two blocks."""
    rng = np.random.default_rng(0)
    stereo = rng.uniform(-0.0041, 0.0041, (2, 3000)).astype(np.float32)
    found = []
    for edges in ([], [70, 401, 1980], range(37, 3000, 53)):
        report = Report(sampling_rate=11025, start=0.5)
        for block in np.split(stereo, edges, axis=1):
            report.update(block, block.mean(axis=0, keepdims=True))
        found.append((np.concatenate(report.hops), report.last_hop))
    hops, last_hop = found[0]
    for other_hops, other_last_hop in found[1:]:
        np.testing.assert_array_equal(hops, other_hops)
        np.testing.assert_allclose(last_hop, other_last_hop, rtol=1e-5)
    assert 0 < np.count_nonzero(hops) < len(hops)
