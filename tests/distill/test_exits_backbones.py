"""Encoders layer by layer, against transformers; published folders and the hub."""

import json
import os

import numpy as np
import pytest
import torch
from encoders import PRETRAINING
from encoders import SAMPLES
from encoders import SETTINGS
from encoders import random_backbone
from encoders import random_model
from encoders import write_encoder
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from safetensors.torch import save_file
from transformers import Wav2Vec2Config
from transformers import Wav2Vec2ForPreTraining
from typer.testing import CliRunner

from audw2s.commands.app import app
from audw2s.distill.exits import backbones
from audw2s.distill.exits.backbones import fit
from audw2s.distill.exits.backbones import make_backbone
from audw2s.distill.exits.backbones import take_apart
from audw2s.distill.exits.layerwise import hidden_states
from audw2s.distill.exits.model import ExitNetwork
from audw2s.distill.exits.published import get_encoder
from audw2s.distill.exits.published import load_backbone
from audw2s.distill.export import num_parameters
from audw2s.model.hub.download import FetchError

SIGNAL = torch.randn(2, SAMPLES, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", SETTINGS)
def test_layers_are_those_of_transformers(name):
    model = random_model(name)
    # Whisper of transformers takes 30 s and nothing else
    samples = 480_000 if name == "whisper" else SAMPLES
    backbone = take_apart(model, samples).eval()
    with torch.inference_mode():
        inputs = backbone.front(SIGNAL)
        expected = model(inputs, output_hidden_states=True)
        actual = hidden_states(backbone, inputs, [1, 2, 3])
    for number in (1, 2):
        torch.testing.assert_close(actual[number], expected.hidden_states[number])
    torch.testing.assert_close(actual[3], expected.last_hidden_state)


def test_whisper_processes_short_clips():
    backbone = random_backbone("whisper")
    with torch.inference_mode():
        inputs = backbone.front(SIGNAL[:, :100])
        assert inputs.shape == (2, 80, 50)
        assert backbone.embed(inputs).shape == (2, 25, 16)
    with pytest.raises(ValueError, match="30 s at most"):
        random_backbone("whisper", 480_001)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_cut_encoder_is_the_start_of_the_whole_one(name):
    backbone = random_backbone(name)
    short = backbone.cut(2)
    assert len(short.layers) == 2 and len(backbone.layers) == 3
    assert not {*short.parameters()} & {*backbone.parameters()}
    with torch.inference_mode():
        inputs = backbone.front(SIGNAL)
        whole = hidden_states(backbone, inputs, [1, 2])
        for number, values in hidden_states(short, inputs, [1, 2]).items():
            assert torch.equal(values, whole[number])
    with pytest.raises(ValueError, match="1 to 3, got 4"):
        backbone.cut(4)


def test_frozen_layers_have_no_gradient():
    backbone = random_backbone("wavlm")
    backbone.freeze(0)
    assert all(p.requires_grad for p in backbone.parameters())
    backbone.freeze(2)
    learnt = {
        n.split(".")[1] for n, p in backbone.named_parameters() if p.requires_grad
    }
    assert learnt == {"2"}


def test_nothing_is_masked_or_left_out_in_training():
    dropped = ("attention", "hidden", "activation", "feat_proj")
    settings = {**SETTINGS["wav2vec2"], "mask_time_prob": 0.5, "layerdrop": 0.5}
    settings |= {f"{name}_dropout": 0.0 for name in dropped}
    backbone = make_backbone(settings, SAMPLES).train()
    inputs = backbone.front(SIGNAL)
    one, other = (hidden_states(backbone, inputs, [2])[2] for _ in range(2))
    assert torch.equal(one, other)


def test_parameters_are_those_of_the_published_encoder_and_the_exits():
    with torch.device("meta"):
        published = Wav2Vec2ForPreTraining(Wav2Vec2Config())
        backbone = make_backbone(Wav2Vec2Config().to_dict())
        network = ExitNetwork(backbone, (3, 8, 10), 7, "lstm")
        plain = ExitNetwork(make_backbone(Wav2Vec2Config().to_dict()), (), 7)
    inner = num_parameters(published.wav2vec2)
    assert num_parameters(published) - inner == PRETRAINING
    assert network.num_parameters(3) == 35_505_031
    assert plain.num_parameters(12) == inner - 768 + 198_663


@pytest.mark.parametrize("pretraining", [True, False])
def test_a_published_folder_is_read(tmp_path, pretraining):
    model = write_encoder(tmp_path / "encoder", pretraining=pretraining)
    backbone = load_backbone(str(tmp_path / "encoder"), SAMPLES).eval()
    with torch.inference_mode():
        inputs = backbone.front(SIGNAL)
        actual = hidden_states(backbone, inputs, [3])[3]
        torch.testing.assert_close(actual, model(inputs).last_hidden_state)


def change(folder, edit):
    path = os.path.join(folder, "model.safetensors")
    weights = load_file(path)
    edit(weights)
    save_file(weights, path)


@pytest.mark.parametrize(
    "edit, error",
    [
        (lambda w: w.pop("wav2vec2.encoder.layer_norm.bias"), "1 missing"),
        (lambda w: w.update({"wav2vec2.more": torch.zeros(1)}), "1 unknown"),
        (
            lambda w: w.update({"wav2vec2.encoder.layer_norm.bias": torch.zeros(3)}),
            "1 wrong",
        ),
    ],
)
def test_weights_that_do_not_fit_are_an_error(tmp_path, edit, error):
    write_encoder(tmp_path)
    change(tmp_path, edit)
    with pytest.raises(ValueError, match=error):
        load_backbone(str(tmp_path))


def test_folders_of_other_models_are_errors(tmp_path):
    write_encoder(tmp_path / "rate", rate=8000)
    with pytest.raises(ValueError, match="8000 Hz, not 16000"):
        load_backbone(str(tmp_path / "rate"))
    write_encoder(tmp_path / "bert")
    (tmp_path / "bert" / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ValueError, match="'model_type' is one of wav2vec2.*'bert'"):
        load_backbone(str(tmp_path / "bert"))
    write_encoder(tmp_path / "pickle")
    os.rename(
        tmp_path / "pickle" / "model.safetensors",
        tmp_path / "pickle" / "pytorch_model.bin",
    )
    with pytest.raises(ValueError, match="Pickles can run any code"):
        load_backbone(str(tmp_path / "pickle"))
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="no encoder of Whisper"):
        load_backbone(str(tmp_path / "a.safetensors"))


def test_the_published_encoder_of_whisper_is_read(shared):
    path = os.path.join(shared, "weights", "whisper-tiny.en-encoder.safetensors")
    backbone = load_backbone(path)
    assert (len(backbone.layers), backbone.width) == (4, 384)


def test_an_encoder_is_downloaded_from_the_hub_once(server, tmp_path):
    model = write_encoder(tmp_path / "published")
    files = {
        path.name: path.read_bytes() for path in (tmp_path / "published").iterdir()
    }
    server.repositories["facebook/wav2vec2-base"] = {
        **files,
        "pytorch_model.bin": b"code",
        "modeling.py": b"code",
    }
    folder = str(tmp_path / "got")
    command = ["distill", "exits", "get", "facebook/wav2vec2-base", "--out", folder]
    done = CliRunner().invoke(app, [*command, "--quiet"])
    assert done.exit_code == 0, done.output
    assert "3 layers of width 16" in done.output
    assert sorted(os.listdir(folder)) == sorted(files)
    backbone = load_backbone(folder, SAMPLES).eval()
    with torch.inference_mode():
        inputs = backbone.front(SIGNAL)
        actual = hidden_states(backbone, inputs, [3])[3]
        torch.testing.assert_close(actual, model(inputs).last_hidden_state)
    asked = len(server.requests)
    get_encoder("facebook/wav2vec2-base", folder, verbose=False)
    assert len(server.requests) == asked
    with pytest.raises(FetchError, match="no public repository"):
        get_encoder("facebook/other", str(tmp_path / "other"), verbose=False)


@given(st.integers(1, 50), st.integers(1, 50))
def test_clips_are_tiled_or_cut(length, samples):
    signal = np.arange(length, dtype=np.float32)
    expected = np.tile(signal, samples // length + 1)[:samples]
    clip = fit(torch.from_numpy(signal[None]), samples)
    assert np.array_equal(clip[0].numpy(), expected)


def test_clips_have_the_length_of_the_paper():
    assert backbones.SAMPLES / 16000 == 5.984
