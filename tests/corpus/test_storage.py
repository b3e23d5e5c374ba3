"""Folders and stores keep what is put there, and let one run in at a time."""

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from functools import partial

import pandas as pd
import pytest
import s3
from waiting import MAX_DUR
from waiting import wait_until

import audw2s
from audw2s.corpus import lease
from audw2s.corpus.storage import Folder
from audw2s.corpus.storage import LostError
from audw2s.corpus.storage import Store
from audw2s.corpus.storage import open_storage


@pytest.fixture
def server(monkeypatch):
    """Give a store that speaks S3."""
    pytest.importorskip("obstore")
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with s3.running() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture(params=["folder", "s3"])
def storage(request, tmp_path):
    place = str(tmp_path / "out")
    if request.param == "s3":
        place = request.getfixturevalue("server").url("deep/out")
    opened = open_storage(place)
    opened.make()
    return opened


def test_files_written_to_a_storage_are_read_back(storage):
    assert storage.names() == []
    assert storage.names("parts") == []
    for name in ("b.txt", "parts/2", "parts/1", "b.txt"):
        with storage.replacing(name) as path:
            with open(path, "w") as file:
                file.write(f"{name} is whole")
    assert storage.names() == ["b.txt", "parts"]
    assert storage.names("parts") == ["1", "2"]
    assert storage.open("parts/2").read() == b"parts/2 is whole"
    with pytest.raises(FileNotFoundError):
        storage.open("parts/3").read()
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


def test_an_interrupted_write_leaves_nothing(storage):
    with pytest.raises(RuntimeError), storage.replacing("a") as path:
        with open(path, "w") as file:
            file.write("half")
        raise RuntimeError
    assert storage.names() == []


def test_one_run_at_a_time(storage):
    with storage.locked():
        with pytest.raises(ValueError), open_storage(storage.root).locked():
            pass
    with storage.locked():
        pass


def test_the_lock_of_a_dead_run_is_taken_over(server):
    store = Store(server.url("out"))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(timeout=MAX_DUR)
    held = lease.Lease(store.store)
    content = json.loads(store.open(".lock").read()) | {"owner": "other"}
    elsewhere = content | {"machine": "far away"}

    def write(content: dict) -> None:
        store.store.put(".lock", json.dumps(content).encode())

    # On this machine it is seen that the process has ended
    for process in (gone, zombie):
        write(content | {"process": process.pid})
        wait_until(lambda p=process: lease._has_ended(p.pid), "the process ends")
        with store.locked():
            pass
    zombie.wait(timeout=MAX_DUR)
    # Elsewhere only time tells
    write(elsewhere)
    with pytest.raises(ValueError, match="on far, "), store.locked():
        pass
    write(elsewhere | {"renewed": content["renewed"] - lease.STALE - 1})
    with pytest.raises(OSError, match="Another run has taken over"), store.locked():
        write(elsewhere)
    assert json.loads(store.open(".lock").read()) == elsewhere
    held.close()
    assert json.loads(store.open(".lock").read()) == elsewhere


@pytest.mark.parametrize("removed", ["out", "out/parts", "out/parts/tmp*"])
def test_a_folder_removed_while_a_file_is_written_is_told(tmp_path, removed):
    folder = Folder(str(tmp_path / "out"))
    folder.make()
    with pytest.raises(LostError, match="was removed while this ran, and what it held"):
        with folder.replacing("parts/part-1") as path:
            with open(path, "w") as file:
                file.write("half")
            for found in [*tmp_path.glob(removed)]:
                shutil.rmtree(found) if found.is_dir() else found.unlink()
    assert folder.names("parts") == []


def test_a_folder_of_a_killed_run_is_not_taken_for_that_of_another(tmp_path):
    """In containers all processes may have the same number."""
    left = tmp_path / f"tmp{os.getpid()}.database"
    left.mkdir()
    (left / "old").touch()
    with Folder(str(tmp_path)).replacing_folder("database") as path:
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "new"), "w"):
            pass
    assert os.listdir(tmp_path / "database") == ["new"]


@pytest.mark.parametrize("stale", [False, True])
def test_one_of_two_runs_with_slow_first_writes_has_the_lock(server, stale):
    store, taken, refused = Store(server.url("out")), [], []
    if stale:
        store.store.put(".lock", json.dumps({"owner": "gone"}).encode())
    server.delay = 0.5
    done = threading.Event()

    def run() -> None:
        try:
            with open_storage(store.root).locked():
                taken.append(threading.get_ident())
                done.wait(MAX_DUR)
        except ValueError:
            refused.append(threading.get_ident())

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: taken and refused, "one run is refused")
    done.set()
    for thread in threads:
        thread.join()
    assert len(taken) == len(refused) == 1


def test_a_run_that_lost_its_lock_changes_nothing(server, monkeypatch):
    monkeypatch.setattr(lease, "RENEWED", 0.05)
    store, other = Store(server.url("out")), Store(server.url("out"))
    taken_over = partial(pytest.raises, OSError, match="Another run has taken over")
    with taken_over(), store.locked():
        content = json.loads(store.open(".lock").read())
        other.store.put(".lock", json.dumps(content | {"owner": "other"}).encode())
        other.store.put("a", b"of the other")
        wait_until(lambda: store.lease.lost, "the lock is lost")
        with taken_over():
            store.remove("a")
        with taken_over(), store.replacing("a") as path, open(path, "w") as file:
            file.write("of this run")
    assert other.open("a").read() == b"of the other"
    assert other.names() == [".lock", "a"]


def test_lock_is_renewed(server, monkeypatch):
    monkeypatch.setattr(lease, "RENEWED", 0.05)
    store = Store(server.url("out"))
    with store.locked():
        first = store.open(".lock").read()
        wait_until(lambda: store.open(".lock").read() != first, "the lock is renewed")
    assert store.names() == []


def test_corpus_in_a_store(corpus, server):
    out, whole = server.url("results"), audw2s.annotate(str(corpus))
    frame = audw2s.annotate(str(corpus), out, shard_size=16)
    pd.testing.assert_frame_equal(frame, whole)
    found = server.folder("results")
    others = {name for name in found if not name.startswith("parts/part-")}
    assert others == {"table.parquet"}
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


def test_a_missing_store_gives_a_one_line_error(clips, server):
    root, out = os.path.dirname(clips[0]), server.url("x")
    said = "There is no bucket 'buckets': create it, or correct the address"
    with pytest.raises(OSError, match=said):
        audw2s.annotate(root, out.replace("//bucket/", "//buckets/"))
    with pytest.raises(ValueError, match="'nowhere://x' can't be written to: .*URL"):
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
