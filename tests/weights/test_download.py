"""Servers and connections that aren't as they should be."""

import os
import socket

import huggingface_hub
import pytest
from release import ARCHIVE
from release import CONFIG
from release import WEIGHTS
from release import ZIP
from release import contents
from release import put
from release import sentence_with
from release import sha256

from audw2s.model.hub import download
from audw2s.model.hub.download import FetchError
from audw2s.model.hub.fetch import fetch


def test_a_broken_connection_resumes(server, folder, source, expected):
    put(folder, {"config.json": CONFIG})
    ending = "/model.zip" if source is ARCHIVE else sha256(WEIGHTS)
    server.cuts = [2_500_000]
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()
    assert [start for start, _ in server.sent(ending)] == [0, 2 * download.CHUNK]


def test_a_download_resumes_in_the_next_call(server, folder, source, expected):
    put(folder, {"config.json": CONFIG})
    server.cuts = [2_500_000, 0]
    error = sentence_with("broke after 2.1 MB of 3.0 MB of model", "to go on")
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)
    assert "model.onnx" not in os.listdir(folder)
    assert "model.safetensors" not in os.listdir(folder)
    server.bodies.clear()
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()
    large = [(start, n) for _, start, n in server.bodies if n > 1000]
    total = len(ZIP) if source is ARCHIVE else len(WEIGHTS)
    assert large == [(2 * download.CHUNK, total - 2 * download.CHUNK)]


def test_server_that_ignores_ranges(server, folder, source, expected):
    put(folder, {"config.json": CONFIG})
    server.cuts, server.ranges = [2_500_000, 0], False
    with pytest.raises(FetchError, match=sentence_with("broke after 2.1 MB")):
        fetch(source, folder)
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()


def test_a_partial_file_that_is_too_long_is_discarded(server, folder, source, expected):
    longer = ZIP + WEIGHTS
    put(folder, {"model.safetensors.part": longer, "model.zip.part": longer})
    fetch(source, folder)
    assert contents(folder).items() >= expected.items()


def test_server_errors_are_retried(server, folder, source, expected):
    server.statuses = [500, 503, 429]
    fetch(source, folder)
    assert contents(folder) == expected


def test_errors_while_downloading_are_retried(server, folder, source, expected):
    server.file_statuses = [503, 500]
    fetch(source, folder)
    assert not server.file_statuses
    assert contents(folder) == expected


def test_lasting_server_errors_are_reported(server, folder, source, expected):
    server.statuses = [503] * 99
    words = source.endpoint, "HTTP 503", "later", "put", source.by_hand, folder
    with pytest.raises(FetchError, match=sentence_with(*words)):
        fetch(source, folder)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_requests_are_reported(server, folder, source, expected, status):
    server.statuses = [status] * 9
    error = sentence_with("refuses", f"HTTP {status}", "HF_TOKEN")
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)


def test_a_silent_server_is_reported(server, folder, source, expected, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", nobody)
        monkeypatch.setenv("AUDW2S_ZENODO_ENDPOINT", nobody)
        words = nobody, "can't be reached", "put", source.by_hand, folder
        with pytest.raises(FetchError, match=sentence_with(*words)):
            fetch(source, folder)
    put(folder, expected)
    assert set(fetch(source, folder)) == set(expected)


def test_offline_is_set(server, folder, source, expected, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    error = sentence_with("HF_HUB_OFFLINE is set", source.by_hand, folder)
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)
    assert not server.requests


def test_login_page(server, folder, source, expected):
    server.login_page = True
    with pytest.raises(FetchError, match=sentence_with("login page", "browser")):
        fetch(source, folder)
    assert not os.listdir(folder)
