"""The inputs that the layers are run on."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.pools.features import (
    FEATURES,
    close_features,
    equal_features,
    pair_cosines,
    similar_features,
    smooth_features,
    turning_features,
)
from benchmarks.pools.graphs import (
    Graph,
    chain,
    complete,
    grid,
    molecules,
    random_graph,
    star,
    words,
)
from pyg_grapheme.nn import ThresholdMergePool

SEED = 0


class Workload(NamedTuple):
    """The input of every layer.

    Attributes:
        x: [N, F], a leaf that requires a gradient.
        edge_index: [2, E], sorted by row.
        batch: [N], sorted.
        gradient: [2 N, F]; its first C rows are the gradient of a layer's C output nodes.
        threshold: Cosine above which ours merges.
        cluster: [N], the cluster of each node by ours (components), for the floor.
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    gradient: Tensor
    threshold: float
    cluster: Tensor

    def to(self, device: str) -> "Workload":
        """Copy the tensors to a device; x is a leaf there, too."""
        moved = {name: value.to(device) for name, value in self._asdict().items()
                 if isinstance(value, Tensor)}  # fmt: skip
        return self._replace(**moved | {"x": self.x.detach().to(device).requires_grad_()})


class Plan(NamedTuple):
    """The generators of a workload.

    Attributes:
        graph: Generates nodes and edges.
        features: Generates x, [N, F].
        threshold: Cosine above which ours merges; None for a quantile of the pairs.
    """

    graph: Callable[[], Graph]
    features: Callable[[Graph], Tensor] = smooth_features
    threshold: float | None = None


WORKLOADS = {
    "molecules": Plan(partial(molecules, 128, 30)),
    "words_oneway": Plan(partial(words, 4096, 16, both=False)),
    "words_bothways": Plan(partial(words, 4096, 16, both=True)),
    "chain_1e3": Plan(partial(chain, 10**3)),
    "chain_1e4": Plan(partial(chain, 10**4)),
    "chain_1e5": Plan(partial(chain, 10**5)),
    "chain_1e6": Plan(partial(chain, 10**6)),
    "chain_1e5_merged": Plan(partial(chain, 10**5, shuffled=True), close_features, 0.5),
    "chain_1e5_equal": Plan(partial(chain, 10**5), equal_features, 0.5),
    "chain_1e4_falling": Plan(partial(chain, 10**4), turning_features, 0.5),
    "chain_1e5_falling": Plan(partial(chain, 10**5), turning_features, 0.5),
    "chain_1e6_falling": Plan(partial(chain, 10**6), turning_features, 0.5),
    "star_1e4": Plan(partial(star, 10**4), similar_features),
    "complete_300": Plan(partial(complete, 300), similar_features),
    "grid_1e4": Plan(partial(grid, 100)),
    "random_1e4": Plan(partial(random_graph, 10**4, 6)),
    "random_1e5": Plan(partial(random_graph, 10**5, 6)),
}
SIZES = {"chain_1e3": 10**3, "chain_1e4": 10**4, "chain_1e5": 10**5, "chain_1e6": 10**6}
"""The workloads that differ only in the number of nodes."""


def build_workload(name: str, above: float) -> Workload:
    """Generate a workload from a fixed seed; the share ``above`` of its pairs merges."""
    torch.manual_seed(SEED)
    draw_graph, draw_features, threshold = WORKLOADS[name]
    graph = draw_graph()
    x = draw_features(graph)
    if threshold is None:
        score = pair_cosines(x, graph.edge_index)
        threshold = float(score.kthvalue(max(1, round((1 - above) * score.numel()))).values)
    with torch.no_grad():
        selection = ThresholdMergePool(threshold).select(x, graph.edge_index, batch=graph.batch)
    gradient = torch.randn(2 * x.size(0), x.size(1))
    x.requires_grad_()
    return Workload(x, *graph, gradient, threshold, selection.cluster)


def tiny_workload() -> Workload:
    """Generate a chain of eight nodes, for a first run that allocates buffers."""
    x = torch.randn(8, FEATURES, requires_grad=True)
    return Workload(x, *chain(8), torch.randn(8, FEATURES), 0.5, torch.arange(8) // 2)
