"""Log-mel front end inside the network: DFT as convolution, then mel bands."""

import numpy as np
import torch
from torch import nn


def hann_dft(n_fft: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine filters of a DFT with a periodic Hann window.

    Returns:
        two arrays ``(n_fft // 2 + 1, n_fft)``

    Examples:
        >>> real, imag = hann_dft(4)
        >>> real.round(2) + 0.0
        array([[ 0. ,  0.5,  1. ,  0.5],
               [ 0. ,  0. , -1. ,  0. ],
               [ 0. , -0.5,  1. , -0.5]])

    """
    time = np.arange(n_fft)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / n_fft)
    angle = 2 * np.pi * np.outer(np.arange(n_fft // 2 + 1), time) / n_fft
    return window * np.cos(angle), -window * np.sin(angle)


def slaney_mel(sampling_rate: int, n_fft: int, num_mels: int) -> np.ndarray:
    """Triangular mel filters, Slaney's scale and area normalisation.

    Slaney's mel scale is linear up to 1000 Hz (15 mel) and logarithmic above
    (27 mel per factor of 6.4).

    Returns:
        ``(n_fft // 2 + 1, num_mels)``

    Examples:
        >>> slaney_mel(16000, 64, 26).shape
        (33, 26)

    """
    step = np.log(6.4) / 27
    top = 15 + np.log(sampling_rate / 2 / 1000) / step
    mels = np.linspace(0, top, num_mels + 2)
    edges = np.where(
        mels < 15, mels * 200 / 3, 1000 * np.exp(step * np.maximum(mels - 15, 0))
    )
    frequencies = np.linspace(0, sampling_rate / 2, n_fft // 2 + 1)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return triangles * 2 / (high - low)


LEAST_VARIANCE = 1e-14
"""Variance that silence is taken to have, -140 dB."""


class Normalise(nn.Module):
    """Zero mean and unit variance over the clip, never in place.

    Args:
        epsilon: added to the variance; ``1e-7`` is that of a signal at -70 dB, with 0
            the level doesn't count at all

    Shape:
        ``(batch, time)`` -> ``(batch, time)``
    """

    def __init__(self, epsilon: float = 1e-7):
        super().__init__()
        self.epsilon = epsilon

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        """Return ``(x - mean) / sqrt(var + epsilon)``."""
        centred = signal - signal.mean(dim=1, keepdim=True)
        variance = centred.square().mean(dim=1, keepdim=True)
        if not self.epsilon:
            return centred / torch.sqrt(torch.clamp(variance, min=LEAST_VARIANCE))
        return centred / torch.sqrt(variance + self.epsilon)


def extend(signal: torch.Tensor, min_samples: int) -> torch.Tensor:
    """Append zeros to a signal that is too short, in a way that can be exported.

    Shape:
        ``(batch, time)`` -> ``(batch, max(time, min_samples))``
    """
    # Deviation: published teachers take no signal of less than a frame, 25 ms, and
    # the models of this package take all of 64 samples or more
    silence = signal.new_zeros(1, min_samples).expand(signal.shape[0], -1)
    length = torch.sym_max(signal.shape[1], min_samples)
    return torch.cat([signal, silence], dim=1)[:, :length]


def constant(values: np.ndarray) -> torch.Tensor:
    """Make a tensor of float32."""
    return torch.tensor(values, dtype=torch.float32)


class LogMel(nn.Module):
    """Log-mel spectrogram of Wav2Small: 33 bins, 26 bands, 500 frames a second.

    No padding, no ``top_db``: both would let a frame depend on the batch.

    Shape:
        ``(batch, time)`` -> ``(batch, 1, (time - 64) // 32 + 1, 26)``, in dB
    """

    hop_length = 32

    mel: torch.Tensor

    def __init__(self):
        super().__init__()
        real, imag = (constant(part[:, None]) for part in hann_dft(64))
        # Fixed, but counted among the 71,801 parameters of the network
        self.real = nn.Parameter(real, requires_grad=False)
        self.imag = nn.Parameter(imag, requires_grad=False)
        self.register_buffer("mel", constant(slaney_mel(16000, 64, 26)))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        """Return ``10 log10(max(mel power, 1e-10))``."""
        signal = signal[:, None]
        real = nn.functional.conv1d(signal, self.real, stride=self.hop_length)
        imag = nn.functional.conv1d(signal, self.imag, stride=self.hop_length)
        power = (real.square() + imag.square()).transpose(1, 2)
        return 10 * torch.log10(torch.clamp(power @ self.mel, min=1e-10))[:, None]
