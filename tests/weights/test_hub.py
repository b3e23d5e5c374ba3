"""What only the hub does."""

import os

import pytest
from loopback import REVISION
from release import HUB
from release import sentence_with

from audw2s.model.hub.download import FetchError
from audw2s.model.hub.fetch import fetch
from audw2s.model.registry import HubSource


def test_the_token_is_sent_to_the_hub_only(server, folder):
    fetch(HUB, folder)
    for _, path, token in server.requests:
        assert token is not path.startswith("/cdn/")


def test_small_files_are_verified_too(server, folder):
    server.damage = True
    source = HubSource("user/model", REVISION, ("config.json",))
    error = sentence_with("config.json came with git checksum")
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)
    assert not os.listdir(folder)


@pytest.mark.parametrize("status", [401, 403])
def test_gated(server, folder, status):
    server.gated["user/model"] = status
    error = sentence_with("only for those whom its owners let in", "HF_TOKEN")
    with pytest.raises(FetchError, match=error):
        fetch(HUB, folder)


def test_no_repository(server, folder):
    source = HubSource("user/other", REVISION, ("config.json",))
    error = sentence_with("no public repository", "user/other", source.by_hand)
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)


def test_no_revision(server, folder):
    source = HubSource("user/model", "f" * 40, ("config.json",))
    error = sentence_with("doesn't have this revision", "user/model", "f" * 40)
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)


def test_no_file(server, folder):
    source = HubSource("user/model", REVISION, ("config.json", "other.safetensors"))
    error = sentence_with("/other.safetensors", "user/model", "lacks this file")
    with pytest.raises(FetchError, match=error):
        fetch(source, folder)
