"""The table of models: what each is, where it is, what one may do with it."""

import dataclasses
import functools
import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import audonnx
    import pandas as pd

DIMENSIONS = ("arousal", "dominance", "valence")
"""What all models give, in this order; roughly 0…1, unclipped."""

SAMPLING_RATE = 16000
"""Sampling rate in Hz that all models take."""

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
"""Where the models lie that come with the package."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model of the catalogue."""

    name: str
    description: str
    parameters: int
    """Number of values in the network, the fixed front end included."""

    max_dur: float
    """Longest recording in seconds that the network takes at once."""

    licence: str
    source: str
    sha256: str
    """Of ``model.onnx``, checked each time before it is opened."""

    citation: str
    sampling_rate: int = SAMPLING_RATE
    outputs: tuple[str, ...] = DIMENSIONS


CATALOGUE = {
    entry.name: entry
    for entry in [
        Entry(
            name="wav2small",
            description="Wav2Small 72K, distilled from whisper-tiny-adv",
            parameters=72_659,
            max_dur=30.0,
            licence="CC BY 4.0",
            source="trained for this package, see its card.md",
            sha256="31f8575492de5a8b0441d3f667d2868c8ef90bf98765ee46df8df8f00135a8e3",
            citation="Wav2Small, arXiv 2408.13920",
        ),
        Entry(
            name="whisper-tiny-adv",
            description="Our offline teacher: Whisper tiny.en, layers 1 to 3, "
            "with a linear A/D/V head",
            parameters=6_617_331,
            max_dur=30.0,
            licence="MIT (encoder: openai/whisper, MIT)",
            source="head fitted for this package, see its card.md",
            sha256="bf5524014b9b9afaea5e248769cac34064e2b228726a9fc9fec28354669bf37a",
            citation="Radford et al., Whisper, arXiv 2212.04356",
        ),
    ]
}


class CorruptModelError(RuntimeError):
    """Raised if a model file isn't the one that the catalogue knows."""


def load(
    name: str = "wav2small",
    *,
    device: str | tuple = "cpu",
    num_workers: int | None = 1,
) -> "audonnx.Model":
    """Load a model.

    The network takes ``signal`` of shape ``(1, num_samples)``, 16 kHz, mono,
    float32, and gives ``hidden_states`` and ``logits``: arousal, dominance and
    valence, roughly in 0…1, unclipped.

    Args:
        name: name in the catalogue, or a folder with a ``model.onnx`` that
            ``audw2s distill`` wrote (its content is data, no code is run)
        device: ``"cpu"``, ``"cuda"``, ``"cuda:2"``, or ONNX providers
        num_workers: threads of the session, ``None`` for its own choice

    Returns:
        the model, its file verified against the catalogue's sha256

    Raises:
        ValueError: if there is no model of this name
        CorruptModelError: if the file's sha256 isn't the catalogue's

    Examples:
        >>> import numpy as np
        >>> model = load("wav2small")
        >>> model.labels("logits")
        ['arousal', 'dominance', 'valence']
        >>> signal = np.zeros((1, 16000), dtype="float32")
        >>> model(signal, 16000)["logits"].shape
        (1, 3)

    """
    import audonnx

    path = model_path(name)
    found = sha256(path)
    if name in CATALOGUE and found != CATALOGUE[name].sha256:
        raise CorruptModelError(
            f"{path} has sha256 {found}, expected {CATALOGUE[name].sha256}. "
            "It was changed or damaged: install the package again."
        )
    # The labels of model.yaml are set here: loading it would run what it names
    return audonnx.Model(
        path,
        labels={"logits": list(DIMENSIONS)},
        device=device,
        num_workers=num_workers,
    )


def model_path(name: str) -> str:
    """Path of a model's ONNX file.

    Args:
        name: name in the catalogue, or a model folder

    Raises:
        ValueError: if there is no such model

    """
    folder = os.path.join(FOLDER, name) if name in CATALOGUE else name
    path = os.path.join(folder, "model.onnx")
    if name in CATALOGUE or os.path.isfile(path):
        return path
    known = ", ".join(f"'{known}'" for known in CATALOGUE)
    raise ValueError(
        f"There is no model '{name}'. Known are {known}, "
        "and any folder with a model.onnx."
    )


def model_sha256(name: str) -> str:
    """Hash of a model's ONNX file, which identifies its results."""
    return sha256(model_path(name))


def models() -> "pd.DataFrame":
    """Give the catalogue as a table, a row per model.

    Examples:
        >>> list(models().index)
        ['wav2small', 'whisper-tiny-adv']

    """
    import pandas as pd

    rows = [dataclasses.asdict(entry) for entry in CATALOGUE.values()]
    return pd.DataFrame(rows).set_index("name")


def sha256(path: str) -> str:
    """Hash of a file's content, as hexadecimal digits."""
    stat = os.stat(path)
    return _sha256(os.path.realpath(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _sha256(path: str, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
