"""Common parts of the teachers of wav2vec 2.0's family, with stable layer norm."""

import contextlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import Self

import torch
from torch import nn
from torch.nn.utils import parametrize
from transformers import Wav2Vec2Model
from transformers import WavLMModel

from audw2s.distill.teachers.checkpoint import load_strictly
from audw2s.distill.teachers.checkpoint import read_json
from audw2s.distill.teachers.checkpoint import read_weights
from audw2s.model.registry import DIMENSIONS

SIZES: dict[str, Any] = {
    "hidden_size": 1024,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
}
"""Sizes of the large models, by their names in ``config.json``."""

FORM: dict[str, Any] = {
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "feat_extract_norm": "layer",
    "feat_extract_activation": "gelu",
    "do_stable_layer_norm": True,
}
"""Other settings of the large models, besides their sizes."""

UNMASKED: dict[str, Any] = {
    "apply_spec_augment": False,
    "mask_time_prob": 0.0,
    "mask_feature_prob": 0.0,
    "layerdrop": 0.0,
    "encoder_layerdrop": 0.0,
}
"""Settings without masking and without random omission of layers."""

FROZEN: dict[str, Any] = {
    **UNMASKED,
    **dict.fromkeys(("hidden_dropout", "activation_dropout"), 0.0),
    **dict.fromkeys(("attention_dropout", "feat_proj_dropout"), 0.0),
}
"""Settings that switch off all that only training needs."""

LABELS = {"id2label": {str(n): name for n, name in enumerate(DIMENSIONS)}}
"""Names of the outputs in their order, as in ``config.json``."""


def read_config(path: str, form: dict, known: dict) -> tuple[dict, dict]:
    """Read a ``config.json`` that has to describe our module.

    Weights of another network can have the same keys and shapes.

    Args:
        path: path of the file
        form: fields besides the sizes and the order of outputs, with their values;
            they may not be there
        known: sizes with their published values: numbers, or lists of as many numbers

    Returns:
        its content, and the sizes in it

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if it is damaged, or describes another network, or a size isn't
            made of whole numbers of at least 1

    """
    config = read_json(path)
    for name, value in {**form, **LABELS}.items():
        if config.get(name, value) != value:
            raise ValueError(f"'{path}' has {name} {config[name]!r}, not {value!r}.")
    sizes = {name: config[name] for name in known if name in config}
    for name, value in sizes.items():
        if not is_like(value, known[name]):
            needed = f"sizes such as {known[name]} are needed"
            raise ValueError(f"'{path}' has {name} {value!r}, {needed}.")
    return config, sizes


def is_like(value: object, known: int | list[int]) -> bool:
    """Whether a value is a size, or a list of as many sizes as a known one."""
    if isinstance(known, int):
        # Not isinstance: true is an int
        return type(value) is int and value > 0
    if not isinstance(value, list) or len(value) != len(known):
        return False
    return all(map(is_like, value, known))


def receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Number of samples that one frame depends on.

    Examples:
        >>> receptive_field(SIZES["conv_kernel"], SIZES["conv_stride"])
        400

    """
    samples = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples


@contextlib.contextmanager
def building(path: str) -> Iterator[None]:
    """Context in which a network is built without allocating weights.

    Raises:
        ValueError: if the sizes don't fit each other; it names the file

    """
    try:
        with torch.device("meta"):
            yield
    except ValueError as error:
        raise ValueError(f"'{path}' describes no network: {error}") from error


class Teacher(nn.Module):
    """Teacher with an encoder of wav2vec 2.0's family.

    Args:
        encoder: encoder of frames

    """

    def __init__(self, encoder: Wav2Vec2Model | WavLMModel):
        super().__init__()
        config = encoder.config
        self.min_samples = receptive_field(config.conv_kernel, config.conv_stride)
        self.encoder = encoder

    def load(
        self, folder: str, key_map: dict[str, str], ignored: tuple[str, ...]
    ) -> Self:
        """Load the weights of a folder, and make the network ready for use.

        The weight norm is computed once, and not for each signal. See
        :func:`audw2s.distill.teachers.checkpoint.load_strictly` for the arguments.

        Raises:
            FileNotFoundError: if there are no weights
            ValueError: if they are damaged, or one is missing, unknown, or has a wrong
                shape

        """
        load_strictly(self, read_weights(folder), key_map, folder, ignored)
        conv = self.encoder.get_submodule("encoder.pos_conv_embed.conv")
        parametrize.remove_parametrizations(conv, "weight")
        return self.eval().requires_grad_(False)


def position_keys(theirs: str, ours: str) -> dict[str, str]:
    """Map older names of the weight norm of positions to current ones.

    Checkpoints written before torch 2.1 have the older ones.

    Args:
        theirs: published prefix of the encoder
        ours: its name in the network

    """
    conv = "encoder.pos_conv_embed.conv"
    return {
        f"{theirs}{conv}.weight_g": f"{ours}{conv}.parametrizations.weight.original0",
        f"{theirs}{conv}.weight_v": f"{ours}{conv}.parametrizations.weight.original1",
    }
