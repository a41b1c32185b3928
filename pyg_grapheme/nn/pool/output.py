"""What comes out of the pool."""

from typing import NamedTuple

from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.nn.pool.history import MergeHistory


class PoolOutput(NamedTuple):
    """A coarser graph, in the order of PyG's pools, and how it came about.

    Attributes:
        x: [C, F].
        edge_index: [2, E'], sorted by row.
        edge_attr: [E'] or [E', D], None where the input had none.
        batch: [C], sorted.
        history: Which input node went where.
    """

    x: Tensor
    edge_index: Tensor
    edge_attr: Tensor | None
    batch: Tensor
    history: MergeHistory


class Cuts(NamedTuple):
    """All R cuts of all B input graphs as one batch of R pooled graphs.

    Attributes:
        output: The pooled graphs; its history runs over the copies of the input nodes.
        weight: [R], the probability of each cut; differentiable, sums to 1 in each input graph.
        graph: [R], the input graph that each cut is of.
        node: [N'], the input node that each copy is of: ``cuts.output.history.lift(z)`` goes with
            ``x[cuts.node]``.
        num_graphs: B.
    """

    output: PoolOutput
    weight: Tensor
    graph: Tensor
    node: Tensor
    num_graphs: int

    def average(self, value: Tensor) -> Tensor:
        """Average a value [R, ...] of each cut over the cuts of each graph: [B, ...].

        Differentiation: exact, in the values and in what the weights depend on.
        """
        num_cuts = self.graph.numel()
        if value.dim() == 0 or value.size(0) != num_cuts:
            raise ValueError(
                f"Expected 'fn' to return one row for each of the {num_cuts} cuts "
                f"(got shape {tuple(value.shape)})"
            )
        weight = self.weight.view(-1, *(1,) * (value.dim() - 1))
        averaged: Tensor = scatter(value * weight, self.graph, dim_size=self.num_graphs)
        return averaged
