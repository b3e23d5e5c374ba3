"""Students: small networks that learn a teacher's outputs."""

import os
from collections.abc import Callable

from audw2s.distill.students.mobilenetv3 import MobileNetV3Large
from audw2s.distill.students.mobilenetv3 import MobileNetV3Small
from audw2s.distill.students.mobilenetv4 import MobileNetV4Large
from audw2s.distill.students.mobilenetv4 import MobileNetV4Medium
from audw2s.distill.students.mobilenetv4 import MobileNetV4Small
from audw2s.distill.students.student import Student
from audw2s.distill.students.wav2small import Wav2Small
from audw2s.distill.students.wav2small2 import Wav2Small2
from audw2s.distill.teachers.checkpoint import SAME_KEYS
from audw2s.distill.teachers.checkpoint import load_strictly
from audw2s.distill.teachers.checkpoint import read_tensors

AnyStudent = Student | Wav2Small2

STUDENTS: dict[str, Callable[[], AnyStudent]] = {
    "wav2small": Wav2Small,
    "wav2small-2.0": Wav2Small2,
    "mobilenetv4-small": MobileNetV4Small,
    "mobilenetv4-medium": MobileNetV4Medium,
    "mobilenetv4-large": MobileNetV4Large,
    "mobilenetv3-small": MobileNetV3Small,
    "mobilenetv3-large": MobileNetV3Large,
}
"""Architectures by name."""


def load_student(path: str) -> tuple[str, AnyStudent]:
    """Load a trained student.

    Args:
        path: ``student.safetensors`` of a training

    Returns:
        name of its architecture, and the network

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if it is damaged, names no known architecture, or a key is
            missing, unknown, or has a wrong shape

    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"No trained student at '{path}'.")
    weights, metadata = read_tensors(path)
    name = metadata.get("student", "")
    if name not in STUDENTS:
        raise ValueError(
            f"'{path}' is of student '{name}', known are {', '.join(STUDENTS)}."
        )
    network = STUDENTS[name]()
    load_strictly(network, weights, SAME_KEYS, path)
    return name, network.eval()
