"""audEERING's wav2vec2 for A/D/V (arXiv 2203.07378), one half of the paper's teacher.

Our module for its published weights. They are CC BY-NC-SA 4.0.
"""

import os
from typing import Any

import torch
from torch import nn
from transformers import Wav2Vec2Config
from transformers import Wav2Vec2Model

from audw2s.distill.students.frontend import Normalise
from audw2s.distill.students.frontend import extend
from audw2s.distill.teachers import wav2vec2

SIZES = {**wav2vec2.SIZES, "num_hidden_layers": 12}
"""Sizes of the published network."""

FORM = {**wav2vec2.FORM, "conv_bias": True}

KEYS = {
    **wav2vec2.position_keys("wav2vec2.", "encoder."),
    "wav2vec2.": "encoder.",
    "classifier.dense.": "dense.",
    "classifier.out_proj.": "adv.",
}
"""Prefixes of published keys, and their names in our module."""

UNUSED = ("wav2vec2.masked_spec_embed",)
"""Published keys that only training needs."""


class Dawn(wav2vec2.Teacher):
    """Wav2vec 2.0, mean over time, and two layers for A/D/V.

    Args:
        sizes: sizes of ``config.json``, see :data:`SIZES`

    Shape:
        - signal ``(batch, time)``, 16 kHz, at least 64 samples
        - hidden states ``(batch, 1024)``
        - logits ``(batch, 3)``: arousal, dominance, valence, unclipped
    """

    def __init__(self, sizes: dict[str, Any]):
        values = {**sizes, **FORM, **wav2vec2.FROZEN, "attn_implementation": "eager"}
        config = Wav2Vec2Config(**values)
        super().__init__(Wav2Vec2Model(config))
        self.normalise = Normalise()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.adv = nn.Linear(config.hidden_size, 3)

    @classmethod
    def from_folder(cls, folder: str) -> "Dawn":
        """Load the published ``config.json`` and ``model.safetensors``.

        Raises:
            FileNotFoundError: if one of them isn't there
            ValueError: if one is damaged, describes another network, or a weight is
                missing, unknown, or has a wrong shape

        """
        path = os.path.join(folder, "config.json")
        form = {**FORM, "pooling_mode": "mean"}
        config, sizes = wav2vec2.read_config(path, form, SIZES)
        missing = (SIZES | FORM).keys() - config.keys()
        if missing:
            raise ValueError(f"'{path}' has no {', '.join(sorted(missing))}.")
        with wav2vec2.building(path):
            network = cls(sizes)
        return network.load(folder, KEYS, UNUSED)

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return hidden states and logits."""
        signal = extend(self.normalise(signal), self.min_samples)
        hidden_states = self.encoder(signal).last_hidden_state.mean(dim=1)
        return hidden_states, self.adv(torch.tanh(self.dense(hidden_states)))
