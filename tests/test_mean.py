"""Means of models: each processes the signal, and one answer comes back."""

import hashlib
import os
import pickle
from unittest.mock import Mock

import audobject
import numpy as np
import onnx
import pytest

import audw2s
from audw2s.inference.network import Network
from audw2s.model.ensemble import Ensemble
from audw2s.model.find import members
from audw2s.model.find import model_sha256
from audw2s.model.find import num_hidden_states
from audw2s.model.folder import UnverifiedModelWarning

NAME = "mean(wav2small, whisper-tiny-adv)"
PARTS = ("wav2small", "whisper-tiny-adv")


@pytest.mark.parametrize("length", [64, 999, 16001, 50001])
def test_ensemble_is_the_mean_of_its_models(speech, length):
    signal = speech[None, :length]
    found = audw2s.load(NAME)(signal, 16000)
    each = [audw2s.load(part)(signal, 16000) for part in PARTS]
    expected = (each[0]["logits"] + each[1]["logits"]) / 2
    np.testing.assert_allclose(found["logits"], expected, atol=1e-6)
    hidden = np.concatenate([part["hidden_states"] for part in each], axis=1)
    np.testing.assert_array_equal(found["hidden_states"], hidden)


def test_ensemble_has_the_attributes_of_a_model(speech):
    model = audw2s.load(NAME)
    assert model.labels("logits") == ["arousal", "dominance", "valence"]
    assert len(model.labels("hidden_states")) == 169 + 2304
    one = model(speech[None], 16000, outputs="logits")
    both = model(speech[None], 16000, outputs=["logits", "hidden_states"])
    assert list(both) == ["logits", "hidden_states"]
    np.testing.assert_array_equal(one, both["logits"])
    assert model(speech[None], 16000, outputs="logits", squeeze=True).shape == (3,)
    joined = model(speech[None], 16000, concat=True)
    assert joined.shape == (1, 169 + 2304 + 3)


def test_interfaces_accept_an_ensemble(clips, speech):
    feature = audw2s.Feature(NAME)
    parts = [audw2s.Feature(part).process_files(clips) for part in PARTS]
    table = feature.process_files(clips)
    np.testing.assert_allclose(table, (parts[0] + parts[1]) / 2, atol=1e-6)
    assert feature.provenance["model"] == NAME
    copy = audobject.from_yaml_s(feature.to_yaml_s())
    np.testing.assert_array_equal(copy.process_files(clips), table)


def test_interfaces_accept_an_ensemble_object_and_pickle_it(speech):
    network = Network(audw2s.load(NAME))
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(network(speech), again(speech))
    assert network.max_dur == 30
    assert network.name == NAME
    assert network.sha256 == Network(NAME).sha256 == model_sha256(NAME)


def test_ensemble_is_written_to_yaml_by_names(tmp_path, speech):
    model = audw2s.load(NAME)
    model.to_yaml(str(tmp_path / "mean.yaml"))
    again = audobject.from_yaml(str(tmp_path / "mean.yaml"))
    assert isinstance(again, Ensemble)
    expected = model(speech[None], 16000)["logits"]
    np.testing.assert_array_equal(again(speech[None], 16000)["logits"], expected)


def test_a_failed_write_of_an_ensemble_leaves_the_former_file(tmp_path, monkeypatch):
    path, model = tmp_path / "mean.yaml", audw2s.load(NAME)
    path.write_text("former")
    monkeypatch.setattr(os, "replace", Mock(side_effect=OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        model.to_yaml(str(path))
    assert path.read_text() == "former"
    assert [*tmp_path.iterdir()] == [path]


def test_hash_of_an_ensemble_depends_on_all_members_and_their_order():
    hashes = [model_sha256(part) for part in PARTS]
    expected = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    assert model_sha256(NAME) == expected
    assert model_sha256("mean(whisper-tiny-adv, wav2small)") != expected


def test_ensemble_of_model_folders(tmp_path, speech):
    folder = f"{audw2s.model.registry.FOLDER}/wav2small"
    mean = audw2s.load(f"mean({folder}, wav2small)")
    expected = audw2s.load("wav2small")(speech[None], 16000)["logits"]
    np.testing.assert_allclose(mean(speech[None], 16000)["logits"], expected, atol=1e-6)


def test_ensemble_of_a_model_without_hidden_states_and_metadata(tmp_path, speech):
    model = onnx.load(audw2s.load("wav2small").path)
    del model.metadata_props[:]
    outputs = [node for node in model.graph.output if node.name != "hidden_states"]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    onnx.save(model, tmp_path / "model.onnx")
    name = f"mean({tmp_path}, whisper-tiny-adv)"
    expected = audw2s.load(NAME)(speech[None], 16000, outputs="logits")
    with pytest.warns(UnverifiedModelWarning):
        found = audw2s.load(name)(speech[None], 16000)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    network = Network(name)
    np.testing.assert_allclose(network(speech)[:3], expected[0], atol=1e-6)
    assert network.max_dur == 30
    assert num_hidden_states(name) == 0
    with pytest.raises(ValueError, match="no output 'hidden_states'"):
        audw2s.Feature(name, embeddings=True)


@pytest.mark.parametrize("name", ["mean()", "mean(wav2small, nono)", "mean(wav2small"])
def test_ensemble_of_unknown_models(name):
    with pytest.raises(audw2s.MissingModelError, match="There is no model"):
        audw2s.load(name)


def test_members_of_an_ensemble():
    assert members("mean( a ,b)") == ("a", "b")
    assert members("wav2small") == ()
