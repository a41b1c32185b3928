"""Dot products of pairs against gathered rows, to the second derivative."""

import pytest
import torch

from pyg_grapheme.nn.pool.scores.pair_product import pair_dot

PAIRS = torch.tensor([[0, 0, 1, 4], [1, 2, 3, 5]])


@pytest.mark.parametrize("width", [0, 1, 5])
def test_equals_the_dot_product_of_gathered_rows(width: int) -> None:
    x = torch.randn(6, width, generator=torch.Generator().manual_seed(0))
    for name, pairs in {
        "sorted": PAIRS,
        "unsorted": PAIRS.flip(1),
        "reversed": PAIRS.flip(0),
        "none": PAIRS[:, :0],
        "repeated": torch.tensor([[2, 2], [2, 2]]),
        "strided": PAIRS.T.contiguous().T,
    }.items():
        expected = (x[pairs[0]] * x[pairs[1]]).sum(1)
        torch.testing.assert_close(pair_dot(x, pairs), expected, msg=name)


def test_strided_rows() -> None:
    x = torch.randn(5, 6, generator=torch.Generator().manual_seed(0)).T.requires_grad_()
    expected = torch.autograd.grad((x[PAIRS[0]] * x[PAIRS[1]]).sum(1).square().sum(), x)
    found = torch.autograd.grad(pair_dot(x, PAIRS).square().sum(), x)
    torch.testing.assert_close(found, expected)


def test_gradcheck_to_the_second_derivative() -> None:
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: pair_dot(x, PAIRS), x)
    assert torch.autograd.gradgradcheck(lambda x: pair_dot(x, PAIRS).sin(), x)


def test_autocast_does_not_round() -> None:
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    plain = torch.autograd.grad(pair_dot(x, PAIRS).square().sum(), x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = torch.autograd.grad(pair_dot(x, PAIRS).square().sum(), x)
    torch.testing.assert_close(plain, cast, rtol=0, atol=0)
