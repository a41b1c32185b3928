"""Outputs of pools in every form are read, and others are named in the error."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_grapheme.testing.pooled import run_pool

X = torch.rand(2, 3)
EDGES = torch.tensor([[0], [1]])
WEIGHT = torch.rand(1)
BATCH = torch.tensor([0, 0])


class Returns(nn.Module):
    """Returns a fixed output."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: Tensor, edge_index: Tensor, *, batch: Tensor) -> Any:
        return self.output


def run(output: Any) -> tuple[Tensor | None, ...]:
    return tuple(run_pool(Returns(output), Data(x=X, edge_index=EDGES)))


def test_every_form_of_output_is_read() -> None:
    for output, attr in [
        ((X, EDGES, None, BATCH, torch.tensor([0, 1]), WEIGHT), None),
        ((X, EDGES, WEIGHT, BATCH, torch.tensor([1, 0])), WEIGHT),
        ([X, EDGES, BATCH, "something else"], None),
        (SimpleNamespace(x=X, edge_index=EDGES, batch=BATCH), None),
        (Data(x=X, edge_index=EDGES, edge_attr=WEIGHT, batch=BATCH), WEIGHT),
    ]:
        found = run(output)
        assert all(a is b for a, b in zip(found, (X, EDGES, attr, BATCH), strict=True)), output


def test_other_outputs_are_named_in_the_error() -> None:
    for output, got in [
        ({"x": X}, r"to return a tuple \(got dict\)"),
        (X, r"to return a tuple \(got float32 \[2, 3\]\)"),
        (None, r"to return a tuple \(got None\)"),
        ((X, EDGES), r"the batch, .* \(got float32 \[2, 3\], int64 \[2, 1\]\)"),
        ((X, EDGES, None, BATCH.int()), r"\(got .* \[2, 1\], None, int32 \[2\]\)"),
        (Data(x=X, edge_index=EDGES), r"'batch' to be an int64 vector \(got None\)"),
    ]:
        with pytest.raises(AssertionError, match=got):
            run(output)
