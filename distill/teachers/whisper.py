"""Teacher of this package: layers of Whisper's encoder with an A/D/V head.

It is fitted to human ratings, and isn't the paper's teacher.
"""

import dataclasses
import os

import numpy as np
import torch
from torch import nn
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from audw2s.distill.students.frontend import Normalise
from audw2s.distill.students.frontend import constant
from audw2s.distill.students.frontend import extend
from audw2s.distill.students.frontend import hann_dft
from audw2s.distill.students.frontend import slaney_mel
from audw2s.distill.teachers.checkpoint import SAME_KEYS
from audw2s.distill.teachers.checkpoint import load_strictly
from audw2s.distill.teachers.checkpoint import read_tensors
from audw2s.distill.teachers.checkpoint import read_weights
from audw2s.distill.teachers.checkpoint import write_tensors


@dataclasses.dataclass(frozen=True)
class Size:
    """Widths of a Whisper encoder."""

    d_model: int
    encoder_layers: int
    encoder_attention_heads: int
    encoder_ffn_dim: int
    num_mel_bins: int = 80


SIZES = {"tiny": Size(384, 4, 6, 1536), "base": Size(512, 6, 8, 2048)}
"""Widths of the encoders that can be a teacher's backbone."""

PUBLISHED_KEYS = {"model.encoder.": ""}
"""Prefix of published keys of the encoder, and its name in our module."""

DECODER = ("model.decoder.", "proj_out.")
"""Prefixes of published keys that no teacher needs: the decoder, which transcribes."""

LEVEL = 0.05
"""Root mean square to which every clip is scaled, similar to that of read speech."""

QUIET = 1e-3
"""Energy, relative to that of the speech, at which a token has half weight: -30 dB."""

MAX_DUR = 30.0
"""Seconds that Whisper's positions cover."""


def load_encoder(path: str, size: Size) -> WhisperEncoder:
    """Load an encoder from safetensors, every key and shape matched.

    Args:
        path: file, or folder with a ``model.safetensors``, of Whisper as published, or
            with the keys of transformers' ``WhisperEncoder``
        size: widths of the encoder

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if it is no safetensors file, or a key is missing, unknown, or
            has a wrong shape

    """
    weights = read_weights(path) if os.path.isdir(path) else read_tensors(path)[0]
    return make_encoder(weights, size, path)


def make_encoder(
    weights: dict[str, torch.Tensor], size: Size, path: str
) -> WhisperEncoder:
    """Make an encoder of weights, see :func:`load_encoder`."""
    encoder = WhisperEncoder(WhisperConfig(**dataclasses.asdict(size)))
    is_whole = any(key.startswith(tuple(PUBLISHED_KEYS)) for key in weights)
    key_map = PUBLISHED_KEYS if is_whole else SAME_KEYS
    load_strictly(encoder, weights, key_map, path, DECODER)
    return encoder.eval().requires_grad_(False)


def save_head(network: "WhisperTeacher", path: str) -> None:
    """Write the head, and which layers it uses.

    Together with the encoder as published by OpenAI it is the whole teacher.
    """
    weights = {k: v.detach().clone() for k, v in network.adv.state_dict().items()}
    metadata = {"layers": ",".join(map(str, network.read))}
    if network.speech_only:
        metadata["pooling"] = "speech"
    write_tensors(weights, path, metadata)


def load_published(
    weights: dict[str, torch.Tensor], size: str, head: str, path: str
) -> "WhisperTeacher":
    """Make a teacher from Whisper's published weights and a head.

    Args:
        weights: all weights of Whisper by their published keys
        size: name of the size, one of :data:`SIZES`
        head: path of a file of :func:`save_head`
        path: where the weights are from, for errors

    Raises:
        ValueError: if a key is missing, unknown, or has a wrong shape

    """
    encoder = make_encoder(weights, SIZES[size], path)
    values, metadata = read_tensors(head)
    layers = tuple(map(int, metadata["layers"].split(",")))
    network = WhisperTeacher(encoder, layers, metadata.get("pooling") == "speech")
    load_strictly(network.adv, values, SAME_KEYS, head)
    return network.eval().requires_grad_(False)


class WhisperLogMel(nn.Module):
    """Whisper's log-mel, on the clip's true length.

    Whisper pads each clip to 30 s; here it is padded to half a second at most.

    Shape:
        ``(batch, time)`` -> ``(batch, 80, frames)``, 100 frames a second
    """

    min_samples = 8000

    dft: torch.Tensor
    mel: torch.Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("dft", constant(np.concatenate(hann_dft(400))[:, None]))
        mel = constant(slaney_mel(16000, 400, 80))
        self.register_buffer("mel", mel.T.contiguous())

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        """Return scaled log10 mel power, at most 8 below the clip's maximum."""
        signal = extend(signal, self.min_samples)
        signal = nn.functional.pad(signal[:, None], (200, 200), mode="reflect")
        spectrum = nn.functional.conv1d(signal, self.dft, stride=160)[..., :-1]
        real, imag = spectrum.chunk(2, dim=1)
        mel = self.mel @ (real.square() + imag.square())
        log = torch.log10(torch.clamp(mel, min=1e-10))
        log = torch.maximum(log, log.amax(dim=(1, 2), keepdim=True) - 8)
        return (log + 4) / 4


class WhisperTeacher(nn.Module):
    """Mean and deviation over time of some encoder layers, and a linear head.

    The early layers carry the emotion, the last ones the words: layers above
    the last one that is used are not part of the network.

    Each clip is scaled to the same level first: Whisper's states depend on the level of
    a recording, and the gain of a microphone would change arousal and dominance.

    Args:
        encoder: Whisper's encoder
        layers: layers whose hidden states are used, 0 before the first layer
        speech_only: whether tokens are weighted by their energy, so that silence has no
            weight; else all have the same weight

    Shape:
        - signal ``(batch, time)``, 16 kHz, 64 samples to 30 s
        - hidden states ``(batch, 2 * width * len(layers))``
        - logits ``(batch, 3)``: arousal, dominance, valence, unclipped

    Raises:
        ValueError: if the encoder doesn't have all the layers
    """

    def __init__(
        self,
        encoder: WhisperEncoder,
        layers: tuple[int, ...] = (1, 2, 3),
        speech_only: bool = True,
    ):
        super().__init__()
        count = len(encoder.layers)
        if not layers or min(layers) < 0 or max(layers) > count:
            raise ValueError(f"Layers are 0 to {count}, got {list(layers)}.")
        self.normalise = Normalise(epsilon=0.0)
        self.logmel = WhisperLogMel()
        self.conv1 = encoder.conv1
        self.conv2 = encoder.conv2
        self.positions = encoder.embed_positions
        self.layers = encoder.layers[: max(layers)]
        self.read = layers
        self.speech_only = speech_only
        width = encoder.config.d_model
        self.adv = nn.Linear(2 * width * len(layers), 3)

    def features(self, signal: torch.Tensor) -> torch.Tensor:
        """Return the pooled hidden states."""
        logmel = self.logmel(LEVEL * self.normalise(signal))
        hidden = nn.functional.gelu(self.conv1(logmel))
        hidden = nn.functional.gelu(self.conv2(hidden)).transpose(1, 2)
        hidden = hidden + self.positions.weight[: hidden.shape[1]]
        states = [hidden]
        for layer in self.layers:
            states.append(layer(states[-1], None))
        weight = loudness(logmel) if self.speech_only else None
        pooled = [pool(states[number], weight) for number in self.read]
        return torch.cat(pooled, dim=1)

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return hidden states and logits."""
        hidden_states = self.features(signal)
        return hidden_states, self.adv(hidden_states)


def loudness(logmel: torch.Tensor) -> torch.Tensor:
    """Weights of tokens: 1 where they are as loud as the speech, 0 where it is silent.

    ``e / (e + r / 1000)`` for a token's energy ``e`` and the energy ``r`` of the
    speech: the mean of all energies, weighted by themselves.

    Shape:
        ``(batch, 80, frames)`` -> ``(batch, tokens, 1)``, half as many tokens as frames
    """
    energy = torch.pow(10.0, 4 * logmel - 4).mean(dim=1, keepdim=True)
    # Tokens are two frames apart, and depend on the frames around them
    energy = nn.functional.avg_pool1d(energy, 5, stride=2, padding=2)
    speech = energy.square().sum(dim=2, keepdim=True) / energy.sum(dim=2, keepdim=True)
    return (energy / (energy + QUIET * speech)).transpose(1, 2)


def pool(hidden: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Mean and standard deviation over time.

    Args:
        hidden: hidden states
        weight: weight of each token, equal by default

    Shape:
        ``(batch, tokens, width)``, ``(batch, tokens, 1)`` -> ``(batch, 2 * width)``
    """
    if weight is None:
        weight = torch.ones_like(hidden[:, :, :1])
    share = weight / weight.sum(dim=1, keepdim=True)
    mean = (share * hidden).sum(dim=1)
    variance = (share * (hidden - mean[:, None]).square()).sum(dim=1)
    return torch.cat([mean, torch.sqrt(variance + 1e-12)], dim=1)
