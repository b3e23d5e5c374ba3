"""Signals, corpora, networks and formulas that several tests need."""

import os

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import soundfile
import torch
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from audw2s.distill.teachers.whisper import Size

TOY = Size(d_model=16, encoder_layers=3, encoder_attention_heads=2, encoder_ffn_dim=32)
"""Widths of a small Whisper encoder."""


def random_encoder(num_positions=1500):
    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=TOY.d_model,
        encoder_layers=TOY.encoder_layers,
        encoder_attention_heads=TOY.encoder_attention_heads,
        encoder_ffn_dim=TOY.encoder_ffn_dim,
        num_mel_bins=80,
        max_source_positions=num_positions,
    )
    return WhisperEncoder(config).eval()


def noise(length, seed=0):
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(length)).astype(np.float32)


def voice(seed: int, duration: float) -> np.ndarray:
    """A buzz whose pitch glides and whose level pulses, in some noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(duration * 16000)) / 16000
    pitch = rng.uniform(80, 300) * (1 + 0.3 * np.sin(rng.uniform(1, 5) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    tones = sum(np.sin(k * phase) / k ** rng.uniform(0.5, 2) for k in range(1, 9))
    pulses = 0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(1, 8) * time)
    noise = rng.standard_normal(len(time)) * rng.uniform(0, 0.3)
    return (0.1 * (tones * pulses + noise)).astype(np.float32)


def voices(seed: int) -> np.ndarray:
    """A batch of ten."""
    return np.stack([voice(seed * 10 + number, 0.6) for number in range(10)])


def make_corpus(
    folder: str,
    num_speakers: int,
    num_clips: int,
    duration: float = 0.6,
    seed: int = 0,
) -> str:
    """Write clips, each rated by three; return the path of their table."""
    rng = np.random.default_rng(seed)
    os.makedirs(os.path.join(folder, "audio"), exist_ok=True)
    rows = []
    for number in range(num_speakers * num_clips):
        speaker = f"{number % num_speakers:02d}"
        file = f"audio/{speaker}_{number:03d}.wav"
        signal = voice(1000 * seed + number, duration + 0.01 * (number % 7))
        soundfile.write(os.path.join(folder, file), signal, 16000)
        row = {"file": file, "speaker": speaker}
        for rater in (1, 2, 3):
            for name in ("arousal", "dominance", "valence"):
                row[f"rater{rater}_{name}"] = rng.integers(2, 11) / 2
        rows.append(row)
    path = os.path.join(folder, "clips.csv")
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def weights_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Weights by their names."""
    initializers = model.graph.initializer
    return {w.name: onnx.numpy_helper.to_array(w) for w in initializers}


def run(model: onnx.ModelProto, signal: np.ndarray) -> list[np.ndarray]:
    """Hidden states and logits of one signal, ``(num_samples,)``."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(["hidden_states", "logits"], {"signal": signal[None]})


def with_weights(
    model: onnx.ModelProto,
    values: dict[str, np.ndarray],
) -> onnx.ModelProto:
    """Copy of a model with other values of some weights."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    weights = {weight.name: weight for weight in copy.graph.initializer}
    for name, value in values.items():
        assert list(weights[name].dims) == list(value.shape)
        value = onnx.numpy_helper.from_array(value.astype(np.float32), name)
        weights[name].CopyFrom(value)
    return copy


def primal_ridge(features, targets, penalty):
    """``(XᵀX + penalty I)⁻¹ Xᵀy`` on standardised features."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    x, y = (features - mean) / spread, targets - targets.mean(axis=0)
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))
    weight = (inverse @ x.T @ y).T / spread
    return weight, targets.mean(axis=0) - weight @ mean
