"""Archives on Zenodo, and what is taken out of them."""

import os
import shutil
import types
import zipfile

import pytest
from release import ARCHIVE
from release import CARD
from release import MEMBERS
from release import WEIGHTS
from release import ZIP
from release import contents
from release import put
from release import sentence_with
from release import sha256
from release import zipped

from audw2s.model.hub import fetch as fetch_module
from audw2s.model.hub.download import FetchError
from audw2s.model.hub.fetch import fetch
from audw2s.model.registry import ZenodoSource


def test_no_token_is_sent_to_zenodo(server, folder):
    fetch(ARCHIVE, folder)
    assert not any(token for _, _, token in server.requests)


def test_no_record(server, folder):
    source = ZenodoSource("1", "model.zip")
    error = sentence_with("has no model.zip (Zenodo record 1)", "HTTP 404")
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)


def test_no_archive_in_the_record(server, folder):
    source = ZenodoSource("6221127", "missing.zip")
    error = sentence_with("6221127 has no missing.zip (found: model.zip, other.zip)")
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)


def test_only_the_named_members_are_unpacked(server, folder, tmp_path):
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


@pytest.mark.parametrize("members, words", BAD.values(), ids=BAD)
def test_bad_archive(server, folder, members, words):
    server.records["6221127"]["model.zip"] = zipped(members)
    with pytest.raises(FetchError, match=sentence_with(words, "has changed")):
        fetch(ARCHIVE, folder)
    assert not os.listdir(folder)


def encrypted(archive: bytes) -> bytes:
    """Set the flag of encryption in the directory of an archive."""
    entry = b"PK\x01\x02\x14\x03\x14\x00"
    return archive.replace(entry + b"\x00", entry + b"\x01")


@pytest.mark.parametrize(
    "archive",
    [
        b"<html>",
        ZIP[:-100],
        ZIP.replace(
            b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
        ),
    ],
    ids=["html", "cut", "encrypted"],
)
def test_archive_that_cannot_be_read(server, folder, archive):
    server.records["6221127"]["model.zip"] = archive
    error = sentence_with("no zip archive that can be read", "again")
    with pytest.raises(FetchError, match=error):
        fetch(ARCHIVE, folder)
    assert not os.listdir(folder)


def test_damage_within_an_archive_put_by_hand(server, folder):
    stored = zipped(MEMBERS, zipfile.ZIP_STORED)
    damaged = stored.replace(WEIGHTS[500:600], WEIGHTS[501:601])
    put(folder, {"model.zip": damaged})
    error = sentence_with("no zip archive that can be read", "Bad CRC")
    with pytest.raises(FetchError, match=error):
        fetch(ARCHIVE, folder)
    assert os.listdir(folder) == ["model.zip"]


def test_large_members(server, folder, monkeypatch):
    monkeypatch.setattr(fetch_module, "LARGEST", 2_000_000)
    error = sentence_with("has 3.0 MB, expected at most 2.0 MB")
    with pytest.raises(FetchError, match=error):
        fetch(ARCHIVE, folder)
    assert not os.listdir(folder)


def test_a_full_disk_while_unpacking_is_reported(server, folder, monkeypatch):
    frees = iter([9_000_000, 1_000_000])
    usage = types.SimpleNamespace
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free=next(frees)))
    with pytest.raises(FetchError, match=sentence_with("no room", "1.0 MB are free")):
        fetch(ARCHIVE, folder)
    # The download needn't be repeated
    assert os.listdir(folder) == ["model.zip.part"]


def test_archive_put_by_hand(server, folder):
    put(folder, {"model.zip": ZIP})
    assert fetch(ARCHIVE, folder)["model.onnx"] == sha256(WEIGHTS)
    assert contents(folder) == {"model.zip": ZIP, **MEMBERS}
    assert not server.requests
