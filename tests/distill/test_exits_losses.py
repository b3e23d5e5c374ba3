"""Losses of exits, against golden values of their formulas."""

import dataclasses
import importlib.util
import json
import pathlib

import numpy as np
import pytest
import torch

from audw2s.distill.exits.config import Config
from audw2s.distill.exits.losses import kl_divergence
from audw2s.distill.exits.losses import layerwise_loss
from audw2s.distill.exits.losses import total_loss
from audw2s.distill.exits.model import ExitOutput

HERE = pathlib.Path(__file__).parents[1] / "golden"
GOLDEN = json.loads((HERE / "exits.json").read_text())


def literal():
    spec = importlib.util.spec_from_file_location("exits", HERE / "make_exits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exit_outputs(grad=False):
    numbers = GOLDEN["numbers"]

    def tensor(key):
        return torch.tensor(numbers[key], dtype=torch.float64, requires_grad=grad)

    return {
        depth: ExitOutput(*(tensor(f"{name}.{w}") for w in ExitOutput._fields))
        for depth, name in [(3, "exit1"), (8, "exit2"), (12, "teacher")]
    }


def truth(of_classes=True):
    values = GOLDEN["numbers"]["classes" if of_classes else "values"]
    kind = torch.int64 if of_classes else torch.float64
    return torch.tensor(values, dtype=kind)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=str)
def test_losses_have_their_golden_values(case):
    alpha, beta, gamma = case["weights"]
    config = Config(
        "",
        "",
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        similarity=case["similarity"],
        compared=case["compared"],
        reference_kl=case.get("reference", False),
    )
    loss = total_loss(exit_outputs(), truth(case.get("of_classes", True)), config)
    assert loss.item() == pytest.approx(case["loss"], abs=1e-7)


def test_golden_values_are_reproduced_by_their_script():
    script = literal()
    numbers = script.drawn()
    assert {k: v.tolist() for k, v in numbers.items()} == GOLDEN["numbers"]
    assert [{k: v for k, v in c.items() if k != "loss"} for c in GOLDEN["cases"]] == [
        *script.CASES
    ]
    for case in GOLDEN["cases"]:
        settings = {k: v for k, v in case.items() if k != "loss"}
        actual = script.total(numbers, **settings)
        assert actual == pytest.approx(case["loss"], abs=1e-8)


@pytest.mark.parametrize("of_classes", [True, False])
def test_a_detached_teacher_learns_nothing_from_its_students(of_classes):
    exact, among = exit_outputs(grad=True), exit_outputs(grad=True)
    config = Config("", "", similarity="l1+cosine", alpha=5.0, beta=7.0)
    total_loss({12: exact[12]}, truth(of_classes), config).backward()
    detached = dataclasses.replace(config, detach_teacher=True)
    total_loss(among, truth(of_classes), detached).backward()
    assert torch.equal(exact[12].logits.grad, among[12].logits.grad)
    assert among[12].embedding.grad is None
    for depth in (3, 8):
        assert among[depth].embedding.grad.abs().sum() > 0
        assert among[depth].logits.grad.abs().sum() > 0
    # As in the paper's equations
    both = exit_outputs(grad=True)
    total_loss(both, truth(of_classes), config).backward()
    assert both[12].embedding.grad.abs().sum() > 0
    assert not torch.equal(exact[12].logits.grad, both[12].logits.grad)


def test_the_divergence_of_equal_logits_is_zero():
    logits = torch.randn(5, 4)
    assert kl_divergence(logits, logits).item() == pytest.approx(0, abs=1e-6)
    assert kl_divergence(logits, logits, True).item() != pytest.approx(0, abs=1e-2)


def test_the_layerwise_loss_follows_its_formula():
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 2, 3, 4))
    dots = (one * other).sum(-1)
    norms = np.sqrt((one**2).sum(-1) * (other**2).sum(-1))
    expected = np.abs(one - other).mean() - np.mean(
        np.log(1 / (1 + np.exp(-dots / norms)))
    )
    actual = layerwise_loss(torch.from_numpy(one), torch.from_numpy(other))
    assert actual.item() == pytest.approx(expected)
