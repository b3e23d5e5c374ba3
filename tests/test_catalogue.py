import json
import re
import shutil

import audonnx
import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile

import audw2s
from audw2s.model import find as loading
from audw2s.model import registry as catalogue
from audw2s.model.hub.verify import published
from audw2s.model.hub.verify import signal_of
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import HubSource

PACKAGED = [name for name, entry in CATALOGUE.items() if entry.packaged]


@pytest.mark.parametrize("name", PACKAGED)
def test_entries_match_the_models(name):
    entry = CATALOGUE[name]
    path = loading.model_path(name)
    assert loading.sha256(path) == entry.sha256
    model = onnx.load(path)
    properties = {p.key: p.value for p in model.metadata_props}
    assert properties["name"] == name
    assert float(properties["max_dur"]) == entry.max_dur
    assert int(properties["sampling_rate"]) == entry.sampling_rate
    if "parameters" in properties:
        assert int(properties["parameters"]) == entry.parameters
    sizes = [onnx.numpy_helper.to_array(w).size for w in model.graph.initializer]
    # Small constants of the graph and folded normalisations come and go; in students
    # 13 channels are 16, in eight bits there are scales
    margin = 0.1 if "student" in properties else 0.01
    assert sum(sizes) == pytest.approx(entry.parameters, rel=margin)


@pytest.mark.parametrize("name", PACKAGED)
def test_a_model_is_opened_once(name, monkeypatch):
    opened = []

    class Counted(onnxruntime.InferenceSession):
        def __init__(self, *args, **kwargs):
            opened.append(args)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Counted)
    audw2s.load(name)
    assert len(opened) == 1


@pytest.mark.parametrize("name", PACKAGED)
def test_every_model_keeps_the_contract(name):
    model = audw2s.load(name)
    assert isinstance(model, audonnx.Model)
    assert list(model.inputs) == ["signal"]
    assert list(model.inputs["signal"].shape) == [1, -1]
    speech = ["speech"] * name.startswith("wav2small")
    assert list(model.outputs) == ["hidden_states", "logits", *speech]
    assert model.labels("logits") == ["arousal", "dominance", "valence"]
    for length in (64, 65, 999, 16001, 80000):
        signal = np.random.default_rng(length).standard_normal((1, length))
        outputs = model(signal.astype(np.float32), 16000)
        assert outputs["logits"].shape == (1, 3)
        assert outputs["hidden_states"].ndim == 2
        assert np.isfinite(outputs["logits"]).all()
    if name == "wav2small":
        assert outputs["hidden_states"].shape == (1, 169)


@pytest.mark.parametrize("name", PACKAGED)
def test_model_yaml_is_read_by_audonnx(name, speech):
    folder = loading.model_path(name).removesuffix("model.onnx")
    theirs, ours = audonnx.load(folder), audw2s.load(name)
    assert theirs.labels() == ours.labels()
    for output, value in ours(speech[None], 16000).items():
        np.testing.assert_array_equal(theirs(speech[None], 16000)[output], value)


def test_a_changed_file_is_not_opened(monkeypatch, tmp_path):
    for name in PACKAGED:
        shutil.copytree(f"{catalogue.FOLDER}/{name}", tmp_path / name)
    monkeypatch.setattr(loading, "FOLDER", str(tmp_path))
    path = tmp_path / "wav2small" / "model.onnx"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(audw2s.CorruptModelError, match="install the package"):
        audw2s.load("wav2small")
    audw2s.load("whisper-tiny-adv")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        audw2s.load("wav2small")


def test_an_unknown_name_lists_known_models():
    with pytest.raises(
        ValueError, match="'wav2smol'.*'wav2small', .*'whisper-tiny-adv'"
    ):
        audw2s.load("wav2smol")


def test_folder_is_a_model(tmp_path, speech):
    folder = shutil.copytree(f"{catalogue.FOLDER}/wav2small", tmp_path / "mine")
    # What a model.yaml names is never run
    (folder / "model.yaml").write_text("$os.system: {command: touch /tmp/audw2s-ran}\n")
    mine = audw2s.load(str(folder))(speech[None], 16000)["logits"]
    usual = audw2s.load()(speech[None], 16000)["logits"]
    np.testing.assert_array_equal(mine, usual)
    assert (
        audw2s.Feature(str(folder)).provenance["sha256"]
        == CATALOGUE["wav2small"].sha256
    )


def test_models_returns_a_table():
    table = audw2s.models()
    assert list(table.index) == list(CATALOGUE)
    assert {"parameters", "licence", "sha256", "citation", "outputs"} <= set(table)
    assert table.loc[PACKAGED, "installed"].all()


def test_every_entry_has_licence_source_and_citation():
    for name, entry in CATALOGUE.items():
        assert name == entry.name
        facts = (entry.description, entry.licence, entry.source, entry.citation)
        assert all(facts)
        assert entry.parameters > 0
        assert entry.max_dur > 0
        # In the package, to be got, or made of others: one of these
        assert bool(entry.sha256) + bool(entry.weights) + bool(entry.members) == 1
        assert bool(entry.size) == bool(entry.weights)
        assert entry.non_commercial == ("NC" in entry.licence)
        if entry.members:
            parts = [CATALOGUE[member] for member in entry.members]
            assert entry.parameters == sum(part.parameters for part in parts)
            assert entry.max_dur == min(part.max_dur for part in parts)
            assert entry.non_commercial == any(part.non_commercial for part in parts)


def test_revisions_are_hashes_or_values_are_published():
    for name, entry in CATALOGUE.items():
        for source in entry.weights:
            if isinstance(source, HubSource) and source.revision == "main":
                assert name in published()
            elif isinstance(source, HubSource):
                assert re.fullmatch("[0-9a-f]{40}", source.revision)


def test_published_outputs_are_those_that_were_handed_on(shared):
    with open(shared / "anchors" / "anchors.json") as file:
        anchors = json.load(file)
    known = {
        tuple(case[d] for d in audw2s.DIMENSIONS)
        for m in ("dawn", "wav2small2")
        for case in anchors[m]["cases"]
    }
    for entry in published().values():
        assert set(map(tuple, entry["outputs"].values())) <= known
    tone, rate = soundfile.read(shared / "anchors" / "wav2small2_tone.wav")
    assert rate == 16000
    np.testing.assert_array_equal(signal_of("tone")[0], tone)


def test_a_model_that_is_not_downloaded_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("AUDW2S_CACHE_ROOT", str(tmp_path))
    assert not audw2s.models().loc["dawn", "installed"]
    for call in (audw2s.load, audw2s.Feature):
        with pytest.raises(audw2s.MissingModelError) as caught:
            call("dawn")
        assert "audw2s get dawn --accept-licence" in str(caught.value)
        assert "CC BY-NC-SA 4.0" in str(caught.value)
    assert not list(tmp_path.iterdir())
