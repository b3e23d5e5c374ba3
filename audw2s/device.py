"""Where models run: whether the runtime has what was asked for."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import audonnx


def check_device(device: str) -> None:
    """Make sure that onnxruntime knows a device.

    Args:
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``

    Raises:
        ValueError: if not

    Examples:
        >>> check_device("cpu")
        >>> check_device("gpu")
        Traceback (most recent call last):
            ...
        ValueError: The device is cpu, cuda, or cuda:1 and so on, not 'gpu'.

    """
    import onnxruntime

    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(
            f"The device is cpu, cuda, or cuda:1 and so on, not '{device}'."
        )
    known = onnxruntime.get_available_providers()
    if device != "cpu" and "CUDAExecutionProvider" not in known:
        raise ValueError(
            f"onnxruntime can't use '{device}' here, it has {', '.join(known)}. "
            "In an environment with onnxruntime-gpu in place of onnxruntime it can."
        )


def check_session(model: "audonnx.Model", device: str) -> None:
    """Make sure that a model runs where it was asked to.

    Raises:
        ValueError: if onnxruntime has fallen back to the CPU

    """
    if device != "cpu" and "CUDAExecutionProvider" not in model.sess.get_providers():
        raise ValueError(
            f"onnxruntime has no '{device}' that works: is there such a GPU, and its "
            "driver?"
        )
