"""All entry points read the same, by the one reader."""

import io
import os
import pathlib
import shutil

import audformat
import formats
import numpy as np
import pandas as pd
import pytest
from commands import invoke
from full import full

import audw2s
from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus.prediction import predict
from audw2s.inference.pipeline import Predictor

NAMES = list(audw2s.DIMENSIONS)

UNREADABLE = {
    "page.mp3": b"<!doctype html><html>404</html>",
    "pointer.wav": b"version https://git-lfs.github.com/spec/v1\n",
    "nothing.wav": b"",
    "text.au": b"no sound " * 999,
    "noise.mp3": np.random.default_rng(0).bytes(9000),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """Folder of the same speech in all formats, and of what is no audio."""
    made = tmp_path_factory.mktemp("formats")
    for name in formats.FILES:
        (made / name).write_bytes(formats.recording(name))
    for name, content in UNREADABLE.items():
        (made / name).write_bytes(content)
    return made


@pytest.fixture(scope="module")
def expected(folder) -> pd.DataFrame:
    """A/D/V and status of each file, by its name."""
    predictor = Predictor("wav2small")
    rows = {path.name: predictor.file(path)[0] for path in folder.iterdir()}
    frame = pd.DataFrame([row.values[0] for row in rows.values()], rows, NAMES)
    frame["status"] = [row.status for row in rows.values()]
    return frame.sort_index()


def test_rows_of_all_formats(expected):
    assert (expected["status"] == "unreadable").sum() == len(UNREADABLE)
    bad = expected.index.isin(UNREADABLE)
    assert expected["status"][bad].eq("unreadable").all()
    assert expected["status"][~bad].eq("ok").all()
    # What codecs do to speech has its effect on the values, too
    plain = expected.loc["s16.wav", NAMES].astype(float)
    lossless = ["s24.wav", "f32.wav", "a.aiff", "a.flac", "unknown_length.flac"]
    lossless += ["rf64.wav", "a.w64", "alac.m4a", "alac.caf", "pcm.caf", "flac.oga"]
    lossless += ["s64.wav", "chained.flac", "picture.flac", "a.sph", "piped.wav"]
    for name in [*lossless, "six_channels.wav", "unpatched.wav", "big_endian.wav"]:
        found = expected.loc[name, NAMES].astype(float)
        np.testing.assert_allclose(found, plain, atol=0.004)
    off = (expected[NAMES][~bad].astype(float) - plain).abs()
    assert off.max(axis=None) < 0.25
    assert off.median(axis=None) < 0.01


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_interfaces(folder, expected):
    feature = audw2s.Feature()
    frames = {
        "files": feature.process_files([folder / name for name in expected.index]),
        "index": feature.process_index(
            audformat.filewise_index(list(expected.index)), root=str(folder)
        ),
        "objects": feature.process_files(
            [io.BytesIO((folder / name).read_bytes()) for name in expected.index]
        ),
    }
    for frame in frames.values():
        np.testing.assert_allclose(frame, expected[NAMES].astype(float), atol=1e-6)
    assert set(frames["objects"].index.get_level_values("file")) == {"<BytesIO>"}


def test_predict(folder, expected, tmp_path):
    out = tmp_path / "table.csv"
    paths = [str(folder / name) for name in expected.index]
    done = invoke("predict", *paths, "--out", out)
    assert done.exit_code == 1
    assert f"{len(UNREADABLE)} of {len(paths)} files have no values" in done.stderr
    same(pd.read_csv(out), expected)


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=full)])
def test_annotate(folder, expected, tmp_path, engine):
    if engine == "ray":
        pytest.importorskip("ray")
    paths = "\n".join(str(folder / name) for name in expected.index)
    (tmp_path / "list.txt").write_text(paths)
    options = {} if engine == "local" else {"out": str(tmp_path / "out")}
    frame = audw2s.annotate(str(tmp_path / "list.txt"), engine=engine, **options)
    same(frame, expected)
    # A header that can't be true isn't believed, and what is longer is left out
    (tmp_path / "list.txt").write_text(str(folder / "unknown_length.flac"))
    for limit, status in ((60.0, "ok"), (1.0, "too_long")):
        frame = audw2s.annotate(str(tmp_path / "list.txt"), max_dur=limit)
        assert frame["status"].tolist() == [status]


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert [os.path.basename(file) for file in found["file"]] == list(expected.index)
    assert found["status"].tolist() == expected["status"].tolist()
    values = expected[NAMES].astype(float)
    np.testing.assert_allclose(found[NAMES].astype(float), values, atol=1e-5)


def test_demo(folder, expected):
    pytest.importorskip("gradio")
    from audw2s.demo.clip import read_clip
    from audw2s.demo.job import Job
    from audw2s.demo.models import Models
    from audw2s.demo.words import RefusedError

    job = Job(Models(), seconds=600)
    for name, row in expected.iterrows():
        if row["status"] == "ok":
            clip = read_clip(job, str(folder / name))
            assert clip.status == "ok"
            assert abs(clip.duration - 2.048) < 0.13
        else:
            with pytest.raises(RefusedError, match="can't be read: .*Save it as"):
                read_clip(job, str(folder / name))


SHARED = {
    **dict.fromkeys(["01_streamed_unknown_length.flac", "06_alac.caf"], "ok"),
    **dict.fromkeys(
        ["02_vbr_no_xing_3.4s.mp3", "03_two_mp3_concatenated_7s.mp3"], "ok"
    ),
    **dict.fromkeys(["06_chrome_webm_named.wav", "06_m4a_named.mp3"], "ok"),
    **dict.fromkeys(["06_m4a_named.wav", "07_chrome.webm", "07_iphone.m4a"], "ok"),
    **dict.fromkeys(["07_voice.amr", "17a_sox_pipe_healthy.wav"], "ok"),
    **dict.fromkeys(["17b_cbr_no_xing_healthy.mp3", "base.wav"], "ok"),
    "05_phase_inverted_stereo.wav": "cancelled",
    "19_git_lfs_pointer.wav": "unreadable",
    "19_html404.mp3": "unreadable",
    "19_video_without_sound.mp4": "unreadable",
    "19_zero_byte.mp3": "unreadable",
    "19_zero_byte.wav": "unreadable",
    "20_gain-60dB.wav": "quiet",
    "22_appledouble_is_._base.wav": "unreadable",
    "mutants/aifcf_0196.aif": "unreadable",
    "mutants/flac16_0022.flac": "ok",
    "mutants/float_0001.wav": "out_of_range",
    "mutants/text.au": "unreadable",
    "mutants/two.m4a": "ok",
}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_recordings_that_went_wrong(shared, tmp_path):
    pytest.importorskip("gradio")
    from audw2s.demo.clip import read_clip
    from audw2s.demo.job import Job
    from audw2s.demo.models import Models
    from audw2s.demo.words import RefusedError

    job = Job(Models(), seconds=600)
    root = shared.parent / "cases"
    (tmp_path / "list.txt").write_text("\n".join(str(root / name) for name in SHARED))
    found = audw2s.annotate(str(tmp_path / "list.txt"), max_dur=60).set_index("file")
    found.index = list(SHARED)
    assert found["status"].to_dict() == SHARED
    paths = [str(root / name) for name in SHARED]
    predicted = predict(paths, Predictor("wav2small"))
    assert predicted["status"].tolist() == list(SHARED.values())
    index = audformat.filewise_index(list(SHARED))
    feature = audw2s.Feature()
    for frame in (
        predicted[NAMES],
        feature.process_files(paths),
        feature.process_index(index, root=str(root)),
    ):
        np.testing.assert_allclose(frame, found[NAMES], atol=1e-5)
    base = found.loc["base.wav", NAMES].astype(float)
    for name in ("01_streamed_unknown_length.flac", "06_alac.caf"):
        np.testing.assert_allclose(
            found.loc[name, NAMES].astype(float), base, atol=1e-4
        )
    for name, status in SHARED.items():
        if status in UNUSABLE:
            with pytest.raises(RefusedError):
                read_clip(job, str(root / name))
        else:
            assert read_clip(job, str(root / name)).status == status


def test_home_folder_is_expanded(folder, expected, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    shutil.copy(folder / "a.m4a", tmp_path / "a.m4a")
    values = expected.loc["a.m4a", NAMES].astype(float).to_list()
    feature = audw2s.Feature()
    for frame in (
        feature.process_file("~/a.m4a"),
        feature.process_file("a.m4a", root="~"),
        feature.process_file(pathlib.Path("~/a.m4a")),
        feature.process_files([pathlib.Path("~") / "a.m4a"]),
    ):
        np.testing.assert_allclose(frame.to_numpy()[0], values, atol=1e-6)
    assert len(audw2s.curve("~/a.m4a", rate=1)) == len(
        audw2s.curve(folder / "a.m4a", rate=1)
    )


@pytest.mark.parametrize("win_dur", [None, 0.5])
def test_segment_and_curve_of_file_objects(folder, win_dur):
    content = (folder / "a.m4a").read_bytes()
    segment = audw2s.Segment(where="arousal > 0")
    index = segment.process_file(io.BytesIO(content))
    by_path = segment.process_file(str(folder / "a.m4a"))
    assert list(index.droplevel("file")) == list(by_path.droplevel("file"))
    frame = audw2s.Feature(win_dur=win_dur).process_file(io.BytesIO(content))
    other = audw2s.Feature(win_dur=win_dur).process_file(str(folder / "a.m4a"))
    np.testing.assert_array_equal(frame, other)
    curves = [audw2s.curve(s, rate=2) for s in (io.BytesIO(content), folder / "a.m4a")]
    pd.testing.assert_frame_equal(*curves)
