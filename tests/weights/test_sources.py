"""Where published weights are, and where they are kept."""

import os
import subprocess
import sys

import pytest
from loopback import REVISION
from release import ARCHIVE
from release import HUB
from release import sentence_with

from audw2s.model import find
from audw2s.model.hub.download import FetchError
from audw2s.model.hub.fetch import fetch
from audw2s.model.hub.get import download_folder
from audw2s.model.registry import HubSource
from audw2s.model.registry import ZenodoSource


@pytest.mark.parametrize("name", ["model.bin", "code.py", "../model.onnx", "a/b.json"])
def test_only_data_files_are_downloaded(name):
    with pytest.raises(ValueError, match="can't be downloaded"):
        HubSource("user/model", REVISION, (name,))
    with pytest.raises(ValueError, match="can't be downloaded"):
        ZenodoSource("6221127", "model.zip", (name,))


def test_cache_root(monkeypatch, tmp_path):
    monkeypatch.delenv("AUDW2S_CACHE_ROOT", raising=False)
    assert find.cache_root() == os.path.expanduser("~/.cache/audw2s")
    monkeypatch.setenv("AUDW2S_CACHE_ROOT", str(tmp_path))
    assert find.cache_root() == str(tmp_path)
    assert find.model_folder("dawn") == str(tmp_path / "models" / "dawn")
    expected = tmp_path / "downloads" / "user--model" / REVISION
    source = HubSource("user/model", REVISION, ("model.onnx",))
    assert download_folder(source) == str(expected)
    expected = tmp_path / "downloads" / "zenodo--6221127" / "model.zip"
    assert download_folder(ZenodoSource("6221127", "model.zip")) == str(expected)


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "AUDW2S_ZENODO_ENDPOINT"])
def test_servers_without_encryption_are_refused(monkeypatch, server, folder, variable):
    monkeypatch.setenv(variable, "http://models.example")
    source = HUB if variable == "HF_ENDPOINT" else ARCHIVE
    words = "http://models.example is refused", "by https only", variable
    with pytest.raises(FetchError, match=sentence_with(*words)):
        fetch(source, folder)


@pytest.mark.parametrize(
    "address, words",
    [
        ("https://models.example", ("127.0.0.1 redirects to models.example", "only")),
        ("https://evilhf.co", ("127.0.0.1 redirects to evilhf.co", "only")),
        ("http://cdn.hf.co", ("http://cdn.hf.co is refused", "by https only")),
    ],
)
def test_other_stores_than_those_of_the_hub_are_refused(server, folder, address, words):
    server.cdn = address
    with pytest.raises(FetchError, match=sentence_with(*words)):
        fetch(HUB, folder)
    assert os.listdir(folder) == []


def test_another_host_than_zenodo_is_refused(server, folder):
    server.redirects = server.zenodo.replace("127.0.0.1", "localhost")
    words = "127.0.0.1 redirects to localhost", "Zenodo record 6221127", "only"
    with pytest.raises(FetchError, match=sentence_with(*words)):
        fetch(ARCHIVE, folder)
    assert os.path.getsize(os.path.join(folder, "model.zip.part")) == 0


def test_sources_are_imported_without_libraries():
    code = (
        "import sys, audw2s, audw2s.model.find, audw2s.model.registry; "
        "print([m for m in ('huggingface_hub', 'httpx2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n"
