"""Folders and stores keep what is put there, and let one run in at a time."""

import io
import json
import os
import subprocess
import sys

import pandas as pd
import pytest
import s3
from waiting import MAX_DUR
from waiting import wait_until

import audw2s
from audw2s.corpus import lease
from audw2s.corpus.storage import Store
from audw2s.corpus.storage import open_storage


@pytest.fixture
def server(monkeypatch):
    """Give a store that speaks S3."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(lease, "SETTLED", 0.1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fabricated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fabricated")
    with s3.running() as running:
        yield running


@pytest.fixture(params=["folder", "s3", "memory"])
def storage(request, server, tmp_path):
    places = {
        "folder": str(tmp_path / "out"),
        "s3": server.url("deep/out"),
        "memory": f"memory://{tmp_path.name}/out",
    }
    opened = open_storage(places[request.param])
    opened.make()
    return opened


def test_what_is_put_there(storage):
    assert storage.names() == []
    assert storage.names("parts") == []
    for name in ("b.txt", "parts/2", "parts/1", "b.txt"):
        with storage.replacing(name, durable=True) as path:
            with open(path, "w") as file:
                file.write(f"{name} is whole")
    assert storage.names() == ["b.txt", "parts"]
    assert storage.names("parts") == ["1", "2"]
    assert storage.read("parts/2") == b"parts/2 is whole"
    with pytest.raises(FileNotFoundError):
        storage.read("parts/3")
    for _ in range(2):
        storage.remove("parts/1")
    assert storage.names("parts") == ["2"]
    for content in ("x", "y"):
        with storage.replacing_folder("database") as path:
            os.makedirs(os.path.join(path, "deep"))
            with open(os.path.join(path, "deep", content), "w") as file:
                file.write(content)
    assert storage.names("database/deep") == ["y"]
    storage.remove("parts")
    storage.remove("database")
    assert storage.names() == ["b.txt"]


def test_what_breaks_off_leaves_nothing(storage):
    with pytest.raises(RuntimeError), storage.replacing("a") as path:
        with open(path, "w") as file:
            file.write("half")
        raise RuntimeError
    assert storage.names() == []


def test_one_run_at_a_time(storage):
    with storage.locked():
        with pytest.raises(BlockingIOError), open_storage(storage.url).locked():
            pass
    with storage.locked():
        pass


def test_lock_of_a_run_that_is_gone(server, monkeypatch):
    store = Store(server.url("out"))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(timeout=MAX_DUR)
    held = lease.Lease(store)
    about = json.loads(store.read(".lock"))
    elsewhere = {**about, "owner": "other", "machine": "far away"}
    # On this machine it is seen that the process has ended
    store.write(".lock", json.dumps({**about, "process": gone.pid}).encode())
    with store.locked():
        pass
    # Elsewhere only time tells
    store.write(".lock", json.dumps(elsewhere).encode())
    with pytest.raises(BlockingIOError, match="on far, "), store.locked():
        pass
    old = {**elsewhere, "renewed": about["renewed"] - lease.STALE - 1}
    store.write(".lock", json.dumps(old).encode())
    with pytest.raises(OSError, match="Another run has taken over"), store.locked():
        store.write(".lock", json.dumps(elsewhere).encode())
    assert json.loads(store.read(".lock")) == elsewhere
    held.end()
    assert json.loads(store.read(".lock")) == elsewhere


def test_lock_is_renewed(server, monkeypatch):
    monkeypatch.setattr(lease, "RENEWED", 0.05)
    store = Store(server.url("out"))
    with store.locked():
        first = store.read(".lock")
        wait_until(lambda: store.read(".lock") != first, "the lock is renewed")
    assert store.names() == []


def test_corpus_in_a_store(corpus, server):
    out, whole = server.url("results"), audw2s.annotate(str(corpus))
    frame = audw2s.annotate(str(corpus), out, shard_size=16)
    pd.testing.assert_frame_equal(frame, whole)
    found = server.folder("results")
    assert set(found) - {n for n in found if n.startswith("parts/part-")} == {
        "job.json",
        "table.parquet",
    }
    written = pd.read_parquet(io.BytesIO(found["table.parquet"]))
    pd.testing.assert_frame_equal(written, whole)
    with pytest.raises(ValueError, match="models wav2small .*, now wav2small-int8"):
        audw2s.annotate(str(corpus), out, model="wav2small-int8")
    # A part that is damaged, and one that is gone
    parts = sorted(name for name in found if name.startswith("parts/"))
    server.objects[f"bucket/results/{parts[0]}"] = b"half"
    del server.objects[f"bucket/results/{parts[1]}"]
    again = audw2s.annotate(str(corpus), out, table_format="csv")
    pd.testing.assert_frame_equal(again, whole)
    assert "table.csv" in server.folder("results")
    audw2s.annotate(str(corpus), out, win_dur=1.0, restart=True)
    assert "table.csv" not in server.folder("results")


def test_store_that_is_not_there(clips, server):
    root, out = os.path.dirname(clips[0]), server.url("x")
    with pytest.raises(OSError, match="NO_SUCH_BUCKET"):
        audw2s.annotate(root, out.replace("//bucket/", "//buckets/"))
    with pytest.raises(ValueError, match="'nowhere://x' needs another package"):
        audw2s.annotate(root, "nowhere://x")


def test_audio_in_a_store(tmp_path):
    with pytest.raises(ValueError, match="is a URL: audio is read from file systems"):
        audw2s.annotate("s3://bucket/corpus")
    listed = tmp_path / "list.txt"
    listed.write_text("s3://bucket/a.wav")
    frame = audw2s.annotate(str(listed))
    assert frame[["file", "status", "message"]].iloc[0].tolist() == [
        "s3://bucket/a.wav",
        "missing",
        "a URL, no file: mount or copy it",
    ]
