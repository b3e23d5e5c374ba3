"""The Odyssey 2024 challenge's baseline for A/D/V, one half of the paper's teacher.

Our module for its published weights (3loi/SER-Odyssey-Baseline-WavLM-Multi-Attributes).
They are MIT.
"""

import math
import os
from typing import Any

import torch
from torch import nn
from transformers import WavLMConfig
from transformers import WavLMModel

from audw2s.distill.students.frontend import extend
from audw2s.distill.teachers import wav2vec2

SIZES = {
    **wav2vec2.SIZES,
    "num_hidden_layers": 24,
    "num_buckets": 320,
    "max_bucket_distance": 800,
}
"""Sizes of WavLM Large, which the published ``config.json`` gives by name only."""

FORM = {**wav2vec2.FORM, "conv_bias": False}

MEAN = -8.278621631819787e-05
STD = 0.08485510250851999
"""Mean and standard deviation of all training samples, from ``config.json``.

That the mean is subtracted with this sign is inferred: a check needs the weights.
"""

KEYS = {
    **wav2vec2.position_keys("ssl_model.", "encoder."),
    "ssl_model.": "encoder.",
    "pool_model.sap_linear.": "pool.linear.",
    "pool_model.attention": "pool.attention",
    "ser_model.fc.0.0.": "dense.",
    "ser_model.fc.0.1.": "norm.",
    "ser_model.out.0.": "adv.",
}
"""Prefixes of published keys, and their names in our module."""

UNUSED = ("ssl_model.masked_spec_embed",)
"""Published keys that only training needs."""


class AttentivePooling(nn.Module):
    """Mean and standard deviation over time, weighted by attention.

    Attentive statistics pooling, arXiv 1803.10963.

    Shape:
        ``(batch, frames, width)`` -> ``(batch, 2 * width)``
    """

    def __init__(self, width: int):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.attention = nn.Parameter(torch.zeros(width, 1))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return means, then standard deviations."""
        weight = torch.tanh(self.linear(hidden)) @ self.attention
        weight = torch.softmax(weight, dim=1)
        mean = (weight * hidden).sum(dim=1)
        # Deviation: published as Σ w h² - mean², which is the same but for rounding.
        # If frames are alike, as in silence, rounding is all that is left of that
        variance = (weight * (hidden - mean[:, None]).square()).sum(dim=1)
        return torch.cat([mean, torch.sqrt(torch.clamp(variance, min=1e-5))], dim=1)


class Odyssey(wav2vec2.Teacher):
    """WavLM, attentive statistics pooling, and two layers for A/D/V.

    It was trained on 12 s at most.

    Args:
        sizes: sizes of ``config.json``, see :data:`SIZES`
        mean: mean that is subtracted from the signal
        std: standard deviation that the signal is divided by

    Shape:
        - signal ``(batch, time)``, 16 kHz, at least 64 samples
        - hidden states ``(batch, 2048)``: means, then standard deviations
        - logits ``(batch, 3)``: arousal, dominance, valence, unclipped
    """

    def __init__(self, sizes: dict[str, Any], mean: float = MEAN, std: float = STD):
        config = WavLMConfig(**sizes, **FORM, **wav2vec2.FROZEN)
        super().__init__(WavLMModel(config))
        width = config.hidden_size
        self.mean = mean
        self.std = std
        self.pool = AttentivePooling(width)
        self.dense = nn.Linear(2 * width, width)
        self.norm = nn.LayerNorm(width)
        self.adv = nn.Linear(width, 3)

    @classmethod
    def from_folder(cls, folder: str) -> "Odyssey":
        """Load the published ``config.json`` and ``model.safetensors``.

        Raises:
            FileNotFoundError: if one of them isn't there
            ValueError: if one is damaged, describes another network, or a weight is
                missing, unknown, or has a wrong shape

        """
        path = os.path.join(folder, "config.json")
        form = {**FORM, "ssl_type": "microsoft/wavlm-large"}
        config, sizes = wav2vec2.read_config(path, form, SIZES)
        mean, std = config.get("mean", MEAN), config.get("std", STD)
        if not (is_finite(mean) and is_finite(std) and std > 0):
            raise ValueError(f"'{path}' has mean {mean!r} and std {std!r}.")
        with wav2vec2.building(path):
            network = cls(SIZES | sizes, mean, std)
        return network.load(folder, KEYS, UNUSED)

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return hidden states and logits."""
        signal = (signal - self.mean) / (self.std + 1e-6)
        signal = extend(signal, self.min_samples)
        hidden_states = self.pool(self.encoder(signal).last_hidden_state)
        hidden = torch.relu(self.norm(self.dense(hidden_states)))
        return hidden_states, self.adv(hidden)


def is_finite(value: object) -> bool:
    """Whether a value is a number, and not NaN or infinite."""
    # Not isinstance: true is an int
    return type(value) is int or (type(value) is float and math.isfinite(value))
