"""A/D/V over time, as a frame, a table and a picture."""

import functools
import os
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree

import numpy as np
import pandas as pd
import pytest
import soundfile
from commands import COMMAND
from commands import audw2s_command
from commands import invoke
from results import values
from waiting import MAX_DUR

import audw2s
from audw2s.tiers import write_eaf

NAMES = ["arousal", "dominance", "valence"]


@pytest.mark.parametrize("name, exact", [("wav2small", False), ("wav2small", True)])
def test_values_are_those_of_the_segments_around(clips, name, exact):
    signal, rate = soundfile.read(clips[0], dtype="float32")
    frame = audw2s.curve(clips[0], name, win_dur=1.5, rate=4, exact=exact)
    assert list(frame.columns) == [*NAMES, "speech", "status"]
    times = frame.index.total_seconds()
    duration = len(signal) / rate
    np.testing.assert_allclose(times, np.arange(len(frame)) / 4)
    assert duration - 0.25 < times[-1] <= duration
    feature = audw2s.Feature(name, exact=exact)
    for time, row in zip(times, frame[NAMES].to_numpy(), strict=True):
        span = {"start": max(0, time - 0.75), "end": min(duration, time + 0.75)}
        segment = feature.process_signal(signal, rate, **span)
        np.testing.assert_allclose(values(segment)[0], row, atol=1e-5)
    same = audw2s.curve(
        signal, name, win_dur=1.5, rate=4, exact=exact, sampling_rate=rate
    )
    np.testing.assert_allclose(same[NAMES], frame[NAMES], atol=1e-6)
    assert frame.attrs["audw2s"]["model"] == "wav2small"
    assert frame.attrs["audw2s"]["rate"] == 4


def test_a_value_per_token(speech):
    frame = audw2s.curve(speech, sampling_rate=16000, rate=250)
    assert len(frame) == int(len(speech) / 64) + 1
    assert frame[NAMES].notna().all(axis=None)
    # Neighbours share nearly all of their two seconds
    assert np.abs(np.diff(frame[NAMES], axis=0)).max() < 0.05


def test_teacher(clips):
    frame = audw2s.curve(clips[0], "whisper-tiny-adv", rate=1)
    assert len(frame) == 4
    assert frame[NAMES].notna().all(axis=None)


def test_unusable_input(tmp_path):
    frame = audw2s.curve(str(tmp_path / "none.wav"))
    assert frame["status"].tolist() == ["missing"]
    assert frame[NAMES].isna().all(axis=None)
    empty = audw2s.curve(np.zeros(0), sampling_rate=16000)
    assert empty["status"].tolist() == ["empty"]


@pytest.mark.parametrize(
    "kwargs, match",
    [
        ({"rate": 251}, "250 at most"),
        ({"rate": 0}, "above 0"),
        ({"win_dur": 0}, "positive"),
        ({"sampling_rate": None}, "sampling_rate"),
    ],
)
def test_wrong_use(kwargs, match):
    with pytest.raises(ValueError, match=match):
        audw2s.curve(np.ones(16000), **{"sampling_rate": 16000} | kwargs)


@pytest.mark.parametrize("name", ["hop_dur", "hidden_states", "mixdown", "win"])
def test_unknown_arguments_are_refused(name):
    with pytest.raises(TypeError, match=name):
        audw2s.curve(np.ones(16000), sampling_rate=16000, **{name: 1})


def test_pipe_with_fewer_samples_than_channels():
    from audw2s.commands import microphone as listen

    stream = audw2s.Stream()
    chunks = [np.zeros((2, size), np.int16) for size in (1, 1599)]
    assert [m.time for m in listen.moments(stream, iter(chunks), 0.05)] == [0.1, 0.1]


def test_command_writes_table_and_picture(clips, tmp_path):
    arguments = ["--model", "wav2small", "--model", "whisper-tiny-adv", "--rate", 2]
    outputs = ["--out", tmp_path / "a.csv", "--plot", tmp_path / "a.svg"]
    done = invoke("curve", clips[0], *arguments, *outputs)
    assert done.exit_code == 0, done.stderr
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["model"].unique().tolist() == ["wav2small", "whisper-tiny-adv"]
    assert table["sha256"].nunique() == 2
    picture = (tmp_path / "a.svg").read_text()
    assert "<svg" in picture
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.svg"]
    assert done.stderr == f"{tmp_path / 'a.svg'}: A/D/V over time\n"
    shown = invoke("curve", clips[0], "--rate", 1)
    assert len(shown.stdout.splitlines()) == 5
    assert shown.stdout.split()[:5] == ["model", "time", *NAMES]


def test_plot_shows_the_curves(speech):
    frames = {
        name: audw2s.curve(speech, name, sampling_rate=16000, rate=2)
        for name in ("wav2small", "whisper-tiny-adv")
    }
    figure = audw2s.plot_curves(frames, speech)
    wave, *panels = figure.axes
    assert [axis.get_ylabel() for axis in panels] == NAMES
    for axis in panels:
        for line, (name, frame) in zip(axis.lines, frames.items(), strict=True):
            assert line.get_label() == name
            np.testing.assert_array_equal(line.get_ydata(), frame[axis.get_ylabel()])
        # Told apart without colour
        assert len({line.get_linestyle() for line in axis.lines}) == 2
        low, high = axis.get_ylim()
        assert low <= 0
        assert high >= 1


def test_command_writes_tiers_of_elan(clips, tmp_path):
    path = tmp_path / "sub" / "a & b.eaf"
    path.parent.mkdir()
    done = invoke("curve", clips[0], "--rate", 2, "--elan", path)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == f"{path}: A/D/V over time, for ELAN\n" and not done.stdout
    root = xml.etree.ElementTree.parse(path).getroot()
    # The sequence, and the attributes that ELAN's schema EAFv3.0 requires
    kinds = ["HEADER", "TIME_ORDER", *["TIER"] * 3, "LINGUISTIC_TYPE"]
    assert [child.tag for child in root] == kinds
    assert {"AUTHOR", "DATE", "FORMAT", "VERSION"} <= set(root.attrib)
    media = root.find("HEADER/MEDIA_DESCRIPTOR").attrib
    assert media["MEDIA_URL"] == pathlib.Path(clips[0]).as_uri()
    assert media["MIME_TYPE"] == "audio/flac"
    assert os.path.samefile(path.parent / media["RELATIVE_MEDIA_URL"], clips[0])
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE")) for s in root[1]}
    assert list(slots.values()) == sorted(slots.values())
    frame = audw2s.curve(clips[0], rate=2)
    middles = (500 * np.arange(len(frame) - 1) + 250).tolist()
    assert [tier.get("TIER_ID") for tier in root.iter("TIER")] == NAMES
    for name, tier in zip(NAMES, root.iter("TIER"), strict=True):
        assert tier.get("LINGUISTIC_TYPE_REF") == root[-1].get("LINGUISTIC_TYPE_ID")
        found = list(tier.iter("ALIGNABLE_ANNOTATION"))
        starts, ends = (
            [slots[a.get(f"TIME_SLOT_REF{n}")] for a in found] for n in "12"
        )
        duration = round(1000 * soundfile.info(clips[0]).duration)
        assert (starts, ends) == ([0, *middles], [*middles, duration])
        texts = [annotation.findtext("ANNOTATION_VALUE") for annotation in found]
        assert texts == [f"{value:.3f}" for value in frame[name]]
    ids = [a.get("ANNOTATION_ID") for a in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(ids)) == len(ids) == 3 * len(frame)


def test_tiers_on_another_drive(monkeypatch, tmp_path):
    """Windows has no relative path there."""

    def relpath(path, start):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("os.path.relpath", relpath)
    frame = pd.DataFrame(0.5, pd.to_timedelta([0, 1], unit="s"), NAMES)
    frame.attrs["audw2s"] = {}
    write_eaf(str(tmp_path / "a.eaf"), {"wav2small": frame}, 1.5, "a.wav")
    root = xml.etree.ElementTree.parse(tmp_path / "a.eaf").getroot()
    media = root.find("HEADER/MEDIA_DESCRIPTOR").attrib
    assert media["MEDIA_URL"] == pathlib.Path("a.wav").absolute().as_uri()
    assert "RELATIVE_MEDIA_URL" not in media


def test_command_with_a_name_of_any_bytes(clips, tmp_path):
    file = os.path.join(os.fsencode(tmp_path), b"gr\xfcn.flac")
    try:
        shutil.copy(clips[0], file)
    except OSError:
        pytest.skip("the file system refuses names that aren't UTF-8")
    out, elan = tmp_path / "curve.csv", tmp_path / "curve.eaf"
    options = ("--rate", 2, "--out", out, "--elan", elan)
    done = invoke("curve", os.fsdecode(file), *options)
    assert done.exit_code == 0, done.stderr
    assert set(pd.read_csv(out)["file"]) == {f"{tmp_path}/gr\\xfcn.flac"}
    media = xml.etree.ElementTree.parse(elan).find("HEADER/MEDIA_DESCRIPTOR").attrib
    assert media["MEDIA_URL"].endswith("/gr%FCn.flac")


def test_praat_reads_what_the_command_writes(clips, tmp_path):
    parselmouth = pytest.importorskip("parselmouth")

    path = tmp_path / "a.TextGrid"
    models = ["--model", "wav2small", "--model", "wav2small-int8"]
    done = invoke("curve", clips[0], *models, "--rate", 2, "--textgrid", path)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == f"{path}: A/D/V over time, for Praat\n" and not done.stdout
    grid = parselmouth.read(str(path))
    assert grid.xmax == soundfile.info(clips[0]).duration
    ask = functools.partial(parselmouth.praat.call, grid)
    assert ask("Get number of tiers") == 6
    assert ask("Get tier name", 4) == "wav2small-int8 arousal"
    frame = audw2s.curve(clips[0], rate=2)
    for tier, name in enumerate(NAMES, 1):
        for number, value in enumerate(frame[name], 1):
            assert ask("Get label of interval", tier, number) == f"{value:.3f}"
    assert ask("Get start time of interval", 1, 2) == 0.25
    missing = invoke("curve", "none.wav", "--textgrid", tmp_path / "b.TextGrid")
    assert missing.exit_code == 2 and "'none.wav' has no values" in missing.stderr
    assert not (tmp_path / "b.TextGrid").exists()


def raw(clip):
    signal, _ = soundfile.read(clip, dtype="int16")
    return signal.astype("<i2").tobytes()


def test_listen_to_a_pipe(clips):
    """What a pipe says at last is what a stream says of the same samples."""
    done = audw2s_command(
        "listen", "-", "--every", 0.5, input=raw(clips[3]), text=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[0].split(",")[:4] == ["time", *NAMES]
    assert lines[1].endswith("ok")
    signal, _ = soundfile.read(clips[3], dtype="float32")
    stream = audw2s.Stream()
    stream.push(signal)
    moment = stream.finish()
    last = dict(zip(lines[0].split(","), lines[-1].split(","), strict=True))
    assert float(last["time"]) == pytest.approx(len(signal) / 16000, abs=1e-3)
    for name in NAMES:
        assert float(last[name]) == pytest.approx(moment.window[name], abs=2e-4)
        so_far = float(last[f"{name}_so_far"])
        assert so_far == pytest.approx(moment.total[name], abs=2e-4)


def test_listen_prints_while_it_reads(clips):
    """Lines come before the pipe ends."""
    with subprocess.Popen(
        [COMMAND, "listen", "-", "--format", "f32", "--channels", "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        signal, _ = soundfile.read(clips[0], dtype="float32")
        stereo = np.stack([signal, signal], axis=1)[:32000]
        process.stdin.write(stereo.astype("<f4").tobytes())
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(6)]
        assert all(lines)
        process.stdin.close()
        assert process.wait(MAX_DUR) == 0


def test_listen_without_a_microphone():
    done = invoke("listen", "nowhere")
    assert done.exit_code == 2
    assert "audw2s: " in done.stderr
    assert "Traceback" not in done.stderr
    wrong = invoke("listen", "-", "--format", "mp3")
    assert wrong.exit_code == 2
    assert "s16, s32, f32" in wrong.stderr
