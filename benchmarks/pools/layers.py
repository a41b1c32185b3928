"""The layers that are compared: each is a line of the tables."""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.nn import (
    ASAPooling,
    ClusterPooling,
    EdgePooling,
    SAGPooling,
    TopKPooling,
)
from torch_geometric.utils import coalesce, scatter

from benchmarks.pools.features import FEATURES
from benchmarks.pools.workloads import SEED, Workload
from pyg_grapheme.nn import ThresholdMergePool, ThresholdRewire, ThresholdSplit

DENSE_LIMIT = 10_000


class Row(NamedTuple):
    """A line of the tables; it can be pickled.

    Attributes:
        name: Unique name of the line.
        key: Name in ``--pools``; several lines may share it.
        make: Makes the layer, called as ``layer(x, edge_index, batch=batch)``; if it refuses an
            option or a package is missing, the line is left out, with the reason.
        limit: Nodes of the largest workload that it is run on.
    """

    name: str
    key: str
    make: Callable[[Workload], nn.Module]
    limit: int | None = None

    def build(self, work: Workload) -> nn.Module:
        """Make the layer from a fixed seed, on the device of the workload."""
        torch.manual_seed(SEED)
        return self.make(work).to(work.x.device)


class ExpectedCut(nn.Module):
    """The dendrogram, and the expectation of one fixed number per cut."""

    def __init__(self, pool: ThresholdMergePool) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor]:
        """Return the expectation per graph, [B, 1]."""
        tree = self.pool.dendrogram(x, edge_index, batch=batch)
        value = torch.linspace(0, 1, tree.num_cuts, device=tree.height.device)
        return (tree.expectation(value[:, None]),)


class ExpectedClusters(nn.Module):
    """The clusters of all cuts, and the expected sum of a linear map of their mean features."""

    def __init__(self, pool: ThresholdMergePool) -> None:
        super().__init__()
        self.pool = pool
        self.head = nn.Linear(FEATURES, 1)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor]:
        """Return the expectation per graph, [B, 1]."""
        clusters = self.pool.dendrogram(x, edge_index, batch=batch).clusters()
        return (clusters.expectation(self.head(clusters.mean(x))),)


class RewiredDegrees(nn.Module):
    """The edges above the threshold with learned weights, summed per target."""

    def __init__(self, rewire: ThresholdRewire, num_edges: int) -> None:
        super().__init__()
        self.rewire = rewire
        self.weight = nn.Parameter(torch.ones(num_edges, 1))

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor]:
        """Return the weighted degrees, [N, 1]."""
        edge_index, weight, _ = self.rewire(x, edge_index, self.weight, batch)
        return (scatter(weight, edge_index[1], dim_size=x.size(0)),)


class ExpectedDegrees(nn.Module):
    """The probabilities of the edges, summed per target."""

    def __init__(self, rewire: ThresholdRewire) -> None:
        super().__init__()
        self.rewire = rewire

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor]:
        """Return the expected degrees, [N, 1]."""
        edges = self.rewire.edge_probability(x, edge_index, batch=batch)
        degree = scatter(edges.probability, edges.edge_index[1], dim_size=x.size(0))
        return (degree[:, None],)


class Floor(nn.Module):
    """The same reductions for given clusters."""

    def __init__(self, cluster: Tensor) -> None:
        super().__init__()
        self.cluster = cluster
        self.num_clusters = int(cluster.max()) + 1

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Average x over the clusters and return the edges between them."""
        pooled = scatter(x, self.cluster, dim_size=self.num_clusters, reduce="mean")
        edges = self.cluster[edge_index]
        return pooled, coalesce(edges[:, edges[0] != edges[1]], num_nodes=self.num_clusters)


def floor(work: Workload) -> nn.Module:
    """Make the floor for the clusters that ours finds."""
    return Floor(work.cluster)


def ours(work: Workload, **options: Any) -> ThresholdMergePool:
    """Make ThresholdMergePool with the threshold of the workload."""
    return ThresholdMergePool(work.threshold, **options)


def tree(
    layer: Callable[[ThresholdMergePool], nn.Module], work: Workload, **options: Any
) -> nn.Module:
    """Make a layer that uses the dendrogram of ours."""
    return layer(ours(work, **options))


def rewired(work: Workload, **options: Any) -> nn.Module:
    """Make a layer that rewires at the threshold of the workload."""
    rewire = ThresholdRewire(work.threshold, **options)
    return RewiredDegrees(rewire, work.edge_index.size(1))


def expected_degrees(work: Workload) -> nn.Module:
    """Make a layer of the expectation over rewired graphs."""
    return ExpectedDegrees(ThresholdRewire(work.threshold))


def split(_: Workload, **options: Any) -> ThresholdSplit:
    """Make a layer that splits about half of the nodes."""
    return ThresholdSplit(FEATURES, 0.5, **options)


def peer(layer: Callable[[int], nn.Module], work: Workload) -> nn.Module:
    """Make a layer of PyG from the number of features."""
    return layer(FEATURES)


def edge_contraction(work: Workload) -> nn.Module:
    """Make the edge contraction of torch-geometric-pool; only this line needs the package."""
    from tgp.poolers import EdgeContractionPooling

    layer: nn.Module = EdgeContractionPooling(FEATURES)
    return layer


def maximal_independent_set(work: Workload) -> nn.Module:
    """Make the k-MIS pooling of torch-geometric-pool; only this line needs the package."""
    from tgp.poolers import KMISPooling

    layer: nn.Module = KMISPooling(FEATURES)
    return layer


BASE = "TopKPooling"
FORWARD = "ours components none"
TREES = ("ours dendrogram", "ours clusters")
"""Beginnings of the names of the lines that build the tree without the pooled graphs."""

MORPHS = [
    Row("ours rewire edges", "rewire", rewired),
    Row("ours rewire expected", "rewire", expected_degrees),
    Row("ours rewire knn", "rewire", partial(rewired, candidates="knn", k=5), DENSE_LIMIT),
    Row("ours split inherit", "split", partial(split, connect="inherit")),
    Row("ours split chain", "split", partial(split, connect="chain")),
]
PEERS = [
    Row("floor", "floor", floor),
    Row(BASE, "topk", partial(peer, TopKPooling)),
    Row("SAGPooling", "sag", partial(peer, SAGPooling)),
    Row("ASAPooling", "asap", partial(peer, ASAPooling)),
    Row("tgp kmis", "kmis", maximal_independent_set),
    Row("tgp ec", "ec", edge_contraction),
    Row("EdgePooling", "edge", partial(peer, EdgePooling)),
    Row("ClusterPooling", "cluster", partial(peer, ClusterPooling), DENSE_LIMIT),
]
KEYS = ["ours", "dendrogram", "clusters", "rewire", "split", *(row.key for row in PEERS)]


def list_rows(
    pools: Collection[str], merges: Collection[str], estimators: Iterable[str]
) -> list[Row]:
    """List the lines of these keys: ours per merge and estimator, its dendrogram per merge."""
    our_rows = [
        Row(f"ours {merge} {estimator}", "ours", partial(ours, merge=merge, estimator=estimator))
        for merge, estimator in product(merges, estimators)
    ]
    tree_rows = [
        Row(f"ours dendrogram {merge}", "dendrogram", partial(tree, ExpectedCut, merge=merge))
        for merge in merges
    ]
    tree_rows.append(Row("ours clusters", "clusters", partial(tree, ExpectedClusters)))
    return [row for row in [*our_rows, *tree_rows, *MORPHS, *PEERS] if row.key in pools]
