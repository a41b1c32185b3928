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
    """How alike two nodes are, exp(-8 * mean |x_i - x_j|): 1 where they are equal.

    What layers with ReLU say of two nodes has cosines near 1, whatever the nodes are.
    """

    def forward(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        """Score pairs, [M, F] twice -> [M]."""
        return (-8.0 * (x_i - x_j).abs().mean(1)).exp()


class PooledDistance(TransportDistance):
    """Add what the merged graphs of a pair cost to what the graphs do.

    Nodes merge where a projection of what the layers say of them is alike; a node that is merged is
    the sum of its members, and one more layer runs over the coarse graph. The prediction is made at
    the plain threshold, and training minimises the error that a noisy one leads to on average, by
    way of ``pool.expect``: both graphs of a pair are one graph to the pool there, with one
    threshold.

    Args:
        num_labels: V.
        channels: Of the layers.
        layers: Of message passing.
        threshold: Of the pool.
        noise: Of the pool, its temperature.
        max_cuts: Drawn of each pair in training.
        features: As for ``Match``, as all the following.
        rounds: Likewise.
        temperature: Likewise.
        iterations: Likewise.
    """

    def __init__(
        self,
        num_labels: int,
        channels: int = 64,
        layers: int = 3,
        *,
        threshold: float = 0.69,
        noise: float = 0.1,
        max_cuts: int = 2,
        features: int = 32,
        rounds: int = 1,
        temperature: float = 0.1,
        iterations: int = 10,
    ) -> None:
        super().__init__(
            num_labels,
            channels,
            layers,
            features=features,
            rounds=rounds,
            temperature=temperature,
            iterations=iterations,
        )
        self.merged = nn.Linear(self.width, channels)
        self.pool = ThresholdMergePool(threshold, score=Likeness(), reduce="sum", temperature=noise)
        self.conv = GINConv(
            nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels)),
            train_eps=True,
        )
        self.norm = nn.LayerNorm(channels)
        self.coarse_match = Match(2 * channels, features, rounds, temperature, iterations)
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
        """Squared error of the similarity of each pair, [P], on average over the cuts."""
        graphs, first, second = only_present(graphs, first, second)
        x = self.encoder(graphs.label, graphs.edge_index)
        fine, size = self.match(x, graphs, first, second), mean_size(graphs, first, second)
        # Graphs 2 p and 2 p + 1 of these are the pair p.
        sides = _bare(self.merged(x), graphs.edge_index, graphs.batch, graphs.num_graphs).take(
            torch.stack([first, second], dim=1).view(-1)
        )

        def error(cuts: Cuts) -> Tensor:
            number = torch.arange(0, 2 * len(cuts.graph), 2)
            coarse = self._compare(_apart(cuts, sides.batch % 2), number, number + 1)
            distance = (fine[cuts.graph] + coarse) / size[cuts.graph]
            return (torch.exp(-distance) - true[cuts.graph]).square()

        pairs = sides.batch // 2
        return self.pool.expect(
            error, sides.label, sides.edge_index, None, pairs, len(first), max_cuts=self.max_cuts
        )

    def shrinkage(self, graphs: GraphFeatures) -> float:
        """How many nodes the pool leaves of one, C / N."""
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
    """Graphs with nothing but features, which stand for the labels."""
    return GraphFeatures(x[:, 0], x, x[:, :0], edge_index, batch, num_graphs)


def _apart(cuts: Cuts, side: Tensor) -> GraphFeatures:
    """Take each cut of a pair apart into the two graphs of the pair; ``side`` [N] is 0 or 1."""
    pooled = cuts.output
    cluster = pooled.history.cluster
    sides = scatter(side[cuts.node], cluster, dim_size=len(pooled.x), reduce="max")
    return _bare(pooled.x, pooled.edge_index, 2 * pooled.batch + sides, 2 * len(cuts.graph))
