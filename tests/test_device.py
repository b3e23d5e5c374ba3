"""Devices: interfaces take what load takes, and what there isn't is refused."""

import pickle

import numpy as np
import onnxruntime
import pytest

import audw2s

CPU = "CPUExecutionProvider"
DEVICES = ["cpu", CPU, [CPU], (CPU, {}), [(CPU, {})], ["CUDAExecutionProvider", CPU]]


@pytest.mark.filterwarnings("ignore:Specified provider")
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_one_device_everywhere(device, clips, speech):
    expected = audw2s.Feature().process_file(clips[3])
    for interface in (audw2s.Feature(device=device), audw2s.Process(device=device)):
        result = pickle.loads(pickle.dumps(interface)).process_file(clips[3])
        found = [*result.iloc[0].values()] if result.ndim == 1 else result.iloc[0]
        np.testing.assert_allclose(found, expected.iloc[0], atol=1e-6)
    index = audw2s.Segment(device=device).process_file(clips[3])
    assert index.equals(audw2s.Segment().process_file(clips[3]))
    assert audw2s.load(device=device)(speech[None], 16000)["logits"].shape == (1, 3)
    mean = audw2s.load("mean(wav2small, wav2small-int8)", device=device)
    assert mean.sess.get_providers() == [CPU]
    assert audw2s.Stream(device=device).push(speech).status == "ok"
    assert len(audw2s.curve(clips[3], device=device, rate=0.5)) == 2


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu:1", ["cuda"], 0, None, []])
def test_no_device(device):
    for make in (audw2s.load, audw2s.Feature, audw2s.Segment, audw2s.Stream):
        with pytest.raises(ValueError, match="The device is cpu, cuda, or cuda:1"):
            make(device=device)


def test_a_gpu_that_is_not_here():
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is a GPU")
    for device in ("cuda", "cuda:1", ["CUDAExecutionProvider"]):
        with pytest.raises(ValueError, match="onnxruntime can't use"):
            audw2s.Feature(device=device)
