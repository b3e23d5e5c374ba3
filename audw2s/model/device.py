"""Devices of models, and whether ONNX Runtime supports them."""

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import audonnx

Device = str | tuple[str, dict] | Sequence[str | tuple[str, dict]]
"""``"cpu"``, ``"cuda"``, ``"cuda:1"``, or providers of onnxruntime as in audonnx:
a name such as ``"CPUExecutionProvider"``, a tuple of a name and options, or a list of
these, of which the first that works is used."""

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Provider of onnxruntime for each type of device."""

Frozen = str
"""Device that can be part of a key, see :func:`frozen`."""


def check_device(device: Device) -> None:
    """Check that onnxruntime supports a device.

    Args:
        device: device or providers, see :data:`Device`

    Raises:
        ValueError: if it is unknown, or not available here

    Examples:
        >>> check_device("cpu")
        >>> check_device(["CUDAExecutionProvider", "CPUExecutionProvider"])
        >>> check_device("gpu")
        Traceback (most recent call last):
            ...
        ValueError: The device is cpu, cuda, or cuda:1 and so on, not 'gpu'. Providers
        of onnxruntime are taken as well, such as CPUExecutionProvider.

    """
    if device == "cpu":
        # Each build has it; importing onnxruntime takes as long as files of seconds
        return
    import onnxruntime

    wanted = _providers(device)
    if unknown := [n for n in wanted if n not in onnxruntime.get_all_providers()]:
        raise ValueError(
            f"The device is cpu, cuda, or cuda:1 and so on, not {unknown[0]!r}. "
            "Providers of onnxruntime are taken as well, such as CPUExecutionProvider."
        )
    here = onnxruntime.get_available_providers()
    if not set(wanted) & set(here):
        raise ValueError(
            f"onnxruntime can't use {device!r} here, it has {', '.join(here)}. "
            "In an environment with onnxruntime-gpu in place of onnxruntime it can."
        )


def check_session(model: "audonnx.Model", device: Device) -> None:
    """Check that a model runs on the requested device.

    Raises:
        ValueError: if onnxruntime has fallen back to the CPU

    """
    if not set(_providers(device)) & set(model.sess.get_providers()):
        raise ValueError(
            f"onnxruntime has no {device!r} that works: is there such a GPU, and its "
            "driver?"
        )


def _providers(device: Device) -> list[object]:
    """Names of the providers that a device stands for."""
    if isinstance(device, str):
        name = re.sub(r"^cuda:\d+$", "cuda", device)
        return [PROVIDERS.get(name, name)]
    if not isinstance(device, Sequence) or not device:
        return [device]
    from audonnx.core.ort import device_to_providers

    providers = device_to_providers(device)
    return [item[0] if isinstance(item, tuple) else item for item in providers]


def frozen(device: Device) -> Frozen:
    """Convert a device to text; a string is returned unchanged.

    Examples:
        >>> frozen("cuda:1"), frozen([("CPUExecutionProvider", {"a": 1})])
        ('cuda:1', "[('CPUExecutionProvider', {'a': 1})]")

    """
    return device if isinstance(device, str) else repr(device)


def thawed(device: Frozen) -> Device:
    """Convert the result of :func:`frozen` back to a device.

    Examples:
        >>> thawed("cuda:1"), thawed("[('CPUExecutionProvider', {'a': 1})]")
        ('cuda:1', [('CPUExecutionProvider', {'a': 1})])

    """
    return ast.literal_eval(device) if device.startswith(("(", "[")) else device
