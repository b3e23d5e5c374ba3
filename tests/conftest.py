import os
import pathlib
import shutil
import signal
import types

import audformat.testing
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import settings
from tables import Tables

# How long an example takes says nothing on a machine that is busy
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# What a shell runs in the background ignores Ctrl-C, and so would the processes that
# tests start
signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore = ["benchmark", "golden", "mutants.py"]

ROOT = pathlib.Path(__file__).parent.parent
TESTS = ROOT / "tests"
LONGEST = [
    "corpus/test_cluster.py",
    "demo/test_page.py",
    "test_documentation.py",
    "corpus/test_resume.py",
    "corpus/test_annotation.py",
    "demo/test_live.py",
    "distill/test_students.py",
    "demo/test_static.py",
    "demo/test_accessibility.py",
    "export/test_c.py",
    "distill/test_get.py",
    "distill/test_fit_teacher.py",
    "distill/test_published_teachers.py",
    "distill/test_exits_export.py",
    "distill/test_label.py",
    "distill/test_train.py",
    "distill/test_compare.py",
    "test_memory.py",
    "test_package.py",
]
"""Files that take longest begin first: else one worker would wait for the other."""
SPEECH = ROOT / "examples" / "speech"
LOUD_CLIP = SPEECH / "emodb-03a05Wa-anger.flac"
SHARED = ROOT.parent / "shared" / "data"


def pytest_configure(config):
    # By default files with many tests begin first, however short those are
    config.option.loadscopereorder = False
    # Workers of pytest-xdist share the cores: further threads would only get in the way
    if hasattr(config, "workerinput"):
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items):
    ranks = {TESTS / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.fixture(scope="session", autouse=True)
def one_worker():
    """Let runs in this process start one worker, if their number isn't the point.

    Each imports all modules, which takes longer than the few files of a test.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audw2s.corpus.run.num_cores", lambda: 1)
        yield


@pytest.fixture(scope="session")
def tables():
    """Tables that the full run writes to the path in ``AUDW2S_TABLES``."""
    made = Tables(
        {
            "Against FFmpeg's program": [
                *("recording", "seconds", "FFmpeg", "difference of A/D/V", "note"),
            ],
            "Damaged recordings": ["format", "mutations", "rows by status"],
            "Memory": ["format", "mutations", "MB above the whole recording"],
        }
    )
    yield made
    if path := os.environ.get("AUDW2S_TABLES"):
        made.write(pathlib.Path(path))


@pytest.fixture
def clips() -> list[str]:
    """Paths of the example clips."""
    return sorted(str(path) for path in SPEECH.iterdir())


@pytest.fixture
def speech() -> np.ndarray:
    """Mono speech at 16 kHz, some 3 s."""
    signal, rate = soundfile.read(LOUD_CLIP, dtype="float32")
    assert rate == 16000
    return signal


@pytest.fixture
def shared() -> pathlib.Path:
    """Folder of the corpora that users don't have."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data, which users don't have")
    return SHARED


@pytest.fixture
def cases() -> pathlib.Path:
    """Folder of cases from public bug reports."""
    folder = SHARED.parent / "cases"
    if not folder.is_dir():
        pytest.skip("needs ../shared/cases, which users don't have")
    return folder


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Give a server that answers as the hub and Zenodo do, and an empty cache."""
    import huggingface_hub
    import loopback
    from huggingface_hub.utils import _http

    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("HF_TOKEN", "hf_fabricated")
    monkeypatch.setenv("AUDW2S_CACHE_ROOT", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    # The library waits between its attempts
    monkeypatch.setattr(_http, "time", types.SimpleNamespace(sleep=lambda _: None))
    huggingface_hub.close_session()
    with loopback.running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.hub)
        monkeypatch.setenv("AUDW2S_ZENODO_ENDPOINT", running.zenodo)
        yield running
    huggingface_hub.close_session()


@pytest.fixture
def damaged(tmp_path, damaged_files) -> dict[str, tuple[str, str]]:
    """Odd and damaged files: name to path and the status they have to get."""
    folder, statuses = damaged_files
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return {name: (str(tmp_path / name), s) for name, s in statuses.items()}


@pytest.fixture(scope="session")
def damaged_files(tmp_path_factory) -> tuple[pathlib.Path, dict[str, str]]:
    """Folder of these files, written once, and statuses by name."""
    folder, statuses = tmp_path_factory.mktemp("damaged"), {}
    speech, _ = soundfile.read(LOUD_CLIP, dtype="float32")

    def add(name: str, status: str, content: bytes | None = None) -> str:
        path = str(folder / name)
        if content is not None:
            pathlib.Path(path).write_bytes(content)
        statuses[name] = status
        return path

    rng = np.random.default_rng(0)
    wav = folder / "whole.wav"
    soundfile.write(wav, speech, 16000, subtype="PCM_16")
    flac = folder / "whole.flac"
    soundfile.write(flac, speech, 16000)
    mp3 = folder / "whole.mp3"
    soundfile.write(mp3, speech, 16000)
    wav_bytes, flac_bytes, mp3_bytes = (p.read_bytes() for p in (wav, flac, mp3))
    data = wav_bytes.index(b"data") + 4

    add("zero_bytes.wav", "unreadable", b"")
    add("random.wav", "unreadable", rng.bytes(5000))
    add("page.wav", "unreadable", b"<!doctype html><html><body>404</body></html>")
    add("half.flac", "truncated", flac_bytes[: len(flac_bytes) // 2])
    soundfile.write(add("no_frames.wav", "empty"), np.zeros(0), 16000)
    recorder = wav_bytes[:data] + bytes(4) + wav_bytes[data + 4 :]
    # Its size was never patched: a length of 0 promises nothing, the speech is there
    add("recorder_died.wav", "ok", recorder)
    add("half.wav", "truncated", wav_bytes[: len(wav_bytes) // 2])
    add("half.mp3", "truncated", mp3_bytes[: len(mp3_bytes) // 2])
    junk = bytearray(mp3_bytes)
    middle = len(junk) // 2
    junk[middle : middle + 2000] = bytes(2000)
    add("junk.mp3", "truncated", bytes(junk))
    for name, value in [("nan", np.nan), ("inf", np.inf)]:
        signal = speech.copy()
        signal[1000] = value
        path = add(f"{name}.wav", "not_finite")
        soundfile.write(path, signal, 16000, subtype="FLOAT")
    streamed = wav_bytes[:data] + b"\xff\xff\xff\xff" + wav_bytes[data + 4 :]
    add("streamed.wav", "ok", streamed)
    soundfile.write(add("silence.wav", "silent"), np.zeros(16000), 16000)
    soundfile.write(add("20ms.wav", "short"), speech[8000:8320], 16000)
    soundfile.write(add("40_samples.wav", "too_short"), speech[:40], 16000)
    soundfile.write(add("clipped.wav", "clipped"), np.clip(speech * 50, -1, 1), 16000)
    for rate in (8000, 44100, 192000):
        stereo = 0.1 * rng.standard_normal((rate, 2))
        soundfile.write(add(f"stereo_{rate}.wav", "ok"), stereo, rate)
    soundfile.write(add("24bit.wav", "ok"), speech, 16000, subtype="PCM_24")
    soundfile.write(add("opus.opus", "ok"), speech, 16000, format="OGG", subtype="OPUS")
    shutil.copy(wav, add("no_extension", "ok"))
    pathlib.Path(add("folder.wav", "missing")).mkdir()
    add("not_there.wav", "missing")
    return folder, statuses


@pytest.fixture
def project(tmp_path, monkeypatch) -> pathlib.Path:
    """Working directory with the files that pages name."""
    shutil.copytree(SPEECH, tmp_path / "recordings")
    for folder in ("examples", "more", "my_database/audio"):
        shutil.copytree(SPEECH, tmp_path / folder, ignore=lambda _, n: n[4:])
    clips = [soundfile.read(path, dtype="float32")[0] for path in SPEECH.iterdir()]
    soundfile.write(tmp_path / "interview.wav", np.concatenate(clips), 16000)
    (tmp_path / "calls").mkdir()
    for path in (tmp_path / "call.wav", tmp_path / "calls" / "call.wav"):
        soundfile.write(path, np.stack([c[:30000] for c in clips[:2]], axis=1), 16000)
    turns = ["0.0 3.0 A", "3.5 2.5 B", "6.5 3.0 A"]
    lines = [
        "SPEAKER interview 1 {} {} <NA> <NA> {} <NA> <NA>\n".format(*turn.split())
        for turn in turns
    ]
    (tmp_path / "interview.rttm").write_text("".join(lines))
    files = [f"recordings/{name}" for name in sorted(os.listdir(SPEECH))]
    labels = {"file": files, "speaker": list("aababb")}
    labels["label"] = ["happy", "calm", "calm", "happy", "happy", "calm"]
    pd.DataFrame(labels).to_csv(tmp_path / "labels.csv", index=False)
    ratings = pd.DataFrame({"file": files, "arousal": [1, 2, 3, 4, 5, 4]})
    ratings.to_csv(tmp_path / "ratings.csv", index=False)
    rated = pd.concat([ratings.assign(rater=name) for name in ("anna", "ben")])
    rated.to_csv(tmp_path / "rated.csv", index=False)
    for name in ("ravdess/Actor_01/03-01-05-01-02-01-01.wav", "nemo/EB0_anger_12.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        shutil.copy(tmp_path / "interview.wav", path)
    names = sorted(os.listdir(tmp_path / "my_database" / "audio"))
    db = audformat.testing.create_db(minimal=True)
    db["files"] = audformat.Table(
        audformat.filewise_index([f"audio/{name}" for name in names])
    )
    db.save(str(tmp_path / "my_database"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
