"""The learned distance with a pool behind the layers: merged graphs are compared as well."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GINConv
from torch_geometric.utils import scatter

from benchmarks.ged.model import Match, TransportDistance, only_present
from benchmarks.ged.pairs import mean_size
from pyg_grapheme.nn import Cuts, ThresholdMergePool
from pyg_grapheme.nn.loss import GraphFeatures


class Likeness(nn.Module):
    """Score of a pair of nodes, exp(-8 * mean |x_i - x_j|): 1 where they are equal.

    Outputs of layers with ReLU have cosines near 1 for any two nodes.
    """

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        """Score pairs, [M, F] twice -> [M]."""
        return (-8.0 * (x_i - x_j).abs().mean(1)).exp()


class PooledDistance(TransportDistance):
    """Add the difference of the merged graphs of a pair to that of the graphs.

    Nodes merge where projections of their features are alike. A merged node is the sum of its
    members, and one more layer runs over the coarse graph. The prediction uses the plain threshold.
    Training minimises the expected error over the noise of the threshold: the pool takes both
    graphs of a pair as one graph, with one threshold.

    Args:
        num_labels: V.
        channels: Channels of the layers.
        layers: Layers of message passing.
        threshold: Threshold of the pool.
        noise: Temperature of the pool.
        max_cuts: Cuts sampled per pair in training.
        match: Options of ``Match``.
    """

    def __init__(
        self,
        num_labels: int,
        channels: int = 64,
        layers: int = 3,
        *,
        threshold: float = 0.69,
        noise: float = 0.1,
        max_cuts: int | None = 2,
        **match: float,
    ) -> None:
        super().__init__(num_labels, channels, layers, **match)
        self.merged = nn.Linear(self.width, channels)
        self.pool = ThresholdMergePool(threshold, score=Likeness(), reduce="sum", temperature=noise)
        self.conv = GINConv(
            nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels)),
            train_eps=True,
        )
        self.norm = nn.LayerNorm(channels)
        self.coarse_match = Match(2 * channels, **match)
        self.max_cuts = max_cuts

    def forward(self, graphs: GraphFeatures, first: Tensor, second: Tensor) -> Tensor:
        """Compare pairs of graphs, each of them pooled once; see ``TransportDistance``."""
        graphs, first, second = only_present(graphs, first, second)
        x = self.encoder(graphs.label, graphs.edge_index)
        pooled = self.pool(*self._to_pool(x, graphs))
        coarse = _bare(pooled.x, pooled.edge_index, pooled.batch, graphs.num_graphs)
        total = self.match(x, graphs, first, second) + self._compare(coarse, first, second)
        return total / mean_size(graphs, first, second)

    def errors(self, graphs: GraphFeatures, first: Tensor, second: Tensor, true: Tensor) -> Tensor:
        """Return the expected squared error of the similarity of each pair, [P]."""
        graphs, first, second = only_present(graphs, first, second)
        x = self.encoder(graphs.label, graphs.edge_index)
        fine, size = self.match(x, graphs, first, second), mean_size(graphs, first, second)
        # Graphs 2 p and 2 p + 1 of these are the pair p.
        sides = _bare(self.merged(x), graphs.edge_index, graphs.batch, graphs.num_graphs).take(
            torch.stack([first, second], dim=1).view(-1)
        )

        cuts = self.pool.cuts(
            sides.label,
            sides.edge_index,
            None,
            sides.batch // 2,
            len(first),
            max_cuts=self.max_cuts,
        )
        index = torch.arange(0, 2 * len(cuts.graph), 2)
        coarse = self._compare(_separate(cuts, sides.batch % 2), index, index + 1)
        distance = (fine[cuts.graph] + coarse) / size[cuts.graph]
        return cuts.expectation((torch.exp(-distance) - true[cuts.graph]).square())

    def shrinkage(self, graphs: GraphFeatures) -> float:
        """Return the number of nodes after pooling over that before, C / N."""
        with torch.no_grad():
            x = self.encoder(graphs.label, graphs.edge_index)
            return len(self.pool(*self._to_pool(x, graphs)).x) / len(x)

    def _to_pool(
        self, x: Tensor, graphs: GraphFeatures
    ) -> tuple[Tensor, Tensor, None, Tensor, int]:
        return self.merged(x), graphs.edge_index, None, graphs.batch, graphs.num_graphs

    def _compare(self, coarse: GraphFeatures, first: Tensor, second: Tensor) -> Tensor:
        x = coarse.label
        x = torch.cat([x, F.relu(self.norm(self.conv(x, coarse.edge_index)))], dim=1)
        return self.coarse_match(x, coarse, first, second)


def _bare(x: Tensor, edge_index: Tensor, batch: Tensor, num_graphs: int) -> GraphFeatures:
    """Return graphs whose labels are the features, without kinds."""
    return GraphFeatures(x[:, 0], x, x[:, :0], edge_index, batch, num_graphs)


def _separate(cuts: Cuts, side: Tensor) -> GraphFeatures:
    """Separate each cut of a pair into the two graphs of the pair; ``side`` [N] is 0 or 1."""
    pooled = cuts.output
    cluster = pooled.history.cluster
    sides = scatter(side[cuts.node], cluster, dim_size=len(pooled.x), reduce="max")
    return _bare(pooled.x, pooled.edge_index, 2 * pooled.batch + sides, 2 * len(cuts.graph))
