"""Fetching from a server on this machine; no other is asked."""

import errno
import hashlib
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import types
import zipfile

import huggingface_hub
import numpy as np
import pytest
from loopback import REVISION

from audw2s.weights import cache
from audw2s.weights import download
from audw2s.weights import fetch as module
from audw2s.weights.download import FetchError
from audw2s.weights.fetch import fetch
from audw2s.weights.sources import HubSource
from audw2s.weights.sources import ZenodoSource

WEIGHTS = np.random.default_rng(0).bytes(3_000_000)
CONFIG = b'{"hidden_size": 1024}'
CARD = b"$audonnx.core.model.Model==1.0.1: {}"
SOURCE = HubSource("user/model", REVISION, ("config.json", "model.safetensors"))
ARCHIVE = ZenodoSource("6221127", "model.zip")
FILES = {"config.json": CONFIG, "model.safetensors": WEIGHTS}
CALL = """
import sys
from audw2s.weights.fetch import fetch
from audw2s.weights.sources import HubSource, ZenodoSource
print(fetch(eval(sys.argv[1]), sys.argv[2]))
"""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


MEMBERS = {"model.onnx": WEIGHTS, "model.yaml": CARD}
ZIP = zipped({**MEMBERS, "../evil": b"evil", "/evil": b"evil", "more/evil": b"evil"})


@pytest.fixture
def server(server):
    server.repositories["user/model"] = dict(FILES)
    server.records["6221127"] = {"model.zip": ZIP, "other.zip": b""}
    return server


@pytest.fixture
def folder(tmp_path) -> str:
    return str(tmp_path / "cache" / "downloads" / "model" / REVISION)


def contents(folder: str) -> dict[str, bytes]:
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    return found


def put(folder: str, files: dict[str, bytes]) -> None:
    os.makedirs(folder, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def fails(source, folder: str, *words: str, **kwargs) -> str:
    """Fetching fails with one sentence that has the words in it."""
    with pytest.raises(FetchError) as caught:
        fetch(source, folder, **kwargs)
    sentence = str(caught.value)
    for word in words:
        assert word in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def start(source, folder: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", CALL, repr(source), folder],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(params=[SOURCE, ARCHIVE], ids=["hub", "zenodo"])
def source(request):
    return request.param


@pytest.fixture
def expected(source) -> dict[str, bytes]:
    return MEMBERS if source is ARCHIVE else FILES


def test_files_and_hashes(server, folder, source, expected):
    hashes = {name: sha256(content) for name, content in expected.items()}
    assert fetch(source, folder) == hashes
    assert contents(folder) == expected
    assert fetch(source, folder, sha256=hashes) == hashes
    asked = len(server.requests)
    server.statuses = [500] * 9
    assert fetch(source, folder) == hashes
    assert len(server.requests) == asked


def test_goes_on_after_a_break(server, folder, source, expected):
    put(folder, {"config.json": CONFIG})
    ending = "/model.zip" if source is ARCHIVE else sha256(WEIGHTS)
    server.cuts = [2_500_000]
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()
    assert [start for start, _ in server.sent(ending)] == [0, 2 * download.CHUNK]


def test_goes_on_in_the_next_call(server, folder, source, expected):
    put(folder, {"config.json": CONFIG})
    server.cuts = [2_500_000, 0]
    sentence = fails(source, folder, "broke after 2.1 MB of 3.0 MB", "go on")
    assert "model" in sentence
    assert "model.onnx" not in os.listdir(folder)
    assert "model.safetensors" not in os.listdir(folder)
    server.bodies.clear()
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()
    large = [(start, n) for _, start, n in server.bodies if n > 1000]
    total = len(ZIP) if source is ARCHIVE else len(WEIGHTS)
    assert large == [(2 * download.CHUNK, total - 2 * download.CHUNK)]


def test_goes_on_after_a_kill(server, folder, source, expected):
    put(folder, {"config.json": CONFIG})
    server.cuts, server.stall = [2_500_000], True
    process = start(source, folder)
    name = "model.zip.part" if source is ARCHIVE else "model.safetensors.part"
    part = os.path.join(folder, name)
    deadline = time.monotonic() + 60
    while download.size(part) < 2 * download.CHUNK:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    server.stall = False
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()
    assert not os.path.exists(part)
    assert server.bodies[-1][1] == 2 * download.CHUNK


def test_server_that_ignores_ranges(server, folder, source, expected):
    put(folder, {"config.json": CONFIG})
    server.cuts, server.ranges = [2_500_000, 0], False
    fails(source, folder, "broke after 2.1 MB")
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()


def test_a_longer_part_is_no_beginning(server, folder, source, expected):
    longer = ZIP + WEIGHTS
    put(folder, {"model.safetensors.part": longer, "model.zip.part": longer})
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()


def test_one_byte_is_wrong(server, folder, source, expected):
    server.damage = True
    put(folder, {"config.json": CONFIG})
    algorithm = "md5" if source is ARCHIVE else "sha256"
    fails(source, folder, f"came with {algorithm}", "damaged", "again")
    assert os.listdir(folder) == ["config.json"]
    server.damage = False
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()


def test_not_the_file_that_was_meant(server, folder, source, expected):
    name = source.files[0]
    fails(source, folder, name, "0" * 64, "meant", sha256={name: "0" * 64})
    assert name not in os.listdir(folder)
    assert not [name for name in os.listdir(folder) if name.endswith(".part")]


def test_server_in_trouble(server, folder, source, expected):
    server.statuses = [500, 503, 429]
    fetch(source, folder)
    assert contents(folder) == expected


def test_trouble_while_downloading(server, folder, source, expected):
    server.file_statuses = [503, 500]
    fetch(source, folder)
    assert not server.file_statuses
    assert contents(folder) == expected


def test_server_in_lasting_trouble(server, folder, source, expected):
    server.statuses = [503] * 99
    words = source.endpoint, "HTTP 503", "later", "put", source.by_hand, folder
    fails(source, folder, *words)


@pytest.mark.parametrize("status", [401, 403])
def test_refused(server, folder, source, expected, status):
    server.statuses = [status] * 9
    fails(source, folder, "refuses", f"HTTP {status}", "HF_TOKEN")


def test_nobody_answers(server, folder, source, expected, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", nobody)
        monkeypatch.setenv("AUDW2S_ZENODO_ENDPOINT", nobody)
        words = nobody, "can't be reached", "put", source.by_hand, folder
        fails(source, folder, *words)
    put(folder, expected)
    assert set(fetch(source, folder)) == set(expected)


def test_offline_is_set(server, folder, source, expected, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    fails(source, folder, "HF_HUB_OFFLINE is set", source.by_hand, folder)
    assert not server.requests


def test_login_page(server, folder, source, expected):
    server.login_page = True
    fails(source, folder, "login page", "browser")
    assert not os.listdir(folder)


def test_no_room(server, folder, source, expected, monkeypatch):
    usage = types.SimpleNamespace(free=2_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    sentence = fails(source, folder, "no room", "2.0 MB are free", folder)
    assert "AUDW2S_CACHE_ROOT" in sentence
    assert not os.listdir(folder)
    assert not server.sent("/model.zip") + server.sent(sha256(WEIGHTS))


def test_no_room_after_a_while(server, folder, source, expected, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(download, "_go_on", full)
        fails(source, folder, "no room", "No space left", "larger disk")
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


def test_two_processes(server, folder, source, expected):
    server.pause = 0.02
    processes = [start(source, folder) for _ in range(2)]
    printed = [process.communicate()[0] for process in processes]
    hashes = {name: sha256(content) for name, content in expected.items()}
    assert [eval(text) for text in printed] == [hashes, hashes]
    assert contents(folder) == expected
    assert len([n for _, _, n in server.bodies if n > 1_000_000]) == 1


def test_other_errors_of_disks(server, folder, source, expected):
    os.makedirs(os.path.dirname(folder))
    with open(folder, "w"):
        pass
    with pytest.raises(FileExistsError, match=REVISION):
        fetch(source, folder)


def test_by_hand_and_wrong(server, folder, source, expected):
    put(folder, expected)
    name = source.files[1]
    path = os.path.join(folder, name)
    words = path, sha256(expected[name]), "0" * 64, "Delete or replace it"
    fails(source, folder, *words, sha256={name: "0" * 64})
    assert contents(folder) == expected
    assert not server.requests


def test_progress(server, folder, source, expected, capfd):
    fetch(source, folder)
    assert capfd.readouterr() == ("", "")
    shutil.rmtree(folder)
    fetch(source, folder, verbose=True)
    out, err = capfd.readouterr()
    assert not out
    assert "model." in err and "100%" in err and "3.00M" in err


def test_only_the_hub_hears_the_token(server, folder):
    fetch(SOURCE, folder)
    for _, path, token in server.requests:
        assert token is not path.startswith("/cdn/")


def test_zenodo_hears_no_token(server, folder):
    fetch(ARCHIVE, folder)
    assert not any(token for _, _, token in server.requests)


def test_only_what_is_missing(server, folder):
    put(folder, {"config.json": b"by hand"})
    assert fetch(SOURCE, folder)["config.json"] == sha256(b"by hand")
    assert not [path for _, path, _ in server.requests if "config" in path]


def test_nothing_is_left_next_to_the_folder(server, folder):
    put(folder, FILES)
    fetch(SOURCE, folder)
    assert os.listdir(os.path.dirname(folder)) == [REVISION]


def test_announced_and_known_differ(server, folder):
    known = {"model.safetensors": "0" * 64}
    fails(SOURCE, folder, "0" * 64, "isn't downloaded", sha256=known)
    assert not server.bodies or all(not count for *_, count in server.bodies)


def test_small_files_are_verified_too(server, folder):
    server.damage = True
    source = HubSource("user/model", REVISION, ("config.json",))
    fails(source, folder, "came with git checksum", "config.json")
    assert not os.listdir(folder)


@pytest.mark.parametrize("status", [401, 403])
def test_gated(server, folder, status):
    server.gated["user/model"] = status
    fails(SOURCE, folder, "only for those whom its owners let in", "HF_TOKEN")


def test_no_repository(server, folder):
    source = HubSource("user/other", REVISION, ("config.json",))
    fails(source, folder, "no public repository", "user/other", source.by_hand)


def test_no_revision(server, folder):
    source = HubSource("user/model", "f" * 40, ("config.json",))
    fails(source, folder, "doesn't have this revision", "user/model", "f" * 40)


def test_no_file(server, folder):
    source = HubSource("user/model", REVISION, ("config.json", "other.safetensors"))
    fails(source, folder, "/other.safetensors", "lacks this file", "user/model")


def test_no_record(server, folder):
    source = ZenodoSource("1", "model.zip")
    fails(source, folder, "has no model.zip (Zenodo record 1)", "HTTP 404")


def test_no_archive_in_the_record(server, folder):
    source = ZenodoSource("6221127", "missing.zip")
    fails(source, folder, "6221127 has no missing.zip", "(found: model.zip, other.zip)")


@pytest.mark.parametrize("name", ["model.bin", "code.py", "../model.onnx", "a/b.json"])
def test_only_data(name):
    with pytest.raises(ValueError, match="can't be fetched"):
        HubSource("user/model", REVISION, (name,))
    with pytest.raises(ValueError, match="can't be fetched"):
        ZenodoSource("6221127", "model.zip", (name,))


def test_nothing_but_the_named_members(server, folder, tmp_path):
    fetch(ARCHIVE, folder)
    assert contents(folder) == MEMBERS
    names = [name for _, _, names in os.walk(tmp_path) for name in names]
    assert not [name for name in names if "evil" in name]
    assert not os.path.exists("/evil")


BAD = {
    "no onnx": ({"model.yaml": CARD}, "has no model.onnx in it (found: model.yaml)"),
    "outside": ({"../model.onnx": CARD, "model.yaml": CARD}, "has no model.onnx in it"),
    "empty": ({}, "(found: nothing)"),
}


@pytest.mark.parametrize("members, sentence", BAD.values(), ids=BAD)
def test_bad_archive(server, folder, members, sentence):
    server.records["6221127"]["model.zip"] = zipped(members)
    fails(ARCHIVE, folder, sentence, "has changed")
    assert not os.listdir(folder)


@pytest.mark.parametrize(
    "archive",
    [b"<html>", ZIP[:-100], zipped(MEMBERS, zipfile.ZIP_BZIP2)],
    ids=["html", "cut", "bzip2"],
)
def test_archive_that_cannot_be_read(server, folder, archive):
    server.records["6221127"]["model.zip"] = archive
    fails(ARCHIVE, folder, "no zip archive that can be read", "again")
    assert not os.listdir(folder)


def test_damage_within_an_archive_put_by_hand(server, folder):
    stored = zipped(MEMBERS, zipfile.ZIP_STORED)
    damaged = stored.replace(WEIGHTS[500:600], WEIGHTS[501:601])
    put(folder, {"model.zip": damaged})
    fails(ARCHIVE, folder, "no zip archive that can be read", "Bad CRC")
    assert os.listdir(folder) == ["model.zip"]


def test_large_members(server, folder, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 2_000_000)
    fails(ARCHIVE, folder, "claims 3.0 MB, expected at most 2.0 MB")
    assert not os.listdir(folder)


def test_no_room_to_unpack(server, folder, monkeypatch):
    frees = iter([9_000_000, 1_000_000])
    usage = types.SimpleNamespace
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free=next(frees)))
    fails(ARCHIVE, folder, "no room", "1.0 MB are free")
    # The download needn't be repeated
    assert os.listdir(folder) == ["model.zip.part"]


def test_archive_put_by_hand(server, folder):
    put(folder, {"model.zip": ZIP})
    fails(
        ARCHIVE, folder, "0" * 64, "Delete or replace", sha256={"model.zip": "0" * 64}
    )
    known = {"model.zip": sha256(ZIP), "model.onnx": sha256(WEIGHTS)}
    assert fetch(ARCHIVE, folder, sha256=known)["model.onnx"] == sha256(WEIGHTS)
    assert contents(folder) == {"model.zip": ZIP, **MEMBERS}
    assert not server.requests


def test_cache_root(monkeypatch, tmp_path):
    monkeypatch.delenv("AUDW2S_CACHE_ROOT", raising=False)
    assert cache.cache_root() == os.path.expanduser("~/.cache/audw2s")
    monkeypatch.setenv("AUDW2S_CACHE_ROOT", str(tmp_path))
    assert cache.cache_root() == str(tmp_path)
    assert cache.model_folder("dawn") == str(tmp_path / "models" / "dawn")
    expected = tmp_path / "downloads" / "user--model" / REVISION
    assert cache.download_folder("user/model", REVISION) == str(expected)


def test_sources_are_light():
    code = (
        "import sys, audw2s, audw2s.weights.cache, audw2s.weights.sources; "
        "print([m for m in ('huggingface_hub', 'httpx2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n"
