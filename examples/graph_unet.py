"""A Graph U-Net: pool down, lift back up, join with what was there before.

    python examples/graph_unet.py --depth 2

The task is to read a map. A map is a grid of cells, cut into regions of one kind of land each, and
every cell shows its kind with some noise. Which cells belong to a region that borders on water? A
convolution on cells has to carry the answer from the shore across the whole region; on the coarse
graph, in which a region is a node or a few, it is next door. The same network is trained with the
pool and without, on the same maps, and tested on others.
"""

import argparse
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import LayerNorm, SAGEConv
from torch_geometric.utils import grid

from pyg_grapheme.nn import ThresholdMergePool


class GraphUNet(nn.Module):
    """The U-net of Gao and Ji 2019, "Graph U-Nets", with merging in the place of dropping.

    Args:
        features: Of a node.
        channels: Of the hidden layers.
        classes: Of the nodes.
        depth: Levels.
        pooling: Whether to pool between levels; if not, they are convolutions of the same graph.
    """

    def __init__(
        self, features: int, channels: int, classes: int, depth: int, pooling: bool = True
    ) -> None:
        super().__init__()
        self.pooling = pooling
        self.first = nn.Linear(features, channels)
        self.pools = nn.ModuleList(ThresholdMergePool(0.8) for _ in range(depth))
        self.norms = nn.ModuleList(LayerNorm(channels, mode="node") for _ in range(depth))
        self.down = nn.ModuleList(SAGEConv(channels, channels, "max") for _ in range(depth))
        self.up = nn.ModuleList(SAGEConv(2 * channels, channels, "max") for _ in range(depth))
        self.last = nn.Linear(channels, classes)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, list[int]]:
        """Return logits [N, classes], and how many nodes there are at each level."""
        x = self.first(x)
        levels, sizes = [], [x.size(0)]
        for pool, norm, conv in zip(self.pools, self.norms, self.down, strict=True):
            kept, history = (x, edge_index), None
            x = norm(x)  # features of different classes then have cosines of either sign
            if self.pooling:
                x, edge_index, _, batch, history = pool(x, edge_index, None, batch)
            levels.append((*kept, history))
            sizes.append(x.size(0))
            x = conv(x, edge_index).relu()
        for (skip, edge_index, history), conv in zip(levels[::-1], self.up, strict=True):
            x = torch.cat([skip, x if history is None else history.lift(x)], dim=1)
            x = conv(x, edge_index).relu()
        return self.last(x), sizes


def draw_map(side: int = 20, regions: int = 12, kinds: int = 4, noise: float = 0.1) -> Data:
    """Draw a map; cells are of the region whose centre is nearest, and kind 0 is water."""
    edge_index, cells = grid(side, side)
    region = torch.cdist(cells, side * torch.rand(regions, 2)).argmin(1)
    kind = torch.randint(kinds, (regions,))
    from_, to = region[edge_index]
    on_water = torch.zeros(regions, dtype=torch.bool)
    on_water[from_[kind[to] == 0]] = True
    for _ in range(regions):  # neighbours of one kind are one region
        alike = (kind[from_] == kind[to]) & on_water[to]
        on_water[from_[alike]] = True
    x = F.one_hot(kind[region], kinds) + noise * torch.randn(cells.size(0), kinds)
    return Data(x=x, edge_index=edge_index, y=(on_water & (kind != 0))[region].long())


def train(
    graphs: Sequence[Data], depth: int, pooling: bool, epochs: int, lr: float = 5e-3
) -> nn.Module:
    """Train a U-net."""
    torch.manual_seed(0)
    net = GraphUNet(graphs[0].num_features, 32, 2, depth, pooling)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(epochs):
        for batch in DataLoader(list(graphs), batch_size=10, shuffle=True):
            optimizer.zero_grad()
            logits, _ = net(batch.x, batch.edge_index, batch.batch)
            F.cross_entropy(logits, batch.y).backward()
            optimizer.step()
    return net.eval()


@torch.no_grad()
def test(net: nn.Module, graphs: Sequence[Data]) -> tuple[float, list[int]]:
    """Share of nodes that are given their class, and nodes at each level."""
    batch = next(iter(DataLoader(list(graphs), batch_size=len(graphs))))
    logits, sizes = net(batch.x, batch.edge_index, batch.batch)
    return float((logits.argmax(1) == batch.y).float().mean()), sizes


def main(arguments: Sequence[str] | None = None) -> None:
    """Train with and without the pool and print both accuracies."""
    parser = argparse.ArgumentParser(description="Read maps with a Graph U-Net.")
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--maps", type=int, default=100, help="to train on, and to test on")
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args(arguments)
    torch.manual_seed(0)
    training, unseen = ([draw_map() for _ in range(options.maps)] for _ in range(2))
    for depth in range(1, options.depth + 1):
        for pooling in (False, True):
            net = train(training, depth, pooling, options.epochs)
            accuracy, sizes = test(net, unseen)
            print(
                f"depth {depth}, {'with' if pooling else 'without'} the pool: accuracy "
                f"{accuracy:.1%}, nodes {' -> '.join(map(str, sizes))}",
                flush=True,
            )


if __name__ == "__main__":
    main()
