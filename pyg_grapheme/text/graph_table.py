"""The graphs of many texts, held together, and any of them as a batch."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import cumsum

from pyg_grapheme.text.graph import Nodes, chained, describe_nodes, make_batch


class GraphTable(NamedTuple):
    """The graphs of T texts as one table of nodes.

    A batch is its rows of every field, picked at once. PyG's collation goes through all fields of
    all graphs instead, which takes a small model a tenth of a step.

    Attributes:
        texts: The units of each.
        nodes: Fields of all nodes.
        start: [T + 1], at which node each begins.
    """

    texts: list[list[str]]
    nodes: Nodes
    start: Tensor

    def graph(self, number: int) -> Data:
        """One graph by itself, as of ``units_graph``."""
        nodes, _ = self._take([number])
        return Data(**chained(nodes), text=self.texts[number])

    def batch(self, numbers: Sequence[int]) -> Batch:
        """Some graphs, as PyG would batch them; the batch can't be taken apart again."""
        return make_batch(*self._take(numbers), [self.texts[number] for number in numbers])

    def _take(self, numbers: Sequence[int]) -> tuple[Nodes, Tensor]:
        """Fields of the nodes of some graphs, and how many each has."""
        number = torch.tensor(numbers, dtype=torch.long)
        start = self.start[:-1][number]
        size = self.start[1:][number] - start
        shift = start - cumsum(size)[:-1]
        row = torch.repeat_interleave(shift, size)
        row += torch.arange(row.numel())
        return {name: field.index_select(0, row) for name, field in self.nodes.items()}, size


def tabulate(texts: Sequence[Sequence[str]], tags: Sequence[Sequence[str]] = ()) -> GraphTable:
    """Make the graphs of some texts, with tags of each or without any."""
    nodes, size = describe_nodes(texts, tags or [()] * len(texts))
    return GraphTable([list(units) for units in texts], nodes, cumsum(size))
