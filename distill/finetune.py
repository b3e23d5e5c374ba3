"""Train an exported student further, on one's own speech."""

import os
import warnings
from collections.abc import Sequence

import numpy as np
import onnx
import torch
from torch import nn

from audw2s.audio.preprocess import load as read
from audw2s.distill.augment import crop
from audw2s.distill.config import Config
from audw2s.distill.export import check_parity
from audw2s.distill.export import tolerance
from audw2s.distill.labels import RATINGS
from audw2s.distill.origins import write_origins
from audw2s.distill.students import STUDENTS
from audw2s.distill.students.student import Student
from audw2s.distill.teachers.checkpoint import write_tensors
from audw2s.distill.train import train
from audw2s.errors import DataWarning
from audw2s.files import clips_folder
from audw2s.model.load import load
from audw2s.model.origins import origins_of
from audw2s.model.store import properties

NUM_SAMPLES = 32000
"""Samples of each example clip from which statistics are taken."""


def finetune(
    model: str,
    corpora: Sequence[str],
    folder: str,
    *,
    teacher: str | None = None,
    scale: tuple[float, float] | None = None,
    steps: int = 300,
    learning_rate: float = 3e-4,
    verbose: bool = True,
) -> nn.Module:
    """Train an exported student further; called again, resume the training.

    Args:
        model: name or folder of a student, see :func:`audw2s.load`
        corpora: paths, see :func:`audw2s.corpus.lists.corpus.read_corpus`; clips of
            each are drawn equally often
        folder: folder of the training, see :func:`audw2s.distill.train.train`
        teacher: name or folder of the model whose values it learns, a mean of models,
            or a function of a Python file; by default it learns the ratings of the
            corpora
        scale: lowest and highest rating, if the corpora don't define them
        steps: steps of the optimiser
        learning_rate: highest learning rate
        verbose: show a progress bar

    Returns:
        the trained student

    Raises:
        ValueError: see :func:`write_weights` and :func:`audw2s.distill.train.train`

    """
    # Deviation: students of the paper learn from teachers only, never from ratings
    start = os.path.join(folder, "start")
    student = write_weights(model, start)
    config = Config(
        dict.fromkeys(corpora, 1.0),
        teacher=teacher or Config.teacher,
        labels=None if teacher else RATINGS,
        scale=scale,
        student=student,
        start=start,
        steps=steps,
        warmup=steps // 10,
        learning_rate=learning_rate,
        ema=0.99,
    )
    return train(config, folder, verbose=verbose)


def write_weights(model: str, folder: str) -> str:
    """Write the weights of an exported student as ``student.safetensors``.

    A training begins with them if its setting ``start`` is the folder.

    Args:
        model: name or folder of a student, see :func:`audw2s.load`
        folder: folder of the file, which is made

    Returns:
        name of the student's architecture

    Raises:
        ValueError: if the model is no student in floats

    """
    content = onnx.load(load(model).path)
    name = properties(content).get("student", "")
    if any(output.name == "speech" for output in content.graph.output):
        warnings.warn(
            f"The layer of '{model}' that tells which tokens are speech isn't among "
            "the weights: 'audw2s distill speech' adds one to the trained student.",
            DataWarning,
            stacklevel=2,
        )
    try:
        network = restored(content, example_signals())
        check_parity(network, content, tolerance(network))
    except KeyError as error:
        raise ValueError(
            f"'{model}' has no {error}: the weights of a student that 'audw2s distill "
            "export' wrote, and that isn't in integers, are needed."
        ) from None
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "student.safetensors")
    write_tensors(network.state_dict(), path, {"student": name})
    write_origins(origins_of(model), folder)
    return name


def example_signals() -> torch.Tensor:
    """Batch of speech, ``(num_clips, num_samples)``, from the example clips."""
    rng = np.random.default_rng(0)
    paths = sorted(os.scandir(clips_folder()), key=lambda entry: entry.name)
    clips = [crop(read(entry.path), NUM_SAMPLES, rng) for entry in paths]
    return torch.from_numpy(np.stack(clips))


def restored(model: onnx.ModelProto, signals: torch.Tensor) -> Student:
    """Make the network of an exported student, in evaluation mode.

    Its values are those of the model. In the export, normalisations are merged with
    the convolutions before them; here they get the statistics of signals, as if the
    network had been trained on these.

    Args:
        model: model of :func:`audw2s.distill.export.student_to_onnx`
        signals: speech ``(batch, time)``

    Raises:
        KeyError: if the model lacks weights, as one in integers does

    """
    network = STUDENTS[properties(model).get("student", "student")]()
    if not isinstance(network, Student):
        raise KeyError("weight")
    weights = {
        weight.name: torch.tensor(onnx.numpy_helper.to_array(weight))
        for weight in model.graph.initializer
    }
    with torch.no_grad():
        for name, layer in network.body.named_modules():
            if isinstance(layer, nn.Conv2d):
                _restore_convolution(layer, f"body.{name}", weights)
            elif isinstance(layer, nn.BatchNorm2d):
                convolution = name.rpartition(".")[0]
                bias = weights.get(f"body.{convolution}.0.weight_bias")
                if bias is not None:
                    layer.bias.copy_(bias[: layer.num_features])
                layer.register_forward_pre_hook(_take_statistics)
        for part in ("weight", "bias"):
            lin, sof = weights[part].squeeze().chunk(2)
            getattr(network.pooling.lin, part).copy_(lin)
            getattr(network.pooling.sof, part).copy_(sof)
            getattr(network.adv, part).copy_(weights[f"adv.{part}"])
        network.eval()(signals)
    for layer in network.modules():
        layer._forward_pre_hooks.clear()
    return network


def _restore_convolution(
    layer: nn.Conv2d, name: str, weights: dict[str, torch.Tensor]
) -> None:
    merged = f"{name}.weight" not in weights and layer.kernel_size == (1, 1)
    num_out, num_in = layer.weight.shape[:2]
    if merged:  # with the pooling
        nn.init.dirac_(layer.weight)
    else:
        # Time is the last axis of the export, and channels are padded with zeros
        weight = weights[f"{name}.weight"].transpose(2, 3)
        layer.weight.copy_(weight[:num_out, :num_in])
    if layer.bias is not None:
        bias = torch.zeros(num_out) if merged else weights[f"{name}.bias"]
        layer.bias.copy_(bias[:num_out])


def _take_statistics(layer: nn.BatchNorm2d, inputs: tuple[torch.Tensor, ...]) -> None:
    """Give a normalisation the statistics of its input, with the same values."""
    (maps,) = inputs
    mean, variance = maps.mean((0, 2, 3)), maps.var((0, 2, 3), unbiased=False)
    state = {
        "running_mean": mean,
        "running_var": variance,
        "weight": torch.sqrt(variance + layer.eps),
        "bias": layer.bias + mean,
    }
    layer.load_state_dict(state, strict=False)
