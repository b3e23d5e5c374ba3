"""Speech, channels and segments of speech in corpora; means by speaker."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
from commands import invoke
from pyarrow import parquet

import audw2s
from audw2s.audio.preprocess import load
from audw2s.inference.pipeline import Predictor

NAMES = ["arousal", "dominance", "valence"]


@pytest.fixture
def corpus(clips, tmp_path):
    """A call, a monologue, noise, and a file that can't be read."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    one, two = (load(clip)[:40000] for clip in clips[:2])
    pause = np.zeros(16000, np.float32)
    left = np.concatenate([one, np.zeros(32000), pause, one])
    right = np.concatenate([np.zeros(32000), two, pause, two])
    call = np.stack([np.pad(c, (0, 96000 + 40000 - len(c))) for c in (left, right)])
    noise = 1e-3 * np.random.default_rng(0).standard_normal(call.shape)
    files = {"call": call + noise, "mono": left + noise[0, : len(left)]}
    files["noise"] = noise[0, :48000]
    for name, signal in files.items():
        soundfile.write(folder / f"{name}.wav", signal.T, 16000, "FLOAT")
    (folder / "bad.wav").write_text("no audio")
    return str(folder)


def annotate(corpus, tmp_path, **options):
    out = tmp_path / "out"
    table = audw2s.annotate(corpus, str(out), num_workers=1, **options)
    return table.assign(file=table["file"].str.rsplit("/").str[-1]), out


def test_rows_of_channels_with_vad(corpus, tmp_path):
    options = {"vad": True, "channels": "all", "table_format": "csv"}
    table, out = annotate(corpus, tmp_path, **options)
    assert list(table)[:3] == ["file", "channel", "start"]
    by_status = table.groupby("file", sort=False)["status"].agg(list).to_dict()
    assert by_status == {
        "bad.wav": ["unreadable"],
        "call.wav": ["ok", "ok"],
        "mono.wav": ["ok"],
        "noise.wav": ["no_speech"],
    }
    predictor = Predictor(vad=True)
    for row in table[table["status"] == "ok"].itertuples():
        path = f"{corpus}/{row.file}"
        (own,) = predictor.of_channel(int(row.channel)).file(path)
        found = [row.arousal, row.dominance, row.valence]
        np.testing.assert_allclose(found, own.values[0], atol=1e-5)
        assert row.speech == pytest.approx(own.speech)
    means = pd.read_csv(out / "speakers.csv")
    call = table[table["file"] == "call.wav"]
    np.testing.assert_allclose(means.loc[:1, NAMES], call[NAMES], atol=1e-5)
    assert means["rows"].tolist() == [1, 1, 1]
    # The same call goes on with what is there, another one is refused
    again, _ = annotate(corpus, tmp_path, **options)
    pd.testing.assert_frame_equal(again, table)
    with pytest.raises(ValueError, match="channels"):
        annotate(corpus, tmp_path, **options | {"channels": [0]})


@pytest.mark.parametrize("vad", [False, True])
def test_a_row_per_stretch_of_speech(corpus, tmp_path, vad):
    table, _ = annotate(corpus, tmp_path, segments="vad", channels=[0], vad=vad)
    call = table[table["file"] == "call.wav"]
    assert len(call) == 2
    starts, ends = (call[name].dt.total_seconds() for name in ("start", "end"))
    np.testing.assert_allclose(starts, [0, 5.5], atol=0.3)
    np.testing.assert_allclose(ends, [2.5, 8], atol=0.3)
    assert (call["status"] == "ok").all()
    np.testing.assert_allclose(call["duration"], ends - starts, atol=1e-3)
    (noise,) = table[table["file"] == "noise.wav"].to_dict("records")
    assert noise["status"] == "no_speech"
    assert np.isnan(noise["arousal"])
    assert noise["end"].total_seconds() == 3


def test_limits_of_stretches(corpus, tmp_path):
    limits = {"min_segment_dur": 0.5, "max_segment_dur": 1.0}
    table, _ = annotate(corpus, tmp_path, segments="vad", **limits)
    rows = table[table["status"] == "ok"]
    assert len(rows) > 6
    assert rows["duration"].between(0.45, 1.001).all()


@pytest.mark.parametrize(
    "options",
    [
        {"segments": "level"},
        {"max_segment_dur": 3.0},
        {"segments": "vad", "min_segment_dur": 3.0, "max_segment_dur": 2.0},
    ],
)
def test_options_that_make_no_sense_are_refused(corpus, tmp_path, options):
    with pytest.raises(ValueError, match="[Ss]egment"):
        annotate(corpus, tmp_path, **options)


def test_teachers_in_batches_get_the_speech(corpus, tmp_path):
    settings = {"model": "whisper-tiny-adv", "vad": True}
    one, _ = annotate(corpus, tmp_path / "1", **settings)
    several, _ = annotate(corpus, tmp_path / "2", batch_size=2, **settings)
    pd.testing.assert_frame_equal(one, several, atol=1e-4)


def test_turns_of_rttm_have_means_by_speaker(corpus, tmp_path):
    turns = [(0.0, 2.5, "A"), (2.5, 2.0, "B"), (5.5, 2.5, "A")]
    lines = [
        f"SPEAKER mono 1 {start} {length} <NA> <NA> {who} <NA> <NA>\n"
        for start, length, who in turns
    ]
    path = f"{corpus}/turns.rttm"
    with open(path, "w") as file:
        file.writelines(lines)
    out, report = tmp_path / "out", tmp_path / "report.html"
    options = ("--out", out, "--format", "csv", "--report", report, "--quiet")
    more = ("--channels", "0", "--segments", "vad", "--vad")
    more = (*more, "--report", report, "--out", tmp_path / "x")
    done = invoke("annotate", corpus, *more)
    assert done.exit_code == 1, done.stderr
    assert "segments of speech" in report.read_text()
    done = invoke("annotate", path, *options)
    assert done.exit_code == 0, done.stderr
    table, means = (pd.read_csv(out / f"{n}.csv") for n in ("table", "speakers"))
    assert means["speaker"].tolist() == ["A", "B"]
    assert means["rows"].tolist() == [2, 1]
    turns_of_a = table.iloc[[0, 2]]
    expected = np.average(turns_of_a[NAMES], axis=0, weights=turns_of_a["duration"])
    np.testing.assert_allclose(means.loc[0, NAMES].astype(float), expected, atol=1e-5)
    (line,) = [line for line in done.stderr.splitlines() if "mono.wav" in line][:1]
    assert line.split()[1:4] == ["A", "2", "5.000"]
    assert "<h2>Speakers</h2>" in report.read_text()
    part = next((out / "parts").iterdir())
    assert "vad" in json.loads(parquet.read_schema(part).metadata[b"audw2s"])


def test_speakers_are_text_whatever_cells_hold(clips, tmp_path):
    """Numbers, numbers with gaps, and names that aren't UTF-8."""
    folder = tmp_path / "lists"
    folder.mkdir()
    lines = [{"file": clips[0], "speaker": 7}, {"file": clips[1]}]
    (folder / "1.jsonl").write_text("\n".join(map(json.dumps, lines)))
    pd.DataFrame(lines).to_parquet(folder / "2.parquet")
    soundfile.write(folder / "a.wav", load(clips[0]), 16000)
    turn = "SPEAKER a 1 0.0 1.5 <NA> <NA> J\xf6rg <NA> <NA>\n"
    (folder / "3.rttm").write_text(turn, encoding="latin-1")
    expected = {"1.jsonl": ["7", ""], "2.parquet": ["7", ""], "3.rttm": [r"J\xf6rg"]}
    for name, speakers in expected.items():
        out = tmp_path / name
        audw2s.annotate(str(folder / name), str(out), num_workers=1)
        assert pd.read_parquet(out / "speakers.parquet")["speaker"].tolist() == speakers


def test_channels_are_integers_beside_files_without_any(clips, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(f"{clips[0]}\nnot_there.wav\n")
    options = {"channels": "all", "table_format": "csv", "num_workers": 1}
    audw2s.annotate(str(path), str(tmp_path / "out"), **options)
    table, speakers = (
        pd.read_csv(tmp_path / "out" / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("table", "speakers")
    )
    assert table["channel"].tolist() == ["0", ""]
    assert speakers["channel"].tolist() == ["0"]
