"""Blocks of exits, against their formulas."""

import numpy as np
import pytest
import torch

from audw2s.distill.exits.blocks import BLOCKS
from audw2s.distill.exits.blocks import make_block


def lstm(hidden, state):
    """Step by step, from a state of zeros."""
    w, u, b, c = (
        state[f"rnn.{name}_l0"].double().numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    width = hidden.shape[1]
    h, cell, states = np.zeros(width), np.zeros(width), []
    for x in hidden:
        i, f, g, o = np.split(w @ x + b + u @ h + c, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(cell)
        states.append(h)
    return np.array(states)


def gru(hidden, state):
    w, u, b, c = (
        state[f"rnn.{name}_l0"].double().numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    h, states = np.zeros(hidden.shape[1]), []
    for x in hidden:
        (r, z, n), (p, q, m) = np.split(w @ x + b, 3), np.split(u @ h + c, 3)
        z = sigmoid(z + q)
        h = (1 - z) * np.tanh(n + sigmoid(r + p) * m) + z * h
        states.append(h)
    return np.array(states)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def selu(x):
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))


@pytest.mark.parametrize("name, literal", [("lstm", lstm), ("gru", gru)])
def test_recurrent_blocks_follow_their_formulas(name, literal):
    torch.manual_seed(0)
    block = make_block(name, 6).eval()
    hidden = torch.randn(2, 7, 6)
    with torch.inference_mode():
        states = block(hidden).numpy()
        assert np.array_equal(states, block(hidden).numpy())
    for one, values in zip(hidden.double().numpy(), states, strict=True):
        x = literal(one, block.state_dict())
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        np.testing.assert_allclose(values, selu(x), atol=1e-5)


def test_the_convolutional_block_follows_its_formula():
    torch.manual_seed(0)
    block = make_block("cnn", 6).train()
    hidden = torch.randn(2, 7, 6)
    x = block.conv.weight.item() * hidden.double().numpy()
    expected = np.maximum(0, (x - x.mean()) / np.sqrt(x.var() + 1e-5))
    np.testing.assert_allclose(block(hidden).detach().numpy(), expected, atol=1e-5)
    assert sum(p.numel() for p in block.parameters()) == 3
    assert set(BLOCKS) == {"cnn", "lstm", "gru"}
