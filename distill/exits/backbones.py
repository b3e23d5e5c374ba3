"""Speech encoders of transformers, layer by layer.

Each is split into its fixed front end, the embedding, and the layers, so that only the
needed layers are kept. Their input is the same: mono at 16 kHz, normalised over the
clip, tiled or cut to one length.
"""

import abc
import copy
from collections.abc import Iterator
from typing import cast

import torch
from torch import nn
from transformers import HubertConfig
from transformers import HubertModel
from transformers import PretrainedConfig
from transformers import PreTrainedModel
from transformers import Wav2Vec2Config
from transformers import Wav2Vec2Model
from transformers import WavLMConfig
from transformers import WavLMModel
from transformers import WhisperConfig
from transformers.models.wavlm.modeling_wavlm import WavLMEncoderLayer
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from audw2s.distill.students.frontend import Normalise
from audw2s.distill.teachers.wav2vec2 import UNMASKED
from audw2s.distill.teachers.whisper import LEVEL
from audw2s.distill.teachers.whisper import MAX_DUR
from audw2s.distill.teachers.whisper import WhisperLogMel

SAMPLES = 95_744
"""Samples to which every clip is tiled or cut, 5.984 s at 16 kHz."""

MODELS: dict[str, tuple[type[PretrainedConfig], type[PreTrainedModel]]] = {
    "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model),
    "wavlm": (WavLMConfig, WavLMModel),
    "hubert": (HubertConfig, HubertModel),
    "whisper": (WhisperConfig, WhisperEncoder),
}
"""Families by the ``model_type`` of their ``config.json``."""


def fit(signal: torch.Tensor, samples: int = SAMPLES) -> torch.Tensor:
    """Tile or cut a signal to a number of samples.

    It can be exported: a graph does the same for signals of any length.

    Shape:
        ``(batch, time)`` -> ``(batch, samples)``

    Examples:
        >>> fit(torch.tensor([[1, 2, 3]]), 7)
        tensor([[1, 2, 3, 1, 2, 3, 1]])
        >>> fit(torch.tensor([[1, 2, 3]]), 2)
        tensor([[1, 2]])

    """
    # Counted and not read from the shape: the exporter takes a remainder of tensors
    time = torch.ones_like(signal[0], dtype=torch.int64).sum()
    return signal[:, torch.arange(samples, device=signal.device) % time]


class FrontEnd(nn.Module):
    """What networks read: clips, normalised, and tiled or cut to one length.

    Args:
        samples: number of samples to which each clip is tiled or cut

    """

    def __init__(self, samples: int = SAMPLES):
        super().__init__()
        self.samples = samples
        self.normalise = Normalise()

    def front(self, signal: torch.Tensor) -> torch.Tensor:
        """Fixed front end, whose output can be computed once and stored.

        Shape:
            ``(batch, time)`` -> ``(batch, samples)``, or features of them
        """
        return fit(self.normalise(signal), self.samples)

    def freeze(self, depth: int) -> None:
        """Freeze the first layers, and all before them."""


class Trainable(nn.Module):
    """Network behind a front end, or with an encoder of its own."""

    backbone: FrontEnd

    depths: tuple[int, ...] = ()
    """Layers of the exits, the deepest last."""


class Backbone(FrontEnd, abc.ABC):
    """Encoder whose layers are applied one by one.

    Args:
        model: encoder of transformers
        samples: number of samples to which each clip is tiled or cut

    """

    layers: nn.ModuleList
    norm: nn.Module
    """Normalisation after the last layer; each exit has a copy.

    Encoders that normalise after each layer, as wav2vec 2.0 base, have none.
    """

    def __init__(self, model: PreTrainedModel, samples: int = SAMPLES):
        super().__init__(samples)
        self.config: PretrainedConfig = model.config

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return self.config.hidden_size

    @abc.abstractmethod
    def embed(self, inputs: torch.Tensor) -> torch.Tensor:
        """Hidden states before the layers, from the output of :meth:`front`."""

    def arguments(self, hidden: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Arguments of all layers besides the hidden states: no mask."""
        return (None,)

    def states(
        self, hidden: torch.Tensor, after: int = 0
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Apply one layer after the other.

        Args:
            hidden: hidden states after an earlier layer
            after: number of that layer, 0 for the output of :meth:`embed`

        Yields:
            number of the layer, and the hidden states after it

        """
        others = self.arguments(hidden)
        for number in range(after + 1, len(self.layers) + 1):
            output = self.layers[number - 1](hidden, *others)
            # WavLM's layers return the bias of positions as well
            hidden = output[0] if isinstance(output, tuple) else output
            yield number, hidden

    def cut(self, depth: int) -> "Backbone":
        """Copy of the encoder with only its first layers.

        Raises:
            ValueError: if there are fewer

        """
        if not 1 <= depth <= len(self.layers):
            raise ValueError(f"Layers are 1 to {len(self.layers)}, got {depth}.")
        # Others aren't copied: those of a large encoder take a gigabyte
        layers = copy.deepcopy(self.layers[:depth])
        return copy.deepcopy(self, {id(self.layers): layers})

    def freeze(self, depth: int) -> None:
        """Freeze the first layers, and all before them."""
        if depth:
            self.requires_grad_(False)
            self.layers[depth:].requires_grad_(True)


class Convolutional(Backbone):
    """Wav2vec 2.0 and its relatives: convolutions on the signal, then layers."""

    def __init__(self, model: Wav2Vec2Model, samples: int = SAMPLES):
        super().__init__(model, samples)
        self.convolutions = model.feature_extractor
        # Else gradients are computed even if weights are frozen from outside
        self.convolutions._requires_grad = False
        self.projection = model.feature_projection
        self.positions = model.encoder.pos_conv_embed
        self.dropout = model.encoder.dropout
        self.layers = model.encoder.layers
        stable = self.config.do_stable_layer_norm
        norm = model.encoder.layer_norm
        self.before = nn.Identity() if stable else norm
        self.norm = norm if stable else nn.Identity()

    def embed(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the projected and positioned frames, 50 a second."""
        hidden = self.projection(self.convolutions(inputs).transpose(1, 2))
        # Wav2vec 2.0 returns the normalised convolutions as well
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        return self.dropout(self.before(hidden + self.positions(hidden)))


class WavLM(Convolutional):
    """WavLM: all layers share a bias of positions, computed by the first one."""

    def arguments(self, hidden: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """No mask, and the bias ``(batch * heads, tokens, tokens)`` of distances."""
        count = hidden.shape[1]
        first = cast(WavLMEncoderLayer, self.layers[0])
        bias = first.attention.compute_bias(count, count)
        return None, bias.repeat(hidden.shape[0], 1, 1)


class Whisper(Backbone):
    """Whisper's encoder, on clips of any length up to 30 s.

    The log-mel is part of the fixed front end. Clips are scaled to one level first, as
    Whisper's states depend on the level of a recording.
    """

    positions: torch.Tensor

    def __init__(self, model: WhisperEncoder, samples: int = SAMPLES):
        super().__init__(model, samples)
        if samples > MAX_DUR * 16000:
            raise ValueError(f"Whisper processes {MAX_DUR:g} s at most.")
        self.logmel = WhisperLogMel()
        self.conv1, self.conv2 = model.conv1, model.conv2
        tokens = (max(samples, self.logmel.min_samples) // 160 + 1) // 2
        positions = model.embed_positions.weight[:tokens].detach().clone()
        self.register_buffer("positions", positions)
        self.layers = model.layers
        self.norm = model.layer_norm

    def front(self, signal: torch.Tensor) -> torch.Tensor:
        """Return the log-mel ``(batch, 80, frames)``, 100 frames a second."""
        return self.logmel(LEVEL * super().front(signal))

    def embed(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the positioned frames, 50 a second."""
        hidden = nn.functional.gelu(self.conv1(inputs))
        hidden = nn.functional.gelu(self.conv2(hidden)).transpose(1, 2)
        return hidden + self.positions


KINDS: dict[str, type[Backbone]] = {"wavlm": WavLM, "whisper": Whisper}
"""Classes of the families that aren't :class:`Convolutional` alone."""


def make_model(settings: dict) -> PreTrainedModel:
    """Make an encoder of transformers with random weights.

    Args:
        settings: content of a ``config.json``

    Raises:
        ValueError: if its ``model_type`` is unknown

    """
    kind = settings.get("model_type")
    if kind not in MODELS:
        raise ValueError(f"'model_type' is one of {', '.join(MODELS)}, got '{kind}'.")
    config_class, model_class = MODELS[kind]
    config = config_class.from_dict({**settings, **UNMASKED})
    return model_class(config)


def make_backbone(settings: dict, samples: int = SAMPLES) -> Backbone:
    """Make a backbone with random weights.

    Args:
        settings: content of a ``config.json``
        samples: number of samples to which each clip is tiled or cut

    """
    return take_apart(make_model(settings), samples)


def take_apart(model: PreTrainedModel, samples: int = SAMPLES) -> Backbone:
    """Make a backbone of an encoder of transformers."""
    return KINDS.get(model.config.model_type, Convolutional)(model, samples)
