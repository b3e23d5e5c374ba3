"""Where published weights are, and where they are kept."""

import os
import subprocess
import sys

import pytest
from loopback import REVISION

from audw2s.model import find
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


def test_sources_are_imported_without_libraries():
    code = (
        "import sys, audw2s, audw2s.model.find, audw2s.model.registry; "
        "print([m for m in ('huggingface_hub', 'httpx2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n"
