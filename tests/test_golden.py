"""The models give what they gave when they were released, everywhere."""

import importlib.util
import json
import pathlib

import numpy as np
import pandas as pd
import pytest
from full import sample

import audw2s
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import FOLDER

HERE = pathlib.Path(__file__).parent / "golden"
GOLDEN = json.loads((HERE / "values.json").read_text())


def script(name: str):
    """A script that makes golden values, as a module."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def signals():
    return script("make").signals()


@pytest.mark.parametrize("name", GOLDEN)
def test_values_are_those_of_the_release(name, signals):
    assert GOLDEN[name]["sha256"] == CATALOGUE[name].sha256
    feature = audw2s.Feature(name)
    # Normalised elsewhere than in the graph, values fall into other steps of eight bits
    tolerance = 2e-3 if name.endswith("int8") else 1e-4
    for key, signal in signals.items():
        (found,) = feature.process_signal(signal, 16000).to_numpy()
        expected = GOLDEN[name]["logits"][key]
        np.testing.assert_allclose(found, expected, atol=tolerance, err_msg=key)


def test_every_packaged_model_has_golden_values():
    assert set(GOLDEN) == {n for n, entry in CATALOGUE.items() if entry.packaged}


def test_acted_emotions_are_in_a_plausible_order():
    """What a listener hears in the example clips: anger is loud, sadness is not."""
    for name, values in GOLDEN.items():
        arousal = {key: row[0] for key, row in values["logits"].items()}
        anger, happiness, neutral, sadness = (
            arousal[f"emodb-03a05{code}.flac"]
            for code in ("Wa-anger", "Fc-happiness", "Nd-neutral", "Tc-sadness")
        )
        assert min(anger, happiness) > neutral > sadness, name


@pytest.mark.filterwarnings("ignore:.*quiet")
@pytest.mark.parametrize("name", GOLDEN)
def test_the_gain_of_a_recording_does_not_count(name, signals):
    """In decibels, for the network, a file, windows, and a stream."""
    tolerance = 5e-3 if name.endswith("int8") else 1e-4
    speech = {key: signal for key, signal in signals.items() if "noise" not in key}
    for key, signal in sample(speech.items(), 2):
        expected = values_of(name, signal)
        for gain in sample([26, -14, -40, -60, -90], 2):
            found = values_of(name, np.float32(10 ** (gain / 20)) * signal)
            for one, other in zip(found, expected, strict=True):
                message = f"{key} {gain} dB"
                np.testing.assert_allclose(one, other, atol=tolerance, err_msg=message)


def values_of(name: str, signal: np.ndarray) -> list[np.ndarray]:
    """Values by the network, and as the interfaces and a stream give them."""
    values = [audw2s.load(name)(signal[None], 16000)["logits"]]
    for windows in ({}, {"win_dur": 1.5, "hop_dur": 1.0}):
        values.append(audw2s.Feature(name, **windows).process_signal(signal, 16000))
    if name.startswith("wav2small"):
        stream = audw2s.Stream(name, win_dur=1.5)
        moments = [stream.push(block) for block in np.array_split(signal, 3)]
        moments.append(stream.finish())
        values.append([list(m.total.values()) for m in moments if m and m.total])
    return [np.asarray(value) for value in values]


def test_readme_and_cards_show_what_was_evaluated():
    tables = script("pages")
    for page in tables.TABLES:
        assert tables.updated(page) == (tables.ROOT / page).read_text()
    card = pytest.importorskip("audw2s.evaluation.card")
    for name in GOLDEN:
        folder = pathlib.Path(FOLDER) / name
        evaluations = json.loads((folder / "evaluation.json").read_text())
        assert {e["sha256"] for e in evaluations} == {CATALOGUE[name].sha256}
        assert card.card_table(evaluations) in (folder / "card.md").read_text()


@pytest.mark.parametrize(
    "path", ["clip_length.csv", "notebooks/emodb.csv", "notebooks/emotale.csv"]
)
def test_stored_tables_are_of_the_packaged_weights(path):
    table = pd.read_csv(HERE.parents[1] / "docs" / path, dtype=str)
    packaged = {CATALOGUE[name].sha256[:8] for name in GOLDEN}
    assert set(table["sha256"]) <= packaged
