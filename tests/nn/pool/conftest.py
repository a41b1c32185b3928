"""Random batches of graphs, and numbers to hold gradients against."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pyg_grapheme.nn.pool import Cuts


class Graphs(NamedTuple):
    """A batch as the pool takes it."""

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor
    batch: Tensor
    batch_size: int


DrawGraphs = Callable[..., Graphs]
GradientError = Callable[..., float]


@pytest.fixture
def draw_graphs() -> DrawGraphs:
    """Draw directed graphs of given sizes, with repeated edges and self-loops, edges shuffled."""

    def draw(
        seed: int, sizes: Sequence[int], edges_per_node: float = 2.0, features: int = 3
    ) -> Graphs:
        generator = torch.Generator().manual_seed(seed)
        edges, first = [], 0
        for size in sizes:
            count = int(size * edges_per_node)
            edges.append(first + torch.randint(max(size, 1), (2, count), generator=generator))
            first += size
        edge_index = torch.cat([*edges, edges[0][:, :2]], dim=1)
        edge_index = edge_index[:, torch.randperm(edge_index.size(1), generator=generator)]
        return Graphs(
            x=torch.randn(first, features, generator=generator, dtype=torch.double),
            edge_index=edge_index,
            edge_attr=torch.randn(edge_index.size(1), 2, generator=generator, dtype=torch.double),
            batch=torch.repeat_interleave(torch.tensor(sizes)),
            batch_size=len(sizes),
        )

    return draw


@pytest.fixture
def fourth_powers() -> Callable[[Cuts], Tensor]:
    """Something that tells pooled graphs apart: the sum of the fourth powers of their features."""

    def read_out(cuts: Cuts) -> Tensor:
        x = cuts.output.x.pow(4).sum(1)
        return x.new_zeros(cuts.graph.numel()).index_add(0, cuts.output.batch, x)

    return read_out


@pytest.fixture
def gradient_error() -> GradientError:
    """Largest error of the gradient of ``function(*inputs)``, over max(largest |numeric|, 1e-3)."""

    def error(function: Callable[..., Tensor], *inputs: Tensor, step: float = 1e-5) -> float:
        leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]
        analytic = torch.autograd.grad(function(*leaves), leaves)
        worst = 0.0
        for leaf, gradient in zip(leaves, analytic, strict=True):
            numeric = torch.zeros_like(leaf).view(-1)
            flat = leaf.detach().view(-1)
            for i in range(flat.numel()):
                value = flat[i].item()
                sides = []
                for moved in (value + step, value - step):
                    flat[i] = moved
                    sides.append(float(function(*leaves).detach()))
                flat[i] = value
                numeric[i] = (sides[0] - sides[1]) / (2 * step)
            difference = (gradient.view(-1) - numeric).abs().max()
            worst = max(worst, float(difference / numeric.abs().max().clamp(min=1e-3)))
        return worst

    return error
