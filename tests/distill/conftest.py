"""A fabricated corpus, and a teacher with random weights."""

import dataclasses
import functools
import os

import numpy as np
import pandas as pd
import pytest
import torch
from encoders import write_encoder
from fabricated import make_corpus
from fabricated import voices
from fabricated import with_weights
from layouts import make_iemocap
from layouts import make_msp
from torch.onnx._internal.exporter._registration import ONNXRegistry

from audw2s.distill.config import Config
from audw2s.distill.export import student_to_onnx
from audw2s.distill.imitation import fit_projections
from audw2s.distill.students import STUDENTS
from audw2s.model.store import save

SHARED = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data"
)


@pytest.fixture(scope="session", autouse=True)
def operators():
    """Let exports share the table of operators: to make it is a quarter of them."""
    shared = functools.cache(ONNXRegistry.from_torchlib)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(shared))
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """24 clips of 6 speakers."""
    return make_corpus(str(tmp_path_factory.mktemp("corpus")), 6, 4)


@pytest.fixture(scope="session")
def student():
    """A student with random weights, and statistics of voices."""
    torch.manual_seed(0)
    network = STUDENTS["wav2small"]().train()
    with torch.no_grad():
        for seed in range(10):
            network(torch.from_numpy(voices(seed)))
    return network.eval()


@pytest.fixture(scope="session")
def student_onnx(student):
    """Its ONNX form; don't change it."""
    return student_to_onnx(student)


@pytest.fixture(scope="session")
def teacher(tmp_path_factory, student, student_onnx):
    """A model folder of it, called toy, whose values spread as those of speech."""
    with torch.inference_mode():
        hidden_states = student(torch.from_numpy(voices(0)))[0].numpy()
    weight = student.adv.weight.detach().numpy()
    weight = weight * 0.2 / (hidden_states @ weight.T).std(axis=0)[:, None]
    bias = 0.5 - (hidden_states @ weight.T).mean(axis=0)
    model = with_weights(student_onnx, {"adv.weight": weight, "adv.bias": bias})
    folder = str(tmp_path_factory.mktemp("models") / "toy")
    save(model, folder, {"name": "toy", "max_dur": "60"})
    return folder


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    """Folder of a published encoder of three layers with random weights."""
    folder = str(tmp_path_factory.mktemp("encoder"))
    write_encoder(folder)
    return folder


@pytest.fixture(scope="session")
def emotions(tmp_path_factory):
    """24 clips of 6 speakers, of three classes that differ in pitch."""
    path = make_corpus(str(tmp_path_factory.mktemp("emotions")), 6, 4)
    table = pd.read_csv(path, dtype={"speaker": str})
    names = ["anger", "neutral", "sadness"]
    table["emotion"] = [names[k % 3] for k in np.arange(24) // 6 + np.arange(24)]
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def shared():
    """Folder of real data, which only developers have."""
    if not os.path.isdir(SHARED):
        pytest.skip("the real data of ../shared/data isn't here")
    return SHARED


@pytest.fixture
def config(corpus, teacher, tmp_path):
    """A training of a few steps, of all kinds of crops."""
    noise = make_corpus(str(tmp_path / "noise"), 1, 2, seed=9)
    return Config(
        {corpus: 1.0},
        teacher=teacher,
        noise=(noise,),
        steps=6,
        batch_size=4,
        crop_dur=(0.2, 0.3),
        prosody=0.3,
        paused=0.3,
        spliced=0.3,
        reverb=0.3,
        equalised=0.3,
        band_limited=0.3,
        loudness=0.3,
        warmup=2,
        eval_every=2,
        ema=0.9,
    )


@pytest.fixture
def msp(tmp_path, clips):
    return make_msp(tmp_path / "MSP-PODCAST-Publish-1.11", clips)


@pytest.fixture
def iemocap(tmp_path, clips):
    return make_iemocap(tmp_path / "IEMOCAP_full_release", clips)


@pytest.fixture
def imitating(config, corpus, teacher, tmp_path):
    """A training that imitates scores: six speakers, nine ratings, four components."""
    path = str(tmp_path / "projections.safetensors")
    fit_projections(teacher, [corpus], path, by="speaker", num_components=4)
    return dataclasses.replace(config, imitation=path, channel=True)
