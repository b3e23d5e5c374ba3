"""Mean and standard deviation over models of one name."""

import math
import pathlib

import numpy as np
import onnx
import pandas as pd
import pytest
from fabricated import with_weights

from audw2s.distill.compare import compare
from audw2s.distill.compare import to_markdown
from audw2s.evaluation import cost
from audw2s.model.find import model_path
from audw2s.model.registry import DIMENSIONS

SPEECH = pathlib.Path(__file__).parents[2] / "examples" / "speech"


def test_models_of_one_name_have_a_mean(tmp_path, monkeypatch):
    """Seeds of a training: the same network, with another head."""
    # Measured in a process of each model, which others test
    monkeypatch.setattr(cost, "peak_ram", lambda model: 1)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"file": sorted(map(str, SPEECH.iterdir()))})
    for name in DIMENSIONS:
        table[name] = rng.random(len(table))
    rated = str(tmp_path / "rated.csv")
    table.to_csv(rated, index=False)
    network = onnx.load(model_path("wav2small"))
    (head,) = [v for v in network.graph.initializer if v.name == "adv.weight"]
    weight = onnx.numpy_helper.to_array(head)
    models = ["whisper-tiny-adv", "wav2small"]
    for scale in (0.5, 1.5):
        changed = with_weights(network, {"adv.weight": scale * weight})
        (tmp_path / str(scale)).mkdir()
        onnx.save(changed, tmp_path / str(scale) / "model.onnx")
        models.append(str(tmp_path / str(scale)))
    actual = compare(models, [rated], scale=(0, 1), num_rounds=1, verbose=False)
    (entry,) = actual["spread"]
    assert (entry["model"], entry["num_models"]) == ("wav2small", 3)
    for name in DIMENSIONS:
        cccs = [
            model["evaluation"]["corpora"]["rated"][name]["ccc"]
            for model in actual["models"][1:]
        ]
        assert len(set(cccs)) == 3
        assert entry[name]["mean"] == pytest.approx(sum(cccs) / 3)
        squares = [(ccc - sum(cccs) / 3) ** 2 for ccc in cccs]
        assert entry[name]["std"] == pytest.approx(math.sqrt(sum(squares) / 2))
    text = f"{entry['arousal']['mean']:.3f} ± {entry['arousal']['std']:.3f}"
    assert f"| wav2small | 3 | rated | {text} |" in to_markdown(actual)
