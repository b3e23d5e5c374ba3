"""The paper's study on DEMoS, whole, with made-up clips and a random encoder."""

import itertools
import pathlib

import pandas as pd
import pytest
import soundfile
from encoders import write_encoder
from fabricated import voice
from full import full
from typer.testing import CliRunner

from audw2s.commands.app import app
from audw2s.corpus.lists.demos import EMOTIONS
from audw2s.distill.exits.results import collect

SETTINGS = pathlib.Path(__file__).parents[2] / "examples" / "exits_demos.toml"

SMALLER = {
    "epochs = 20": "epochs = 1",
    "samples = 95744": "samples = 8001",
    '["l1", "l2", "cosine", "l1+cosine", "l2+cosine"]': '["l2+cosine"]',
    ', "vgg-16", "resnet-50", "vgg-16-adversarial"]': "]",
    "batch_size = 16": "batch_size = 8",
}
"""What would take too long in a test."""


@pytest.fixture
def demos(tmp_path):
    """Two speakers of each gender, one clip of each class, the neutral one beside."""
    speakers = [f"{gender}_0{number}" for gender in "fm" for number in (1, 2, 3)]
    for number, (speaker, name) in enumerate(itertools.product(speakers, EMOTIONS)):
        folder = tmp_path / "DEMoS" / ("NEU" if name == "neu" else "DEMOS")
        folder.mkdir(parents=True, exist_ok=True)
        kind = "NEU" if name == "neu" else "PR"
        path = folder / f"{kind}_{speaker}_{name}01.wav"
        soundfile.write(path, voice(number, 0.5), 16000)
    return str(tmp_path / "DEMoS")


@full
def test_the_study_of_the_paper_runs_whole(demos, tmp_path):
    write_encoder(tmp_path / "encoder", num_hidden_layers=12)
    text = SETTINGS.read_text()
    for before, after in SMALLER.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    (tmp_path / "demos.toml").write_text(text)
    out = str(tmp_path / "out")
    command = ["distill", "exits", "train", str(tmp_path / "demos.toml"), "--quiet"]
    command += ["--backbone", str(tmp_path / "encoder"), "--corpus", f"demos={demos}"]
    done = CliRunner().invoke(app, [*command, "--out", out])
    assert done.exit_code == 0, done.output
    methods = collect(out)["demos"]["methods"]
    assert set(methods) == {
        *(f"distilled-{block}-l2+cosine" for block in ("cnn", "lstm", "gru")),
        *("plain-3", "plain-8", "plain-10", "plain-deepest"),
        *(f"layerwise-{block}" for block in ("cnn", "lstm", "gru")),
        "cnn-4",
    }
    result = methods["distilled-lstm-l2+cosine"]
    assert list(result["exits"]) == ["3", "8", "10", "12", "fusion"]
    assert len(result["labels"]) == 7 and "neutral" not in result["labels"]
    # Beside ours stands the paper's row of Table 1
    row = (
        "| distilled-lstm-l2+cosine (paper) | 83.3 / 84.7 | 91.1 / 91.4 | 91.7 / 91.2 |"
    )
    assert f"{row} 91.8 / 91.4 | 90.1 / 90.9 |" in done.output
    predictions = pd.read_parquet(
        f"{out}/demos/distilled-lstm-l2+cosine-seed0/test.parquet"
    )
    assert set(predictions["exit"]) == {3, 8, 10, 12}
