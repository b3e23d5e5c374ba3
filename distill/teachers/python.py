"""Python functions as teachers, in place of models."""

import os
import re
import runpy

import numpy as np

from audw2s.inference.network import Network
from audw2s.model.find import model_sha256
from audw2s.model.find import sha256
from audw2s.model.registry import DIMENSIONS


def is_function(teacher: str) -> bool:
    """Whether a teacher is a Python function, as ``"teacher.py:predict"``.

    Examples:
        >>> is_function("folder/teacher.py:predict"), is_function("wav2small")
        (True, False)

    """
    return re.fullmatch(r".+\.py:\w+", teacher, re.DOTALL) is not None


def teacher_sha256(teacher: str) -> str:
    """Hash that identifies a teacher; of a function it is that of its file."""
    if is_function(teacher):
        return sha256(teacher.rpartition(":")[0])
    return model_sha256(teacher)


class Function:
    """Function of a Python file, from a signal to arousal, dominance and valence.

    The file is executed.

    Args:
        teacher: path of the file and name of the function, ``"teacher.py:predict"``.
            It takes a signal ``(num_samples,)``, float32, mono at 16 kHz, of any
            length, and returns three numbers

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if it has no such function

    """

    def __init__(self, teacher: str):
        path, _, name = teacher.rpartition(":")
        function = runpy.run_path(path, run_name=os.path.basename(path)).get(name)
        if not callable(function):
            raise ValueError(f"'{path}' has no function '{name}'.")
        self.teacher = teacher
        self.function = function

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Values of a signal, ``(3,)``, float32.

        Raises:
            ValueError: if the function returns anything else

        """
        values = np.asarray(self.function(signal), np.float32)
        if values.shape != (len(DIMENSIONS),):
            raise ValueError(
                f"'{self.teacher}' has to return {', '.join(DIMENSIONS)}, it returned "
                f"numbers of the shape {values.shape}."
            )
        return values


def open_teacher(teacher: str) -> Network | Function:
    """Open a teacher, a model or a function, whose first three values are A/D/V.

    Args:
        teacher: name or folder of a model, mean of models, or function

    """
    return Function(teacher) if is_function(teacher) else Network(teacher)
