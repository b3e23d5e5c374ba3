"""Folders for repositories of the Hugging Face hub: metadata, model and card."""

import json
import os
import re
import subprocess
import sys

import audonnx
import huggingface_hub
import numpy as np
import pytest
from commands import invoke

import audw2s
from audw2s.export.hub import FILES
from audw2s.export.hub import write
from audw2s.model.find import sha256
from audw2s.model.registry import CATALOGUE

NAME = "wav2small"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Repository of the packaged student; don't change it."""
    path = str(tmp_path_factory.mktemp("hub") / NAME)
    assert sorted(write(NAME, path)) == sorted(os.listdir(path)) == sorted(FILES)
    return path


@pytest.fixture(scope="module")
def card(folder):
    return huggingface_hub.ModelCard.load(os.path.join(folder, "README.md"))


def content(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def test_metadata_are_those_that_the_library_reads(folder, card):
    data = card.data
    assert (data.license, data.library_name) == ("cc-by-4.0", "audw2s")
    assert {"onnx", "speech", "arousal"} <= set(data.tags)
    assert data.datasets == list(CATALOGUE[NAME].corpora)
    assert data.model_name == NAME
    figures = {
        (result.dataset_type, result.dataset_config, result.metric_name): (
            result.metric_value
        )
        for result in data.eval_results
    }
    measured = {
        (corpus, f"against {evaluation['against']}", f"CCC of {name}"): round(
            result[name]["ccc"], 4
        )
        for evaluation in content(folder, "evaluation.json")
        for corpus, result in evaluation["corpora"].items()
        for name in audw2s.DIMENSIONS
    }
    assert figures == measured
    assert len(figures) == 6


def test_the_model_is_the_packaged_one(folder, speech):
    config = content(folder, "config.json")
    assert config["model_type"] == "wav2small"
    assert sha256(os.path.join(folder, "model.onnx")) == CATALOGUE[NAME].sha256
    assert config["sha256"] == CATALOGUE[NAME].sha256
    model = audonnx.load(folder)
    assert model.labels("logits") == list(audw2s.DIMENSIONS)
    np.testing.assert_array_equal(
        model(speech[None], 16000)["logits"],
        audw2s.load(NAME)(speech[None], 16000)["logits"],
    )


def test_the_card_has_the_packaged_one_and_no_link_that_ends_nowhere(card):
    assert "Kounadis-Bastian" in card.text
    assert not re.search(r"\]\((?!https?:)", card.text)


def test_the_snippet_runs(server, folder, card, clips, tmp_path):
    server.repositories[f"user/{NAME}"] = {
        name: (open(os.path.join(folder, name), "rb").read()) for name in FILES
    }
    (snippet,) = re.findall(r"```python\n(.*?)```", card.text, re.DOTALL)
    code = snippet.replace("USER", "user").replace("speech.wav", clips[0])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    value = audw2s.Feature(NAME).process_file(clips[0])["arousal"].iloc[0]
    assert f"{value:.6f}" in done.stdout


def test_other_models_are_refused(tmp_path):
    for model, words in {
        "dawn": "is published already: https://zenodo.org",
        "mean(wav2small, whisper-tiny-adv)": "has several files",
    }.items():
        failed = invoke("export", model, tmp_path / "out", "--to", "hub")
        assert failed.exit_code == 2
        assert words in failed.stderr
    assert not os.path.exists(tmp_path / "out")
