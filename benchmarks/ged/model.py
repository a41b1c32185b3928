"""A distance between graphs whose transport is learned: node features, prices and weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GINConv
from torch_geometric.utils import to_dense_adj, to_dense_batch

from benchmarks.ged.pairs import mean_size
from pyg_grapheme.nn.loss import GraphFeatures
from pyg_grapheme.nn.loss.terms import density_term, edge_term, with_unmatched
from pyg_grapheme.nn.transport import Sinkhorn


class Encoder(nn.Module):
    """GIN layers; return the outputs of all layers, [N, V] -> [N, (layers + 1) * channels]."""

    def __init__(self, num_labels: int, channels: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(num_labels, channels, bias=False)
        self.convs = nn.ModuleList(
            GINConv(
                nn.Sequential(
                    nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels)
                ),
                train_eps=True,
            )
            for _ in range(layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Encode nodes, given the distribution [N, V] over the labels inside each."""
        x = self.embedding(x)
        found = [x]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm(conv(x, edge_index)))
            found.append(x)
        return torch.cat(found, dim=1)


class Match(nn.Module):
    r"""The structural loss on learned node features, with a learned price of each unmatched node.

    .. math:: \alpha \sum_{uv} P_{uv} C_{uv} + \beta\,\text{edge}(P) + \gamma\,\text{density}

    C is the mean absolute difference of projected features, P its entropic transport with dummies.
    The edge term is the mean of both directions, and all three weights are positive. In each
    further round, the nodes are matched again. The cost of a pair of nodes then falls with the
    number of edges that they share under the last plan: a step against the gradient of the edge
    term.

    Args:
        channels: F, of the nodes.
        features: Number of projected features that are compared.
        rounds: Rounds of matching after the first.
        temperature: Temperature of the transport.
        iterations: Iterations of the transport.
    """

    def __init__(
        self,
        channels: int,
        features: int = 32,
        rounds: int = 1,
        temperature: float = 0.1,
        iterations: int = 10,
    ) -> None:
        super().__init__()
        self.project = nn.Linear(channels, features)
        self.price = nn.Linear(channels, 1)
        self.weight = nn.Parameter(torch.tensor([1.0, 0.5, 0.1]).log())
        self.pull = nn.Parameter(torch.full((rounds,), 0.2).log())
        self.temperature, self.iterations = temperature, iterations

    def forward(self, x: Tensor, graphs: GraphFeatures, first: Tensor, second: Tensor) -> Tensor:
        """Compare pairs of graphs, [P], given the features [N, F] of all nodes."""
        cost, row_mass, column_mass = self._cost(x, graphs, first, second)
        transport = Sinkhorn(self.temperature, self.iterations)
        plan = transport(cost, row_mass, column_mass).plan
        if len(self.pull):
            adjacency = to_dense_adj(graphs.edge_index, graphs.batch, batch_size=graphs.num_graphs)
            a, b = adjacency[first].to(plan.dtype), adjacency[second].to(plan.dtype)
        for pull in self.pull.exp():
            shared = F.pad(a @ plan[:, :-1, :-1] @ b, (0, 1, 0, 1))
            plan = transport(cost - pull * shared, row_mass, column_mass).plan
        node, plan = (plan * cost).sum((1, 2)), plan[:, :-1, :-1]
        bare = graphs._replace(label=graphs.label[:, :0], kind=graphs.kind[:, :0])
        here, there = bare.take(first), bare.take(second)
        edge = (edge_term(plan, here, there) + edge_term(plan.mT, there, here)) / 2
        density = density_term(here, there, cost.dtype)
        total: Tensor = torch.stack([node, edge, density], dim=1) @ self.weight.exp()
        return total

    def _cost(
        self, x: Tensor, graphs: GraphFeatures, first: Tensor, second: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the cost with dummies, and the marginals of both sides, dummies last."""
        seen = torch.cat([self.project(x), F.softplus(self.price(x))], dim=1)
        seen, mask = to_dense_batch(seen, graphs.batch, batch_size=graphs.num_graphs)
        a, b = seen[first][:, :, None], seen[second][:, None]
        cost = (a[..., :-1] - b[..., :-1]).abs().mean(-1)
        cost, row_mass, column_mass = with_unmatched(cost, mask[first], mask[second], 0.0)
        width = cost.size(1) - 1
        prices = F.pad(a[..., -1], (width, 0, 0, 1)) + F.pad(b[..., -1], (0, 1, width, 0))
        return cost + prices, row_mass, column_mass


class TransportDistance(nn.Module):
    """Predict the normalised edit distance of pairs of graphs.

    Args:
        num_labels: V.
        channels: Channels of the layers.
        layers: Layers of message passing.
        match: Options of :class:`Match`.
    """

    def __init__(
        self, num_labels: int, channels: int = 64, layers: int = 3, **match: float
    ) -> None:
        super().__init__()
        self.encoder = Encoder(num_labels, channels, layers)
        self.width = (layers + 1) * channels
        self.match = Match(self.width, **match)

    def forward(self, graphs: GraphFeatures, first: Tensor, second: Tensor) -> Tensor:
        """Compare pairs of graphs, encoding each graph that is in any of them once.

        Args:
            graphs: All graphs.
            first: [P], indices of graphs.
            second: [P], likewise.

        Returns:
            [P], distances over the mean number of nodes of the pair.
        """
        graphs, first, second = only_present(graphs, first, second)
        x = self.encoder(graphs.label, graphs.edge_index)
        return self.match(x, graphs, first, second) / mean_size(graphs, first, second)

    def errors(self, graphs: GraphFeatures, first: Tensor, second: Tensor, true: Tensor) -> Tensor:
        """Return the squared error of the similarity of each pair, [P], the training loss."""
        return (torch.exp(-self(graphs, first, second)) - true).square()


def only_present(
    graphs: GraphFeatures, first: Tensor, second: Tensor
) -> tuple[GraphFeatures, Tensor, Tensor]:
    """Return the graphs that occur in a pair, and the pairs as indices of these."""
    present, place = torch.unique(torch.stack([first, second]), return_inverse=True)
    return graphs.take(present), place[0], place[1]
