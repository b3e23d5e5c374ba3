"""Getting models: from a server that has them as they were published, to values."""

import copy
import dataclasses
import functools
import io
import os
import pathlib
import re
import shutil
import sys
import types
import zipfile

import numpy as np
import onnx
import published
import pytest
import torch
from commands import invoke
from full import full
from loopback import CARD
from loopback import REVISION
from published import network_of
from safetensors.torch import load_file
from safetensors.torch import save
from typer.testing import CliRunner

import audw2s
from audw2s.commands.app import app
from audw2s.corpus.batching import open_batches
from audw2s.distill import convert
from audw2s.distill.export import to_onnx
from audw2s.distill.teachers.dawn import Dawn
from audw2s.inference.network import Network
from audw2s.model import registry as catalogue
from audw2s.model.find import PROVENANCE
from audw2s.model.find import is_installed
from audw2s.model.find import model_folder
from audw2s.model.find import read_provenance
from audw2s.model.folder import CorruptModelError
from audw2s.model.hub import verify
from audw2s.model.hub.download import FetchError
from audw2s.model.hub.get import LicenceError
from audw2s.model.hub.get import download_folder
from audw2s.model.hub.get import get
from audw2s.model.registry import HubSource

SPEECH = pathlib.Path(__file__).parents[2] / "examples" / "speech"

VERIFIED = {
    "dawn": r"values of zeros are as published to \de-0[5-9]",
    "wav2small-2.0": r"values of tone are as published to \de-0[5-9]",
}
"""What getting a model from the hub says at the end."""

LENGTHS = (64, 399, 400, 401, 8001, 24681)


def repository(name):
    (source,) = [
        weights
        for weights in catalogue.CATALOGUE[name].weights
        if isinstance(weights, HubSource)
    ]
    return source.repository


def read(folder):
    files = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            files[name] = file.read()
    return files


@pytest.fixture(scope="module", autouse=True)
def exported_once():
    """The same weights are exported once: it takes seconds, and several tests do so."""
    made = {}

    def export(network, **options):
        values = [value.numpy().tobytes() for value in network.state_dict().values()]
        key = type(network), hash(tuple(values)), *options.items()
        if key not in made:
            made[key] = to_onnx(network, **options)
        return copy.deepcopy(made[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convert, "to_onnx", export)
        yield


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder of small networks in the published layouts; don't change it."""
    root = tmp_path_factory.mktemp("written")
    for name, write in published.WRITE.items():
        write(str(root / name))
    return root


@pytest.fixture(scope="module")
def outputs(written):
    """What publishers of these networks would give, computed with torch."""
    raw = network_of("dawn", written / "dawn")
    raw.normalise = torch.nn.Identity()
    networks = {
        "zeros": ("dawn", network_of("dawn", written / "dawn")),
        "noise": ("dawn", raw),
        "tone": (
            "wav2small-2.0",
            network_of("wav2small-2.0", written / "wav2small-2.0"),
        ),
    }
    given = copy.deepcopy(verify.published())
    for signal, (name, network) in networks.items():
        with torch.inference_mode():
            values = network(torch.from_numpy(verify.signal_of(signal)))[1]
        given[name]["outputs"][signal] = values[0].tolist()
    return given


@pytest.fixture
def hub(server, written, outputs, monkeypatch):
    """Server that has these networks, at a known commit, and their outputs."""
    monkeypatch.setattr(verify, "published", lambda: copy.deepcopy(outputs))
    entries = dict(catalogue.CATALOGUE)
    for name in published.WRITE:
        server.repositories[repository(name)] = read(written / name)
        weights = tuple(
            dataclasses.replace(source, revision=REVISION)
            if isinstance(source, HubSource)
            else source
            for source in entries[name].weights
        )
        entries[name] = dataclasses.replace(entries[name], weights=weights)
    for name, entry in entries.items():
        monkeypatch.setitem(catalogue.CATALOGUE, name, entry)
    return server


def assert_values_are_those_of(network, model):
    rng = np.random.default_rng(0)
    for length in LENGTHS:
        signal = (0.1 * rng.standard_normal((1, length))).astype(np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(signal))[1].numpy()
        actual = model(signal, 16000)["logits"]
        np.testing.assert_allclose(actual, expected, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    # Of others, parts are tested: the papers' teacher, and the network of Whisper base
    [
        pytest.param(name, marks=() if name == "wav2small-2.0" else full)
        for name in published.WRITE
    ],
)
def test_a_model_is_downloaded_from_the_hub_and_converted(hub, written, name):
    assert not is_installed(name)
    with pytest.raises(audw2s.MissingModelError, match=f"audw2s get {name}"):
        audw2s.load(name)
    verified = get(name, source="hub", accept_licence=True, verbose=False)
    assert re.fullmatch(rf"{name}: {VERIFIED.get(name, 'no outputs .*')}\.", verified)
    assert is_installed(name)
    network = network_of(name, written / name)
    assert_values_are_those_of(network, audw2s.load(name))
    assert open_batches(Network(name)) is not None
    facts = read_provenance(catalogue.CATALOGUE[name])
    assert facts["source"]["repository"] == repository(name)
    assert facts["source"]["revision"] == REVISION
    assert set(facts["files"]) == set(read(written / name))
    assert audw2s.Feature(name).provenance["sha256"] == facts["sha256"]
    asked = len(hub.requests)
    get(name, accept_licence=True, verbose=False)
    assert len(hub.requests) == asked


def test_the_papers_teacher_is_the_mean_of_two(
    hub, written, clips, tmp_path, monkeypatch
):
    """As the commands on the page of models get it, and use it."""
    zenodo = archive(raw_dawn(written / "dawn"))
    hub.records["6221127"] = {"w2v2-L-robust-12.6bc4a7fd-1.1.0.zip": zenodo}
    with pytest.raises(LicenceError, match="'dawn' is CC BY-NC-SA 4.0.*accept"):
        get("teacher", verbose=False)
    assert not hub.requests
    shutil.copytree(SPEECH, tmp_path / "recordings")
    monkeypatch.chdir(tmp_path)
    page = (SPEECH.parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
    lines = re.findall(r"^audw2s (.*?)(?:  +#.*)?$", page, re.M)
    assert [line.split()[0] for line in lines] == ["get", "predict", "export"]
    for line in lines:
        result = invoke(*line.split())
        assert result.exit_code == 0, result.output
    assert is_installed("teacher")
    parts = [audw2s.Feature(name).process_files(clips) for name in ("dawn", "odyssey")]
    table = audw2s.Feature("teacher").process_files(clips)
    np.testing.assert_allclose(table, (parts[0] + parts[1]) / 2, atol=1e-5)
    assert audw2s.models().loc["teacher", "installed"]
    assert audw2s.load("teacher").sess.get_modelmeta().custom_metadata_map == {
        "name": "teacher",
        "max_dur": "12",
    }


class Raw(torch.nn.Module):
    """What audEERING exported: the network without the normalisation before it."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.network.normalise = torch.nn.Identity()

    def forward(self, signal):
        return self.network(signal)


@functools.cache
def raw_dawn(folder):
    return to_onnx(Raw(Dawn.from_folder(str(folder))))


def archive(model, card=CARD):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("model.onnx", model.SerializeToString())
        packed.writestr("model.yaml", card)
    return file.getvalue()


def test_a_model_is_downloaded_from_zenodo_without_torch(hub, written, monkeypatch):
    zenodo = archive(raw_dawn(written / "dawn"))
    hub.records["6221127"] = {"w2v2-L-robust-12.6bc4a7fd-1.1.0.zip": zenodo}
    monkeypatch.setitem(sys.modules, "audw2s.distill.convert", None)
    verified = get("dawn", accept_licence=True, verbose=False)
    pattern = r"dawn: values of zeros and noise are as published to \de-0[5-9]\."
    assert re.fullmatch(pattern, verified)
    network = network_of("dawn", written / "dawn")
    assert_values_are_those_of(network, audw2s.load("dawn"))
    assert read_provenance(catalogue.CATALOGUE["dawn"])["source"]["record"] == "6221127"


def test_a_model_is_converted_from_a_folder(hub, written, tmp_path):
    name = "wav2small-2.0"
    get(name, source=str(written / name), accept_licence=True, verbose=False)
    assert not hub.requests
    assert is_installed(name)
    (tmp_path / "dawn").mkdir()
    shutil.copy(written / "dawn" / "model.safetensors", tmp_path / "dawn")
    with pytest.raises(ValueError, match="'dawn' can be had from zenodo, hub, or from"):
        get("dawn", source=str(tmp_path / "dawn"), accept_licence=True, verbose=False)
    with pytest.raises(ValueError, match="made of several"):
        get("teacher", source=str(tmp_path), accept_licence=True, verbose=False)


def change(server, name, written, edit):
    weights = load_file(written / name / "model.safetensors")
    edit(weights)
    server.repositories[repository(name)]["model.safetensors"] = save(weights)


def rename(weights):
    weights["ser_model.fc.0.0.wait"] = weights.pop("ser_model.fc.0.0.weight")


def lose(weights):
    del weights["ser_model.out.0.bias"]


def reshape(weights):
    weights["pool_model.attention"] = weights["pool_model.attention"].flatten()


def test_each_fault_has_another_message(hub, written, monkeypatch):
    name, sentences = "odyssey", []

    def fails(kind, *words):
        with pytest.raises(kind) as caught:
            get(name, verbose=False)
        sentence = str(caught.value)
        assert all(word in sentence for word in words), sentence
        assert not is_installed(name)
        with pytest.raises(audw2s.MissingModelError):
            audw2s.Feature(name)
        sentences.append(sentence)
        shutil.rmtree(os.environ["AUDW2S_CACHE_ROOT"], ignore_errors=True)
        original = read(written / name)
        hub.repositories[repository(name)] = original

    change(hub, name, written, rename)
    fails(ValueError, "ser_model.fc.0.0.wait", "unknown", "ser_model.fc.0.0.weight")
    change(hub, name, written, lose)
    fails(ValueError, "1 missing (ser_model.out.0.bias)")
    change(hub, name, written, reshape)
    fails(ValueError, "pool_model.attention is float32 (16,), not float32 (16, 1)")
    hub.damage = True
    fails(FetchError, "damaged on its way")
    hub.damage = False
    hub.cuts = [1000] * 9
    fails(FetchError, "broke after", "go on from there")
    hub.cuts = []
    with monkeypatch.context() as patch:
        free = types.SimpleNamespace(total=1, used=1, free=10)
        patch.setattr(shutil, "disk_usage", lambda path: free)
        fails(FetchError, "no room in", "AUDW2S_CACHE_ROOT")
    entry = catalogue.CATALOGUE[name]
    with monkeypatch.context() as patch:
        weights = (dataclasses.replace(entry.weights[0], revision="f" * 40),)
        changed = dataclasses.replace(entry, weights=weights)
        patch.setitem(catalogue.CATALOGUE, name, changed)
        fails(FetchError, "doesn't have this revision")
    with monkeypatch.context() as patch:
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        fails(FetchError, "can't be reached", "config.json and model.safetensors")
    assert len(set(sentences)) == len(sentences) == 8


def test_a_changed_model_is_not_opened(hub):
    get("wav2small-2.0", accept_licence=True, verbose=False)
    path = os.path.join(model_folder("wav2small-2.0"), "model.onnx")
    with open(path, "r+b") as file:
        file.seek(500)
        byte = file.read(1)
        file.seek(500)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(CorruptModelError, match="audw2s get wav2small-2.0 --accept"):
        audw2s.load("wav2small-2.0")
    os.remove(os.path.join(model_folder("wav2small-2.0"), PROVENANCE))
    text = "The provenance of the model in .* can't be read"
    with pytest.raises(CorruptModelError, match=text):
        audw2s.load("wav2small-2.0")


def test_the_command_installs_a_model(hub):
    runner = CliRunner()
    refused = runner.invoke(app, ["get", "wav2small-2.0"])
    assert refused.exit_code == 2
    assert "--accept-licence" in refused.stderr
    asked = runner.invoke(app, ["models"]).stdout
    assert "audw2s get wav2small-2.0 --accept-licence" in asked
    arguments = ["get", "wav2small-2.0", "--accept-licence", "--quiet"]
    got = runner.invoke(app, arguments)
    assert got.exit_code == 0, got.stderr
    assert model_folder("wav2small-2.0") in got.stdout
    assert "CC BY-NC-SA 4.0" in got.stdout
    assert "values of tone are as published to" in got.stdout
    assert model_folder("wav2small-2.0") in runner.invoke(app, ["models"]).stdout
    assert runner.invoke(app, ["get", "nono"]).exit_code == 2


def test_a_model_with_other_values_is_removed(hub, written, tmp_path):
    model = copy.deepcopy(raw_dawn(written / "dawn"))
    weights = {weight.name: weight for weight in model.graph.initializer}
    bias = weights["network.adv.bias"]
    values = onnx.numpy_helper.to_array(bias) + np.float32([0, 0.01, 0])
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    name = "w2v2-L-robust-12.6bc4a7fd-1.1.0.zip"
    wrong, right = {name: archive(model)}, {name: archive(raw_dawn(written / "dawn"))}
    hub.records["6221127"] = wrong
    arguments = "get", "dawn", "--accept-licence", "--quiet"
    failed = invoke(*arguments)
    folder = download_folder(catalogue.CATALOGUE["dawn"].weights[0])
    assert failed.exit_code == 2
    assert "published signal 'zeros'" in failed.stderr
    assert f"was removed. Its files are in {folder}: delete them" in failed.stderr
    assert not is_installed("dawn")
    assert invoke("verify", "dawn").exit_code == 2
    shutil.move(folder, tmp_path / "wrong")
    hub.records["6221127"] = right
    assert invoke(*arguments).exit_code == 0
    # What is installed stays
    assert invoke(*arguments, "--from", str(tmp_path / "wrong")).exit_code == 2
    again = invoke("verify", "dawn")
    assert (again.exit_code, again.stdout) == (0, f"{get('dawn', verbose=False)}\n")


@full
def test_dawn_at_full_size(server, tmp_path, monkeypatch):
    """165M random weights, from published files to an interface."""
    monkeypatch.setattr(verify, "published", dict)
    published.write_dawn(str(tmp_path), layers=12, width=1024)
    get("dawn", source=str(tmp_path), accept_licence=True, verbose=False)
    assert not server.requests
    network = Dawn.from_folder(str(tmp_path))
    count = sum(values.numel() for values in network.parameters())
    assert count == catalogue.CATALOGUE["dawn"].parameters
    size = os.path.getsize(os.path.join(model_folder("dawn"), "model.onnx"))
    assert size == pytest.approx(catalogue.CATALOGUE["dawn"].size, rel=0.01)
    feature = audw2s.Feature("dawn")
    for signal in published.noises(8001, 33333, 80001):
        with torch.inference_mode():
            values = network(torch.from_numpy(signal[None]))[1].numpy()
        actual = feature.process_signal(signal, 16000)
        np.testing.assert_allclose(actual, values, atol=1e-4)
    shutil.rmtree(model_folder("dawn"))
