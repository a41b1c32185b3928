"""The graphs of many texts in one table."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import cumsum

from pyg_grapheme.text.graph import Nodes, chain_nodes, describe_nodes, make_batch


class GraphTable(NamedTuple):
    """The graphs of T texts as one table of nodes.

    A batch selects rows of every field at once. PyG's collation goes through all fields of all
    graphs instead, which takes a tenth of a step of a small model.

    Attributes:
        texts: Units of each text.
        nodes: Fields of all nodes.
        start: [T + 1], the first node of each text.
    """

    texts: list[list[str]]
    nodes: Nodes
    start: Tensor

    def graph(self, index: int) -> Data:
        """Return one graph, as ``units_graph`` makes it."""
        nodes, _ = self._select([index])
        return Data(**chain_nodes(nodes), text=self.texts[index])

    def batch(self, indices: Sequence[int]) -> Batch:
        """Return some graphs as a batch, which cannot be split into its graphs again."""
        return make_batch(*self._select(indices), [self.texts[index] for index in indices])

    def _select(self, indices: Sequence[int]) -> tuple[Nodes, Tensor]:
        """Return the fields of the nodes of some graphs, and the number of nodes of each."""
        index = torch.tensor(indices, dtype=torch.long)
        start = self.start[:-1][index]
        size = self.start[1:][index] - start
        shift = start - cumsum(size)[:-1]
        row = torch.repeat_interleave(shift, size)
        row += torch.arange(row.numel())
        return {name: field.index_select(0, row) for name, field in self.nodes.items()}, size


def tabulate(texts: Sequence[Sequence[str]], tags: Sequence[Sequence[str]] = ()) -> GraphTable:
    """Make the table of the graphs of some texts, with tags of each or without any."""
    nodes, size = describe_nodes(texts, tags or [()] * len(texts))
    return GraphTable([list(units) for units in texts], nodes, cumsum(size))
