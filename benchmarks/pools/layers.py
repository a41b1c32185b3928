"""The layers that are compared, each a line of the tables."""

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
from pyg_grapheme.nn import ThresholdMergePool

DENSE_LIMIT = 10_000


class Row(NamedTuple):
    """A line of the tables; it can be pickled.

    Attributes:
        name: As it is printed; unique.
        key: What ``--pools`` calls it, several lines together.
        make: Makes the layer, called as ``layer(x, edge_index, batch=batch)``; an option that
            it refuses or a package that is missing leaves the line out, with the reason.
        limit: Nodes of the largest workload that it is run on.
    """

    name: str
    key: str
    make: Callable[[Workload], nn.Module]
    limit: int | None = None

    def build(self, work: Workload) -> nn.Module:
        """Make the layer, from a fixed seed."""
        torch.manual_seed(SEED)
        return self.make(work)


class Floor(nn.Module):
    """The same reductions with the clusters given."""

    def __init__(self, cluster: Tensor) -> None:
        super().__init__()
        self.cluster = cluster
        self.num_clusters = int(cluster.max()) + 1

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Average x over the clusters and list the edges between them."""
        pooled = scatter(x, self.cluster, dim_size=self.num_clusters, reduce="mean")
        edges = self.cluster[edge_index]
        return pooled, coalesce(edges[:, edges[0] != edges[1]], num_nodes=self.num_clusters)


def floor(work: Workload) -> nn.Module:
    """Make the floor, of the clusters that ours finds."""
    return Floor(work.cluster)


def ours(work: Workload, **options: Any) -> nn.Module:
    """Make ThresholdMergePool with the workload's threshold."""
    return ThresholdMergePool(work.threshold, **options)


def peer(layer: Callable[[int], nn.Module], work: Workload) -> nn.Module:
    """Make one of PyG's layers, which need to know no more than the number of features."""
    return layer(FEATURES)


def edge_contraction(work: Workload) -> nn.Module:
    """Make torch-geometric-pool's edge contraction; the package is only needed here."""
    from tgp.poolers import EdgeContractionPooling

    layer: nn.Module = EdgeContractionPooling(FEATURES)
    return layer


def maximal_independent_set(work: Workload) -> nn.Module:
    """Make torch-geometric-pool's k-MIS pooling; the package is only needed here."""
    from tgp.poolers import KMISPooling

    layer: nn.Module = KMISPooling(FEATURES)
    return layer


BASE = "TopKPooling"
CONTRACTION = "tgp ec"
PEERS = [
    Row("floor", "floor", floor),
    Row(BASE, "topk", partial(peer, TopKPooling)),
    Row("SAGPooling", "sag", partial(peer, SAGPooling)),
    Row("ASAPooling", "asap", partial(peer, ASAPooling)),
    Row("tgp kmis", "kmis", maximal_independent_set),
    Row(CONTRACTION, "ec", edge_contraction),
    Row("EdgePooling", "edge", partial(peer, EdgePooling)),
    Row("ClusterPooling", "cluster", partial(peer, ClusterPooling), DENSE_LIMIT),
]
KEYS = ["ours", *(row.key for row in PEERS)]


def list_rows(
    pools: Collection[str], merges: Iterable[str], estimators: Iterable[str]
) -> list[Row]:
    """List the lines of these keys; ours once for every merge and estimator."""
    our_rows = [
        Row(f"ours {merge} {estimator}", "ours", partial(ours, merge=merge, estimator=estimator))
        for merge, estimator in product(merges, estimators)
    ]
    return [row for row in [*our_rows, *PEERS] if row.key in pools]


def is_ours(name: str) -> bool:
    """Whether a line is one of ThresholdMergePool's."""
    return name.startswith("ours")
