"""Wav2Small 2.0 with 15K parameters, as published on the Hugging Face hub."""

import numpy as np
import torch
from torch import nn

from audw2s.distill.students.frontend import Normalise
from audw2s.distill.students.frontend import constant
from audw2s.distill.students.frontend import hann_dft
from audw2s.distill.students.frontend import slaney_mel


def dft_conv(filters: np.ndarray) -> nn.Conv1d:
    """Convolution with fixed filters ``(33, 64)``, hop 32, no padding."""
    conv = nn.Conv1d(1, 33, 64, stride=32, bias=False)
    conv.weight = nn.Parameter(constant(filters[:, None]), requires_grad=False)
    return conv


class Spectrogram(nn.Module):
    """Power spectrogram of 33 bins.

    Shape:
        ``(batch, time)`` -> ``(batch, (time - 64) // 32 + 1, 33)``
    """

    def __init__(self):
        super().__init__()
        self.conv_real, self.conv_imag = map(dft_conv, hann_dft(64))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        """Return ``re² + im²``."""
        signal = signal[:, None]
        power = self.conv_real(signal).square() + self.conv_imag(signal).square()
        return power.transpose(1, 2)


class LogMelBands(nn.Module):
    """26 mel bands; filters and floor come with the weights.

    Shape:
        ``(batch, frames, 33)`` -> ``(batch, 1, frames, 26)``, in dB
    """

    # Names are those of the published keys
    melW: torch.Tensor  # noqa: N815
    amin: torch.Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("melW", constant(slaney_mel(16000, 64, 26)))
        self.register_buffer("amin", torch.tensor([1e-10]))

    def forward(self, power: torch.Tensor) -> torch.Tensor:
        """Return ``10 log10(max(mel power, amin))``."""
        return 10 * torch.log10(torch.maximum(power @ self.melW, self.amin))[:, None]


class ConvBlock(nn.Module):
    """3×3 convolution, batch normalisation, ReLU; keeps ``(time, mel)``."""

    def __init__(self, num_in: int, num_out: int):
        super().__init__()
        self.conv = nn.Conv2d(num_in, num_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(num_out)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Apply the three."""
        return torch.relu(self.norm(self.conv(maps)))


class Vgg7(nn.Module):
    """Seven convolutions; holds the front end and the pooling, as the file does.

    Its ``forward`` runs the convolutions alone: that is what a training computes in
    half precision.

    Shape:
        log-mel ``(batch, 1, frames, 26)`` -> ``(batch, 13, ceil(frames / 2), 13)``
    """

    def __init__(self):
        super().__init__()
        self.spectrogram_extractor = Spectrogram()
        self.logmel_extractor = LogMelBands()
        self.l1 = ConvBlock(1, 13)
        self.l2 = ConvBlock(13, 13)
        self.l3 = ConvBlock(13, 13)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.l4 = ConvBlock(13, 13)
        self.l5 = ConvBlock(13, 13)
        self.l6 = ConvBlock(13, 13)
        self.l7 = ConvBlock(13, 13)
        self.lin = nn.Conv2d(13, 13, 1)
        self.sof = nn.Conv2d(13, 13, 1)

    def forward(self, logmel: torch.Tensor) -> torch.Tensor:
        """Return the maps of the last convolution."""
        maps = self.pool(self.l3(self.l2(self.l1(logmel))))
        return self.l7(self.l6(self.l5(self.l4(maps))))


class Wav2Small2(nn.Module):
    """Wav2Small 2.0, ``audeering/wav2small`` on the Hugging Face hub.

    15,030 parameters, with the 4,224 fixed ones of the DFT and without the buffers:
    859 values of ``melW`` and ``amin``, and the statistics of the normalisations.
    The published ``model.safetensors`` loads strictly and without a map of keys;
    its terms are CC BY-NC-SA 4.0, and it is not part of this package.

    That the signal is normalised as for :class:`Wav2Small`, and that maps are pooled
    after the third block, are **inferred**: the keys don't tell, and outputs were not
    compared with those of the published weights.

    Shape:
        - signal ``(batch, time)``, 16 kHz, at least 64 samples
        - hidden states ``(batch, 338)``
        - logits ``(batch, 3)``: arousal, dominance, valence, unclipped

    Examples:
        >>> network = Wav2Small2().eval()
        >>> sum(p.numel() for p in network.parameters())
        15030
        >>> len(network.state_dict())
        52
        >>> hidden_states, logits = network(torch.zeros(2, 16000))
        >>> hidden_states.shape
        torch.Size([2, 338])

    """

    def __init__(self):
        super().__init__()
        self.normalise = Normalise()
        self.vgg7 = Vgg7()
        self.adv = nn.Linear(13 * 26, 3)

    @property
    def body(self) -> nn.Module:
        """Convolutions; not a second attribute, which would double the keys."""
        return self.vgg7

    def maps(self, signal: torch.Tensor) -> torch.Tensor:
        """Return ``(batch, 13, tokens, 13)``: channel, time, mel."""
        power = self.vgg7.spectrogram_extractor(self.normalise(signal))
        # Maps may come as bfloat16 from a training on such hardware
        return self.body(self.vgg7.logmel_extractor(power)).float()

    def tokens(self, signal: torch.Tensor) -> torch.Tensor:
        """Return ``(batch, tokens, 169)``, 250 tokens a second."""
        return self.maps(signal).transpose(1, 2).flatten(2)

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return hidden states and logits."""
        maps = self.maps(signal)
        shares = self.vgg7.sof(maps).softmax(dim=2)
        pooled = (self.vgg7.lin(maps) * shares).sum(dim=2)
        gram = pooled @ pooled.transpose(1, 2)
        hidden_states = torch.cat([pooled, gram], dim=2).flatten(1)
        return hidden_states, self.adv(hidden_states)
