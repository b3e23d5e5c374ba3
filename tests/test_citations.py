"""What is said of sources where models are offered, and who is cited."""

import pathlib

import pytest
import yaml
from typer.testing import CliRunner

import audw2s
from audw2s.commands.app import app

ROOT = pathlib.Path(__file__).parents[1]

NEVER_RUN = ("teacher", "dawn", "odyssey", "wav2small-2.0")


def test_models_that_were_never_run_say_so_where_they_are_offered(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("AUDW2S_CACHE_ROOT", str(tmp_path))
    listed = CliRunner().invoke(app, ["models"]).output
    assert listed.count("never run with its published weights") == len(NEVER_RUN)
    readme = (ROOT / "README.md").read_text()
    models = audw2s.models()
    for name in NEVER_RUN:
        assert "never run" in models.remark[name]
        assert f"`{name}`" in readme
    for name in ("dawn", "odyssey", "wav2small-2.0"):
        with pytest.raises(audw2s.MissingModelError, match="It was never run"):
            audw2s.load(name)
    assert "not audeering/wav2small" in models.remark["wav2small"]


def test_all_sources_are_cited_with_authors_and_identifiers():
    references = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    identifiers = {
        entry["identifiers"][0]["value"].removeprefix("arXiv:")
        for entry in references
        if "identifiers" in entry
    }
    assert {"2408.13920", "2210.14636", "10.21437/odyssey.2024-35"} <= identifiers
    names = {
        author.get("family-names")
        for entry in references
        for author in entry["authors"]
    }
    assert {"Wagner", "Goncalves", "Hjuler", "Buhl", "Panayotov", "Ren"} <= names
    for entry in references:
        assert entry["title"] and entry["year"]
        assert {"identifiers", "url"} & set(entry)
        assert not any("others" in str(author) for author in entry["authors"])
    readme = (ROOT / "README.md").read_text()
    for value in ("2210.14636", "2203.07378", "odyssey.2024-35", "2508.14548"):
        assert value in readme
