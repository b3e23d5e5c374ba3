"""Convert published weights to ONNX models."""

import os
from collections.abc import Callable

import onnx
from torch import nn

from audw2s.distill.export import check_parity
from audw2s.distill.export import to_onnx
from audw2s.distill.students.wav2small2 import Wav2Small2
from audw2s.distill.teachers.checkpoint import SAME_KEYS
from audw2s.distill.teachers.checkpoint import load_strictly
from audw2s.distill.teachers.checkpoint import read_weights
from audw2s.distill.teachers.dawn import Dawn
from audw2s.distill.teachers.odyssey import Odyssey
from audw2s.distill.teachers.whisper import load_published
from audw2s.model.registry import FOLDER


def wav2small2(folder: str) -> nn.Module:
    """Load the published student, which has the same keys as our module."""
    network = Wav2Small2()
    load_strictly(network, read_weights(folder), SAME_KEYS, folder)
    return network.eval()


def whisper_base(folder: str) -> nn.Module:
    """Load Whisper base as published, with the head of this package."""
    head = os.path.join(FOLDER, "whisper-base-adv", "head.safetensors")
    return load_published(read_weights(folder), "base", head, folder)


NETWORKS: dict[str, Callable[[str], nn.Module]] = {
    "dawn": Dawn.from_folder,
    "odyssey": Odyssey.from_folder,
    "wav2small-2.0": wav2small2,
    "whisper-base-adv": whisper_base,
}
"""Functions that load the published folder of a model, by its name."""


def convert(name: str, folder: str) -> onnx.ModelProto:
    """Convert the published files of a model to ONNX.

    Args:
        name: name of the model
        folder: folder with the published files

    Raises:
        FileNotFoundError: if a file isn't there
        ValueError: if a file is damaged, a weight is missing, unknown, or has a wrong
            shape, or the values of the ONNX model differ from those of the network

    """
    network = NETWORKS[name](folder)
    model = to_onnx(network, batches=True)
    check_parity(network, model)
    return model
