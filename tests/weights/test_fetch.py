"""What fetching gives, and what it refuses to give."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import types

import pytest
from loopback import REVISION
from release import ARCHIVE
from release import CONFIG
from release import FILES
from release import HUB
from release import WEIGHTS
from release import contents
from release import put
from release import sentence_with
from release import sha256
from waiting import MAX_DUR
from waiting import wait_until

from audw2s.model.hub import download
from audw2s.model.hub.download import FetchError
from audw2s.model.hub.fetch import fetch

CALL = """
import sys
from audw2s.model.hub.fetch import fetch
from audw2s.model.registry import HubSource, ZenodoSource
print(fetch(eval(sys.argv[1]), sys.argv[2]))
"""


def start(source, folder: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", CALL, repr(source), folder],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_files_and_hashes(server, folder, source, expected):
    hashes = {name: sha256(content) for name, content in expected.items()}
    assert fetch(source, folder) == hashes
    assert contents(folder) == expected
    asked = len(server.requests)
    server.statuses = [500] * 9
    assert fetch(source, folder) == hashes
    assert len(server.requests) == asked


def test_only_missing_files_are_downloaded(server, folder):
    put(folder, {"config.json": b"by hand"})
    assert fetch(HUB, folder)["config.json"] == sha256(b"by hand")
    assert not [path for _, path, _ in server.requests if "config" in path]


def test_nothing_is_left_next_to_the_folder(server, folder):
    put(folder, FILES)
    fetch(HUB, folder)
    assert os.listdir(os.path.dirname(folder)) == [REVISION]


def test_a_file_with_a_wrong_byte_is_refused(server, folder, source, expected):
    server.damage = True
    put(folder, {"config.json": CONFIG})
    algorithm = "md5" if source is ARCHIVE else "sha256"
    error = sentence_with(f"came with {algorithm}", "damaged", "again")
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)
    assert os.listdir(folder) == ["config.json"]
    server.damage = False
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()


def test_a_full_disk_is_reported_before_the_download(
    server, folder, source, expected, monkeypatch
):
    usage = types.SimpleNamespace(free=2_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    words = "no room", folder, "2.0 MB are free", "AUDW2S_CACHE_ROOT"
    with pytest.raises(FetchError, match=sentence_with(*words)):
        fetch(source, folder)
    assert not os.listdir(folder)
    assert not server.sent("/model.zip") + server.sent(sha256(WEIGHTS))


def test_a_disk_that_fills_up_is_reported(
    server, folder, source, expected, monkeypatch
):
    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(download, "_append", full)
        error = sentence_with("no room", "No space left", "larger disk")
        with pytest.raises(FetchError, match=error):
            fetch(source, folder)
    fetch(source, folder)


def test_file_size_limit(server, folder, source, expected):
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (2**20, 2**20))\n"
    process = subprocess.run(
        [sys.executable, "-c", limit + CALL, repr(source), folder],
        capture_output=True,
        text=True,
    )
    assert "FetchError: There is no room in" in process.stderr
    assert "File too large" in process.stderr
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()


def test_other_errors_of_disks(server, folder, source, expected):
    os.makedirs(os.path.dirname(folder))
    with open(folder, "w"):
        pass
    with pytest.raises(FileExistsError, match=REVISION):
        fetch(source, folder)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder of the kernel")
def test_a_folder_that_cannot_be_written_to(server, source, expected):
    error = sentence_with("/sys/audw2s/model", "can't be written to", "AUDW2S_CACHE")
    with pytest.raises(FetchError, match=error):
        fetch(source, "/sys/audw2s/model")
    assert not server.requests


def test_two_processes(server, folder, source, expected):
    server.pause = 0.02
    processes = [start(source, folder) for _ in range(2)]
    printed = [process.communicate(timeout=MAX_DUR)[0] for process in processes]
    hashes = {name: sha256(content) for name, content in expected.items()}
    assert [eval(text) for text in printed] == [hashes, hashes]
    assert contents(folder) == expected
    assert len([n for _, _, n in server.bodies if n > 1_000_000]) == 1


def test_a_killed_download_resumes(server, folder, source, expected):
    put(folder, {"config.json": CONFIG})
    server.cuts, server.stall = [2_500_000], True
    process = start(source, folder)
    name = "model.zip.part" if source is ARCHIVE else "model.safetensors.part"
    part = os.path.join(folder, name)
    wait_until(
        lambda: os.path.exists(part) and os.path.getsize(part) >= 2 * download.CHUNK,
        "two chunks are there",
    )
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=MAX_DUR) == -signal.SIGKILL
    server.stall = False
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()
    assert not os.path.exists(part)
    assert server.bodies[-1][1] == 2 * download.CHUNK


def test_progress(server, folder, source, expected, capfd, monkeypatch):
    fetch(source, folder)
    assert capfd.readouterr() == ("", "")
    shutil.rmtree(folder)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fetch(source, folder, verbose=True)
    out, err = capfd.readouterr()
    assert not out
    assert "model." in err and "100%" in err and "3.00M" in err
