"""Published weights give published values, wherever the weights are at hand."""

import json
import os

import numpy as np
import onnxruntime
import pytest
import soundfile

import audw2s
from audw2s.model.find import is_installed
from audw2s.model.hub.get import download_folder
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import ZenodoSource


@pytest.fixture
def anchors(shared):
    with open(shared / "anchors" / "anchors.json") as file:
        return json.load(file)


def values(case):
    return [case[name] for name in audw2s.DIMENSIONS]


def logits(name, signal):
    signal = np.ascontiguousarray(signal, np.float32)[None]
    return audw2s.load(name)(signal, 16000)["logits"][0]


def needs(name):
    if not is_installed(name):
        pytest.skip(f"the weights of {name} aren't here: audw2s get {name}")


def test_dawn_on_speech(shared, anchors):
    needs("dawn")
    cases = [case for case in anchors["dawn"]["cases"] if "start" in case]
    assert len(cases) == 7
    for case in cases:
        signal, rate = soundfile.read(shared / "anchors" / case["signal"])
        end = None if case["end"] is None else case["end"] * rate
        found = logits("dawn", signal[case["start"] * rate : end])
        np.testing.assert_allclose(found, values(case), atol=1e-3)


def test_dawn_on_silence(anchors):
    needs("dawn")
    (case,) = [c for c in anchors["dawn"]["cases"] if "zeros" in c["signal"]]
    np.testing.assert_allclose(logits("dawn", np.zeros(16000)), values(case), atol=1e-4)


def test_the_published_onnx_of_dawn(anchors):
    (source,) = [s for s in CATALOGUE["dawn"].weights if isinstance(s, ZenodoSource)]
    path = os.path.join(download_folder(source), "model.onnx")
    if not os.path.isfile(path):
        pytest.skip("the published ONNX file isn't here: audw2s get dawn")
    (case,) = [c for c in anchors["dawn"]["cases"] if "random" in c["signal"]]
    noise = np.random.RandomState(0).normal(size=16000).astype(np.float32)
    (found,) = onnxruntime.InferenceSession(path).run(["logits"], {"signal": [noise]})
    np.testing.assert_allclose(found[0], values(case), atol=1e-4)


def test_the_published_student(shared, anchors):
    needs("wav2small-2.0")
    assert len(anchors["wav2small2"]["cases"]) == 6
    for case in anchors["wav2small2"]["cases"]:
        signal, rate = soundfile.read(shared / "anchors" / case["signal"])
        assert rate == 16000
        found = logits("wav2small-2.0", signal)
        np.testing.assert_allclose(found, values(case), atol=2e-4)
