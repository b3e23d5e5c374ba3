"""Muon: against torch's own, and the formula; which parameters of a student it has."""

import dataclasses

import numpy as np
import pytest
import torch

from audw2s.distill.config import Config
from audw2s.distill.muon import Muon
from audw2s.distill.muon import orthogonalise
from audw2s.distill.students import STUDENTS
from audw2s.distill.train import make_optimisers


def literal_orthogonal(matrix: np.ndarray) -> np.ndarray:
    """Singular values through the polynomial five times, by a decomposition."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.linalg.norm(matrix)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left * values @ right


@pytest.mark.parametrize("shape", [(13, 117), (117, 13), (9, 9), (1, 4)])
def test_singular_values_come_near_1(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    result = orthogonalise(torch.from_numpy(matrix)).numpy()
    np.testing.assert_allclose(result, literal_orthogonal(matrix), atol=1e-9)
    values = np.linalg.svd(result, compute_uv=False)
    assert (0.6 < values).all() and (values < 1.3).all()


def steps(weight: torch.Tensor, optimiser: torch.optim.Optimizer) -> torch.Tensor:
    """Five steps with gradients that are the same for all."""
    rng = torch.Generator().manual_seed(1)
    for _ in range(5):
        weight.grad = torch.randn(weight.shape, generator=rng)
        optimiser.step()
    return weight


def test_changes_are_those_of_torch():
    torch.manual_seed(0)
    ours = torch.nn.Parameter(torch.randn(13, 20))
    theirs = torch.nn.Parameter(ours.detach().clone())
    settings = {"lr": 0.02, "weight_decay": 0.1}
    steps(ours, Muon([ours], **settings))
    steps(theirs, torch.optim.Muon([theirs], **settings))
    # torch orthogonalises with 8 bits
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=0)


def test_convolution_is_a_matrix_with_a_row_for_each_output_channel():
    torch.manual_seed(0)
    kernel = torch.nn.Parameter(torch.randn(5, 4, 3, 3))
    matrix = torch.nn.Parameter(kernel.detach().flatten(1).clone())
    for weight in (kernel, matrix):
        # The same gradients, in another shape
        steps(weight, Muon([weight], lr=0.02, weight_decay=0.1))
    torch.testing.assert_close(kernel.flatten(1), matrix)


@pytest.mark.parametrize("name", STUDENTS)
def test_each_parameter_has_one_optimiser(name):
    student = STUDENTS[name]()
    config = Config({"a.csv": 1.0}, student=name, muon_rate=0.02)
    imitation = torch.nn.Linear(student.adv.in_features, 2)
    adam, muon = make_optimisers(student, imitation, config)
    matrices, others = (set(o.param_groups[0]["params"]) for o in (muon, adam))
    trained = {p for p in student.parameters() if p.requires_grad}
    assert matrices | others == trained | set(imitation.parameters())
    assert not matrices & others
    assert all(p.ndim > 1 for p in matrices)
    assert {*student.adv.parameters(), *imitation.parameters()} <= others
    without = dataclasses.replace(config, muon_rate=0.0)
    (adam,) = make_optimisers(student, imitation, without)
    assert isinstance(adam, torch.optim.AdamW)
    assert len(adam.param_groups[0]["params"]) == len(trained) + 2
