"""Controls of the learned threshold: other graphs for the weights alone."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import dropout_edge

from benchmarks.rewiring.data import jaccard
from benchmarks.rewiring.gcn import GCN
from benchmarks.rewiring.training import FixedEdges


class RandomEdges(FixedEdges):
    """All edges for the evaluation, and a random share of them for each training step.

    The share is drawn evenly from 0 to 1: DropEdge (Rong et al., ICLR 2020) at all rates.
    """

    def draw(self) -> Tensor:
        """Return the edges of a training step."""
        rate = float(torch.rand(()))
        kept: Tensor = dropout_edge(self.edge_index, rate, force_undirected=True)[0]
        return kept


class DrawnEdges(FixedEdges):
    """Edges above a drawn Jaccard similarity for the weights, as in ``LearnedEdges``.

    Args:
        data: The attacked graph.
        scanned: Thresholds of the evaluation. In every epoch, the network itself is evaluated with
            each, and the first of the best validation accuracy is taken.
    """

    def __init__(self, data: Data, scanned: Sequence[float]) -> None:
        super().__init__(data.edge_index, scanned[0])
        self.data, self.scanned = data, scanned
        self.similarity = jaccard(data.x, data.edge_index)

    def draw(self) -> Tensor:
        """Return the edges that score at least as much as one that is drawn."""
        return self._above(self.similarity[torch.randint(self.similarity.numel(), (1,))])

    def edges(self) -> Tensor:
        """Return the edges above the threshold."""
        return self._above(self.threshold)

    def learn(self, network: GCN, projected: Tensor) -> int:
        """Scan the thresholds."""
        if len(self.scanned) == 1:
            return 0
        mask = self.data.val_mask
        with torch.no_grad():
            right = [
                int((network(projected, self._above(t)).argmax(dim=1) == self.data.y)[mask].sum())
                for t in self.scanned
            ]
        self.threshold = self.scanned[right.index(max(right))]
        return len(self.scanned)

    def _above(self, threshold: Tensor | float | None) -> Tensor:
        return self.edge_index[:, self.similarity >= threshold]
