"""Fit the last layer of a model to a teacher's outputs in closed form.

The other layers stay. That takes minutes, and suits students that were trained on the
outputs of another teacher, or on other speech.
"""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import audonnx
import numpy as np
import onnx
import pandas as pd

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill import augment
from audw2s.distill.clips import readable_clips
from audw2s.distill.fit_head import match_std
from audw2s.distill.origins import of_corpus
from audw2s.distill.origins import of_teacher
from audw2s.distill.teachers.python import open_teacher
from audw2s.distill.teachers.ridge import NO_CLIPS
from audw2s.distill.teachers.ridge import RidgeSums
from audw2s.model.find import sha256
from audw2s.model.load import load
from audw2s.model.origins import PROPERTY
from audw2s.model.origins import origins_of
from audw2s.model.registry import DIMENSIONS
from audw2s.model.store import properties
from audw2s.model.store import save
from audw2s.version import __version__

CLIP_DUR = 10.0
"""Seconds of a clip that are used."""


def fit_model_head(
    model: str,
    corpora: Mapping[str, float],
    out: str,
    *,
    teacher: str = "whisper-tiny-adv",
    penalty: float = 200.0,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
    verbose: bool = False,
) -> str:
    """Fit the last layer of a model to a teacher's outputs, and write a model folder.

    Each clip is used twice: as it is, and in another recording, see
    :func:`another_recording`. The teacher gives values for both. On the clips as they
    are, values of the model have the standard deviation of the teacher's.

    Args:
        model: name or folder of a student, see :func:`audw2s.load`
        corpora: paths, see :func:`audw2s.corpus.lists.corpus.read_corpus`, with the
            weight of a clip of each
        out: folder of the model
        teacher: name or folder of the teacher, mean of models, or function of a Python
            file
        penalty: see :func:`audw2s.distill.teachers.ridge.fit_ridge`
        name: name of the model, by default that of the student
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        verbose: show progress bars

    Returns:
        sha256 of the ONNX file

    Raises:
        FileNotFoundError: if a corpus isn't there
        ValueError: if the model's last layer isn't linear, or a value isn't finite

    """
    student, judge = load(model), open_teacher(teacher)
    rng = np.random.default_rng(0)
    total, kept = NO_CLIPS, []
    origins = origins_of(model) | of_teacher(teacher)
    for path, weight in corpora.items():
        table = read_corpus(path, columns)
        origins |= of_corpus(path, table)
        for _, signals in recordings(table, rng, verbose):
            features = outputs(student, signals, "hidden_states")
            targets = np.array([judge(s)[: len(DIMENSIONS)] for s in signals], float)
            total += RidgeSums.of(features, targets) * weight
            kept.append((features[0], targets[0]))
    if not kept:
        raise ValueError("There is no clip that can be read.")
    head = total.fit(penalty)
    if not np.isfinite(head[0]).all():
        raise ValueError(f"'{model}' or '{teacher}' gives values that aren't finite.")
    features, targets = map(np.array, zip(*kept, strict=True))
    head = match_std(targets, features @ head[0].T + head[1], *head)
    original = onnx.load(student.path)
    entries = properties(original) | {"version": __version__}
    entries |= {"head_fitted_from": sha256(student.path)}
    entries |= {"name": name or entries["name"], PROPERTY: origins.to_json()}
    labels = student.labels("logits")
    return save(with_head(original, *head), out, entries, labels=labels)


def outputs(
    model: audonnx.Model, signals: Sequence[np.ndarray], name: str
) -> np.ndarray:
    """Output of a model for signals, ``(num_signals, size)``, float64."""
    values = [model(signal[None], SAMPLING_RATE)[name][0] for signal in signals]
    return np.array(values, np.float64)


def recordings(
    table: pd.DataFrame, rng: np.random.Generator, verbose: bool = False
) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Yield the row of each clip of a table, and it as it is and another recording."""
    for number, clip in readable_clips(table, desc="Clips", verbose=verbose):
        clip = clip[: int(CLIP_DUR * SAMPLING_RATE)]
        yield number, [clip, another_recording(clip, rng)]


def another_recording(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Signal as another recording of it: in another tone, mostly in a room, in noise.

    Args:
        signal: ``(num_samples,)``, 16 kHz
        rng: source of randomness

    Examples:
        >>> signal = np.random.default_rng(0).standard_normal(16000)
        >>> another_recording(signal, np.random.default_rng(1)).shape
        (16000,)

    """
    signal = augment.equalise(signal, 12, rng)
    if rng.random() < 0.6:
        response = augment.room(rng.uniform(0.1, 0.7), rng.uniform(-15, 0), rng)
        signal = augment.reverberate(signal, response)
    if rng.random() < 0.5:
        noise = augment.equalise(rng.standard_normal(len(signal)), 15, rng)
        signal = augment.mix(signal, noise, rng.uniform(10, 35))
    return signal.astype(np.float32)


def with_head(
    model: onnx.ModelProto, weight: np.ndarray, bias: np.ndarray
) -> onnx.ModelProto:
    """Replace the last layer of a model, in place.

    Args:
        model: model whose ``logits`` come from a linear layer
        weight: ``(3, num_features)``
        bias: ``(3,)``

    Raises:
        ValueError: if they don't

    """
    last = next(node for node in model.graph.node if "logits" in node.output)
    weights = {entry.name: entry for entry in model.graph.initializer}
    shape = list(weight.shape)
    if last.op_type != "Gemm" or list(weights[last.input[1]].dims) != shape:
        raise ValueError("The model's last layer isn't linear.")
    for name, values in zip(last.input[1:], (weight, bias), strict=True):
        tensor = onnx.numpy_helper.from_array(values.astype(np.float32), name)
        weights[name].CopyFrom(tensor)
    return model
