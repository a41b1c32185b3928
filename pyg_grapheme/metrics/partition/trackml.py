"""The score of the TrackML challenge."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from pyg_grapheme.graphs import check_numbers
from pyg_grapheme.metrics.partition.contingency import contingency
from pyg_grapheme.metrics.partition.ratio import ratio


class HitWeights(NamedTuple):
    """Weights of the hits of B graphs, each [B] in float64.

    Attributes:
        matched: Weight of the hits that a track shares with the particle that it matches.
        total: Weight of all hits.
    """

    matched: Tensor
    total: Tensor

    def score(self) -> Tensor:
        """Return the share of the weight that is matched; 0 / 0 is 1."""
        return ratio(self.matched, self.total)


def trackml_score(
    cluster: Tensor,
    y: Tensor,
    weight: Tensor,
    batch: Tensor | None = None,
    *,
    batch_size: int | None = None,
) -> Tensor:
    """Score the clustering of each graph as the TrackML challenge did.

    The score is the weight of the hits that tracks share with the particles they match by double
    majority, over the weight of all hits: ``score_event`` of the ``trackml-library`` (Amrouche,
    Rousseau, Kiehn, Vukotic).

    Args:
        cluster: [N], the track of each hit: integers of at least 0. Equal ones in different graphs
            are different tracks.
        y: [N], the particle of each hit, likewise; -1 for noise, which belongs to no particle and
            counts in the sizes of the tracks.
        weight: [N], finite floats of at least 0.
        batch: [N], the graph (event) of each hit; one graph if None.
        batch_size: B; one more than the largest of ``batch`` if None.

    Returns:
        [B], in float64.

    Raises:
        ValueError: if an argument is not as described.

    Differentiation: none.
    Cost: O(N log N) time, O(N) memory.

    Example:
        >>> cluster, y = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 1])
        >>> trackml_score(cluster, y, torch.tensor([0.5, 0.25, 0.125, 0.125]))
        tensor([0.7500], dtype=torch.float64)
    """
    return hit_weights(cluster, y, weight, batch, batch_size=batch_size).score()


def hit_weights(
    cluster: Tensor, y: Tensor, weight: Tensor, batch: Tensor | None, *, batch_size: int | None
) -> HitWeights:
    """Sum up what :func:`trackml_score` divides; see there."""
    table = contingency(cluster, y, batch, batch_size=batch_size, unlabelled="other")
    weight = check_numbers("weight", weight, cluster.numel(), "hit", cluster.device, True)
    if bool((weight < 0).any()):
        raise ValueError(f"Expected 'weight' to be at least 0 (got {float(weight.min())})")
    matches = table.matches("double_majority") & table.is_labelled[table.label]
    weight, label = weight.detach().double(), table.label[table.pair]
    graph = table.label_graph[label]

    def by_graph(value: Tensor) -> Tensor:
        summed: Tensor = scatter(value, graph, dim_size=table.num_graphs)
        return summed

    return HitWeights(by_graph(torch.where(matches[table.pair], weight, 0)), by_graph(weight))
