"""Several recordings at once, without a page."""

import io
import pathlib
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from full import full
from pages import SPEECH
from test_logic import ANGRY

from audw2s.audio.preprocess import load
from audw2s.demo.batch import COLUMNS
from audw2s.demo.batch import agreement
from audw2s.demo.batch import analyse_all
from audw2s.demo.batch import as_csv
from audw2s.demo.batch import batch_results
from audw2s.demo.job import Job
from audw2s.demo.models import Models
from audw2s.demo.words import RefusedError
from audw2s.demo.words import legible


@pytest.fixture(scope="module")
def models():
    return Models()


def test_batch_agrees_with_literal_ccc(models, tmp_path):
    broken, silent, short = (
        tmp_path / f"{k}.wav" for k in ("broken", "silent", "short")
    )
    broken.write_bytes(b"broken")
    soundfile.write(silent, np.zeros(16000), 16000)
    soundfile.write(short, load(ANGRY)[16000:20000], 16000)
    clips = [*map(str, sorted(SPEECH.iterdir()))]
    noise = tmp_path / "noise.wav"
    soundfile.write(noise, np.random.default_rng(0).normal(0, 0.05, 32000), 16000)
    paths = [str(broken), *clips, str(silent), str(short), str(noise)]
    told = []
    job = Job(models, lambda *args: told.append(args))
    batch = analyse_all(job, paths, "whisper-tiny-adv", "wav2small")
    assert [share for share, _ in told] == [k / 10 for k in range(1, 11)]
    assert batch["note"].iloc[0].startswith("This file can't be read")
    assert batch["note"].iloc[-1].startswith("There is no speech")
    complete = batch.dropna(subset=COLUMNS)
    for name, ccc, difference in agreement(complete).itertuples():
        x, y = batch[f"teacher_{name}"][1:7], batch[f"student_{name}"][1:7]
        cov = ((x - x.mean()) * (y - y.mean())).mean()
        expected = (
            2 * cov / (x.var(ddof=0) + y.var(ddof=0) + (x.mean() - y.mean()) ** 2)
        )
        assert ccc == pytest.approx(expected, abs=1e-9)
        assert difference == pytest.approx((x - y).abs().mean(), abs=1e-9)
    html, _ = batch_results(batch)
    # No values of four files: duration, adjective and three values of two of them
    assert html.count("<td>–</td>") == 2 * 5 + 2 * 4
    # A group of each corpus
    for name in ("emodb", "librispeech", "all"):
        assert f"<b>\u2068{name}\u2069</b>" in html
    with pytest.raises(RefusedError, match="101 files"):
        analyse_all(job, paths[:1] * 101, "wav2small", "wav2small")


def test_a_group_may_be_called_all():
    files = ["all-1.wav", "all-2.wav", "b-1.wav"]
    table = pd.DataFrame({"file": files, "group": ["all", "all", "b"], "note": ""})
    values = dict.fromkeys(["duration", *COLUMNS], 0.5)
    html, _ = batch_results(table.assign(**values))
    assert re.findall(r"(\w+)\u2069</b> <span [^>]*>(\d)", html) == [
        ("all", "3"),
        ("all", "2"),
        ("b", "1"),
    ]


@full
def test_a_hundred_files_with_bad_ones(models, tmp_path):
    speech = load(ANGRY)
    paths = [str(tmp_path / f"{number:03}.wav") for number in range(100)]
    for number, path in enumerate(paths):
        soundfile.write(path, np.roll(speech, 160 * number), 16000)
    for path in paths[::10]:
        pathlib.Path(path).write_bytes(b"broken")
    batch = analyse_all(Job(models), paths, "whisper-tiny-adv", "wav2small")
    assert batch["student_valence"].notna().sum() == 90
    assert (batch["status"] == "refused").sum() == 10


def test_a_fault_of_the_program_ends_no_batch(models, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("audw2s.demo.batch.read_clip", fail)
    batch = analyse_all(Job(models), [ANGRY], "wav2small", "wav2small")
    assert batch["note"][0].startswith("Something went wrong")


@pytest.mark.parametrize("first", "=+-@\t\r")
def test_names_are_no_formulas(first):
    name = f"{first}cmd|' /C calc'!A0.wav"
    content = as_csv(pd.DataFrame({"file": [name], "duration": [-1.0]}))
    # Programs know by its first bytes that it is UTF-8
    assert content.startswith(b"\xef\xbb\xbf")
    table = pd.read_csv(io.BytesIO(content))
    assert table["file"][0].startswith("'")
    assert table["duration"][0] == -1


def test_names_are_shown_safely(models, tmp_path):
    path = tmp_path / "<b>שלום\u202e.wav"
    shutil.copy(ANGRY, path)
    batch = analyse_all(Job(models), [str(path)], "wav2small", "wav2small")
    html, _ = batch_results(batch)
    assert "\u2068&lt;b&gt;שלום.wav\u2069" in html
    assert "\u202e" not in html
    assert len(legible("ש" * 300)) <= 42
