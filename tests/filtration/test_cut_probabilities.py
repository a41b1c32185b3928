"""Probabilities of cuts, against SciPy and closed forms."""

import math
from itertools import pairwise

import pytest
import torch
from scipy.special import expit

from pyg_grapheme.filtration import cut_probabilities, sampled_log_prob


# Float32 scores near 0.7 are 6e-8 apart, so heights closer than about 1e-6 would hardly be two.
@pytest.mark.parametrize("gap", [0.3, 0.003, 1e-5])
@pytest.mark.parametrize("temperature", [1.0, 0.01])
def test_probabilities_keep_their_digits_in_float32(temperature: float, gap: float) -> None:
    height = torch.tensor([0.9 - k * gap for k in range(4)])
    tau = torch.tensor(0.69)
    found = cut_probabilities(height, torch.tensor([4]), tau, temperature)
    logits = [math.inf, *((h - tau.item()) / temperature for h in height.tolist()), -math.inf]
    # sigmoid(a) - sigmoid(b) = sinh((a - b) / 2) / (2 cosh(a / 2) cosh(b / 2)), in float64.
    expected = [expit(-logits[1])]
    for a, b in pairwise(logits[1:-1]):
        expected.append(math.sinh((a - b) / 2) / (2 * math.cosh(a / 2) * math.cosh(b / 2)))
    expected.append(expit(logits[-2]))
    error = max(abs(p - q) / q for p, q in zip(found.tolist(), expected, strict=True))
    assert error < 1e-5


def test_probabilities_of_several_graphs_do_not_mix() -> None:
    height = torch.tensor([0.9, 0.2, 0.5], dtype=torch.double)
    tau = torch.tensor(0.6, dtype=torch.double)
    found = cut_probabilities(height, torch.tensor([0, 2, 0, 1, 0]), tau, 0.1)
    s9, s2, s5 = expit(3.0), expit(-4.0), expit(-1.0)
    expected = [1, 1 - s9, s9 - s2, s2, 1, 1 - s5, s5, 1]
    torch.testing.assert_close(found, torch.tensor(expected).double())


def test_gradcheck_of_the_probabilities() -> None:
    height = torch.tensor([0.9, 0.2, 0.5], dtype=torch.double, requires_grad=True)
    tau = torch.tensor(0.6, dtype=torch.double, requires_grad=True)
    steps = torch.tensor([0, 2, 1])
    assert torch.autograd.gradcheck(lambda h, t: cut_probabilities(h, steps, t, 0.1), (height, tau))


def test_the_log_probability_of_a_sample_is_that_of_its_cut() -> None:
    height = torch.tensor([0.9, 0.2, 0.5], dtype=torch.double)
    steps, tau = torch.tensor([0, 2, 1]), torch.tensor(0.6, dtype=torch.double)
    probability = cut_probabilities(height, steps, tau, 0.1)
    sampled = torch.tensor([0.3, 0.4, 0.5], dtype=torch.double)
    found = sampled_log_prob(height, steps, tau, 0.1, sampled)
    # Above a height, or at it, a threshold leaves its step out: cuts 0, 1 and 0 of the graphs.
    torch.testing.assert_close(found, probability[[0, 2, 4]].log())
