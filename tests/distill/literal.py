"""The paper's teachers step by step, in NumPy's float64, from published weights.

A second implementation, for one signal: no batches, no transformers.
"""

import math

import numpy as np

erf = np.vectorize(math.erf)


def dawn(signal, weights, num_heads):
    """Hidden states ``(width,)`` and logits ``(3,)``."""
    w = Weights(weights)
    x = signal.astype(np.float64)
    x = extend((x - x.mean()) / np.sqrt(x.var() + 1e-7))
    encoder = w.below("wav2vec2")
    hidden = positions(features(x, encoder), encoder.below("encoder"))
    for layer in encoder.all_below("encoder.layers"):
        inner = layer_norm(hidden, layer.below("layer_norm"))
        hidden = hidden + attend(inner, layer.below("attention"), num_heads)
        hidden = hidden + feed_forward(hidden, layer)
    hidden = layer_norm(hidden, encoder.below("encoder.layer_norm"))
    mean = hidden.mean(axis=0)
    inner = np.tanh(linear(mean, w.below("classifier.dense")))
    return mean, linear(inner, w.below("classifier.out_proj"))


def odyssey(signal, weights, num_heads):
    """Hidden states ``(2 * width,)`` and logits ``(3,)``."""
    w = Weights(weights)
    x = signal.astype(np.float64) - -8.278621631819787e-05
    x = extend(x / (0.08485510250851999 + 0.000001))
    encoder = w.below("ssl_model")
    hidden = positions(features(x, encoder), encoder.below("encoder"))
    bias = position_bias(
        len(hidden), encoder["encoder.layers.0.attention.rel_attn_embed.weight"]
    )
    for layer in encoder.all_below("encoder.layers"):
        inner = layer_norm(hidden, layer.below("layer_norm"))
        hidden = hidden + attend(inner, layer.below("attention"), num_heads, bias)
        hidden = hidden + feed_forward(hidden, layer)
    hidden = layer_norm(hidden, encoder.below("encoder.layer_norm"))
    pooled = attentive_statistics(hidden, w.below("pool_model"))
    inner = layer_norm(
        linear(pooled, w.below("ser_model.fc.0.0")), w.below("ser_model.fc.0.1")
    )
    return pooled, linear(np.maximum(inner, 0), w.below("ser_model.out.0"))


class Weights:
    """Published weights by their keys, or those below a key."""

    def __init__(self, weights):
        self.weights = weights

    def __getitem__(self, key):
        return np.asarray(self.weights[key], np.float64)

    def __contains__(self, key):
        return key in self.weights

    def below(self, key):
        start = f"{key}."
        return Weights(
            {k[len(start) :]: v for k, v in self.weights.items() if k.startswith(start)}
        )

    def all_below(self, key):
        numbers = {int(k.split(".")[0]) for k in self.below(key).weights}
        return [self.below(f"{key}.{number}") for number in sorted(numbers)]


def extend(x):
    """At least the 25 ms that a frame is made of."""
    return np.concatenate([x, np.zeros(max(0, 400 - len(x)))])


def linear(x, w):
    return x @ w["weight"].T + w["bias"]


def layer_norm(x, w):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5) * w["weight"] + w["bias"]


def gelu(x):
    return x * 0.5 * (1 + erf(x / np.sqrt(2)))


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def conv(x, kernel, stride):
    """``(time, in)`` with a kernel ``(out, in, size)`` to ``(frames, out)``."""
    size = kernel.shape[2]
    starts = range(0, len(x) - size + 1, stride)
    return np.stack([np.einsum("ti,oit->o", x[s : s + size], kernel) for s in starts])


def features(signal, w):
    """Seven convolutions, then a projection: ``(frames, width)``."""
    x = signal[:, None]
    layers = w.all_below("feature_extractor.conv_layers")
    for layer, stride in zip(layers, (5, 2, 2, 2, 2, 2, 2), strict=True):
        x = conv(x, layer["conv.weight"], stride)
        if "conv.bias" in layer:
            x = x + layer["conv.bias"]
        x = gelu(layer_norm(x, layer.below("layer_norm")))
    x = layer_norm(x, w.below("feature_projection.layer_norm"))
    return linear(x, w.below("feature_projection.projection"))


def positions(x, w):
    """Add a convolution with padding, in groups, whose kernel is normalised."""
    w = w.below("pos_conv_embed.conv")
    v = w["weight_v"]
    kernel = w["weight_g"] * v / np.sqrt((v**2).sum(axis=(0, 1), keepdims=True))
    num_in, size = kernel.shape[1:]
    groups = x.shape[1] // num_in
    padded = np.pad(x, ((size // 2, size // 2), (0, 0)))
    parts = zip(np.split(padded, groups, axis=1), np.split(kernel, groups), strict=True)
    y = np.concatenate([conv(part, k, 1) for part, k in parts], axis=1)
    # An even kernel gives one frame too many
    return x + gelu((y + w["bias"])[: len(x)])


def attend(x, w, num_heads, bias=None):
    """Multi-head attention; WavLM's has a position bias that each query gates."""
    heads = []
    width = x.shape[1] // num_heads
    q, k, v = (linear(x, w.below(f"{n}_proj")) for n in "qkv")
    for head in range(num_heads):
        columns = slice(head * width, (head + 1) * width)
        scores = q[:, columns] @ k[:, columns].T / np.sqrt(width)
        if bias is not None:
            scores = scores + gate(x[:, columns], w, head)[:, None] * bias[head]
        heads.append(softmax(scores, axis=1) @ v[:, columns])
    return linear(np.concatenate(heads, axis=1), w.below("out_proj"))


def gate(x, w, head):
    """WavLM's gate of one head: ``(frames, width of the head)`` to ``(frames,)``."""
    inner = linear(x, w.below("gru_rel_pos_linear"))
    update, reset = (
        1 / (1 + np.exp(-inner[:, part].sum(axis=1))) for part in np.s_[:4, 4:]
    )
    return update * (reset * w["gru_rel_pos_const"][0, head, 0, 0] - 1) + 2


def position_bias(num_frames, embedding):
    """``(heads, frames, frames)``: of the distance from the query to the key."""
    bias = np.zeros((embedding.shape[1], num_frames, num_frames))
    for query in range(num_frames):
        for key in range(num_frames):
            bias[:, query, key] = embedding[bucket(key - query)]
    return bias


def bucket(distance):
    """Exact up to 79, then logarithmic up to 800; other ones for later keys."""
    far = abs(distance)
    if far >= 80:
        far = min(159, 80 + int(80 * math.log(far / 80) / math.log(800 / 80)))
    return far + 160 * (distance > 0)


def feed_forward(x, w):
    x = layer_norm(x, w.below("final_layer_norm"))
    x = gelu(linear(x, w.below("feed_forward.intermediate_dense")))
    return linear(x, w.below("feed_forward.output_dense"))


def attentive_statistics(hidden, w):
    scores = np.tanh(linear(hidden, w.below("sap_linear"))) @ w["attention"]
    weight = softmax(scores, axis=0)
    mean = (weight * hidden).sum(axis=0)
    variance = (weight * hidden**2).sum(axis=0) - mean**2
    return np.concatenate([mean, np.sqrt(np.maximum(variance, 1e-5))])
