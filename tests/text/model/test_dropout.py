"""Dropout against what its definition says."""

import torch

from pyg_grapheme.text.model.dropout import Dropout


def test_features_are_dropped_with_the_probability_and_the_others_scaled() -> None:
    for p in (0.1, 0.5, 0.9):
        torch.manual_seed(0)
        x = torch.full((200, 500), 3.0, requires_grad=True)
        dropped = Dropout(p)(x)
        kept = dropped != 0
        torch.testing.assert_close(dropped[kept], torch.full_like(dropped[kept], 3 / (1 - p)))
        # Ten standard deviations of the mean of 1e5 Bernoulli numbers.
        assert abs(kept.double().mean() - (1 - p)) < 10 * (p * (1 - p) / x.numel()) ** 0.5, p
        dropped.sum().backward()
        torch.testing.assert_close(x.grad, kept / (1 - p))


def test_it_draws_where_the_features_are() -> None:
    x = torch.ones(4)
    with torch.device("meta"):
        assert Dropout(0.5)(x).device == x.device


def test_the_type_stays() -> None:
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        assert Dropout(0.5)(torch.ones(4, dtype=dtype)).dtype == dtype, dtype


def test_nothing_is_dropped_at_zero_nor_when_predicting() -> None:
    x = torch.randn(50)
    assert Dropout(0.0)(x).equal(x)
    assert Dropout(0.9).eval()(x).equal(x)


def test_all_is_dropped_at_one() -> None:
    assert Dropout(1.0)(torch.ones(5)).eq(0).all()
