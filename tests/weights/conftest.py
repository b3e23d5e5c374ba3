"""A server on this machine that has a release; no other is asked."""

import pytest
import release
from loopback import REVISION


@pytest.fixture
def server(server):
    server.repositories["user/model"] = dict(release.FILES)
    server.records["6221127"] = {"model.zip": release.ZIP, "other.zip": b""}
    return server


@pytest.fixture
def folder(tmp_path) -> str:
    """Where files are fetched to."""
    return str(tmp_path / "cache" / "downloads" / "model" / REVISION)


@pytest.fixture(params=[release.HUB, release.ARCHIVE], ids=["hub", "zenodo"])
def source(request):
    return request.param


@pytest.fixture
def expected(source) -> dict[str, bytes]:
    """What the source has."""
    return release.MEMBERS if source is release.ARCHIVE else release.FILES
