"""Clusters of the nearest nodes under constraints."""

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from pyg_grapheme.graphs import check_integers, check_numbers
from pyg_grapheme.nn.pool.candidates.candidates import ScoredPairs, pair_threshold
from pyg_grapheme.nn.pool.clustering.components import component_roots, dense_labels
from pyg_grapheme.nn.pool.clustering.linkage import check_magnitude, linkage_merges
from pyg_grapheme.nn.pool.clustering.matching import tie_order
from pyg_grapheme.nn.pool.clustering.merge_constraints import (
    ClustersUnderConstraints,
    MergeConstraints,
    check_constraints,
    check_pairs,
)
from pyg_grapheme.options import expect_count, expect_one_of

ConstrainedMergeName: TypeAlias = Literal["components", "average", "complete"]
"""The similarity of two clusters: the best, the mean or the worst score between them."""


def constrained_clusters(
    pairs: Tensor,
    score: Tensor,
    num_nodes: int,
    threshold: Tensor | float,
    *,
    merge: ConstrainedMergeName,
    constraints: MergeConstraints,
    batch: Tensor | None = None,
) -> Tensor:
    """Merge the most similar clusters above a threshold, unless a constraint forbids it.

    At first, nodes that are to be together are one cluster, and all others single. Then the two
    most similar clusters merge, again and again, while their similarity is strictly above the
    threshold. It is the maximum ("components"), the mean ("average") or the minimum ("complete") of
    the scores of the pairs between them; clusters without such a pair never merge. Two clusters
    that a constraint keeps apart are passed over; they can never merge later. Equal similarities
    have the order of the pool. Without constraints, these are the clusters of
    :meth:`ThresholdMergePool.dendrogram` at that threshold.

    Args:
        pairs: [2, M], the candidates, in any order; repeated ones count repeatedly.
        score: [M], finite.
        num_nodes: N.
        threshold: A number, or [N], the same for all nodes of a connected component.
        merge: "components", "average" or "complete".
        constraints: The constraints.
        batch: [N], sorted, the graph of each node; one graph if None. It only orders equal scores,
            such that a graph has the same clusters alone and in any batch.

    Returns:
        [N], the cluster of each node: the ids are dense, ordered by smallest member.

    Raises:
        ValueError: if an argument is not as described, the constraints contradict each other, or a
            score is too large for exact sums.

    Differentiation: none.
    Cost: O(M log^2 M), one loop over the pairs on the CPU.

    >>> pairs, score = torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([0.9, 0.8, 0.1])
    >>> limits = MergeConstraints(together=torch.tensor([[2], [3]]), max_size=3)
    >>> constrained_clusters(pairs, score, 4, 0.5, merge="components", constraints=limits)
    tensor([0, 0, 1, 1])
    """
    num_nodes = expect_count("num_nodes", num_nodes, low=0)
    expect_one_of("merge", merge, get_args(ConstrainedMergeName))
    pairs = check_pairs("pairs", pairs, num_nodes)
    device = pairs.device
    score = check_numbers("score", score, pairs.size(1), "pair", device, True).detach()
    constraints, root = check_constraints(constraints, num_nodes, device)
    threshold = _check_threshold(threshold, pairs, root)
    batch = _check_batch(batch, num_nodes, device)
    candidates = _candidates(pairs, score, threshold, root, batch)
    clusters = ClustersUnderConstraints(root, constraints)
    if merge == "components":
        merges = _above(candidates, threshold)
        joined = [clusters.join(a, b) for a, b in zip(*merges.pairs.tolist(), strict=True)]
        merges = merges.keep(torch.tensor(joined, device=device).nonzero().view(-1))
    else:
        merges = _linked(candidates, merge, threshold, root, batch, clusters)
        merges = _above(merges, threshold)
    return dense_labels(component_roots(merges.pairs, num_nodes, root))[0]


def _check_threshold(threshold: object, pairs: Tensor, root: Tensor) -> Tensor:
    """Return the threshold, scalar or [N], the same at both ends of each pair and of each root."""
    if not isinstance(threshold, Tensor | int | float):
        raise ValueError(
            f"Expected 'threshold' to be a number or a tensor (got {type(threshold).__name__})"
        )
    threshold = torch.as_tensor(threshold, device=pairs.device)
    if threshold.shape not in ((), root.shape) or bool(threshold.isnan().any()):
        got = "NaN" if threshold.isnan().any() else f"shape {tuple(threshold.shape)}"
        raise ValueError(
            f"Expected 'threshold' to be a number, or a tensor [{root.numel()}] of one per node "
            f"(got {got})"
        )
    if threshold.dim() > 0:
        nodes = torch.arange(root.numel(), device=root.device)
        links = torch.cat([pairs, torch.stack([root, nodes])], dim=1)
        left, right = threshold[links]
        for i, j in links[:, left != right].T.tolist()[:1]:
            raise ValueError(
                f"Expected 'threshold' to be the same in each connected component (got "
                f"{float(threshold[i]):g} for node {i}, {float(threshold[j]):g} for node {j})"
            )
    return threshold


def _check_batch(batch: object, num_nodes: int, device: torch.device) -> Tensor:
    """Return the graph [N] of each node."""
    if batch is None:
        return torch.zeros(num_nodes, dtype=torch.long, device=device)
    checked = check_integers("batch", batch, low=0, size=num_nodes, device=device)
    if bool((checked[1:] < checked[:-1]).any()):
        raise ValueError("Expected 'batch' to be sorted (got a graph after a larger one)")
    return checked


def _candidates(
    pairs: Tensor, score: Tensor, threshold: Tensor, root: Tensor, batch: Tensor
) -> ScoredPairs:
    """Return the pairs on which the clusters can depend, the best first.

    Clusters lie inside the components of the pairs above the threshold.
    """
    pairs = torch.stack([torch.minimum(*pairs), torch.maximum(*pairs)])
    candidates = ScoredPairs(pairs, score.to(torch.promote_types(score.dtype, torch.float)))
    component = component_roots(_above(candidates, threshold).pairs, root.numel(), root)
    left, right = component.index_select(0, pairs.reshape(-1)).view(2, -1)
    first, second = root.index_select(0, pairs.reshape(-1)).view(2, -1)
    candidates = candidates.keep(((left == right) & (first != second)).nonzero().view(-1))
    num_graphs = int(batch[-1]) + 1 if batch.numel() else 1
    return candidates.keep(tie_order(candidates.score, candidates.pairs, batch, num_graphs))


def _above(candidates: ScoredPairs, threshold: Tensor) -> ScoredPairs:
    """Keep the pairs above the threshold."""
    above = candidates.score > pair_threshold(threshold, candidates.pairs)
    return candidates.keep(above.nonzero().view(-1))


def _linked(
    candidates: ScoredPairs,
    merge: Literal["average", "complete"],
    threshold: Tensor,
    root: Tensor,
    batch: Tensor,
    clusters: ClustersUnderConstraints,
) -> ScoredPairs:
    """Return the merges of average or complete linkage that ``clusters`` allows."""
    if candidates.num_pairs == 0:
        return candidates
    check_magnitude(candidates.score, merge)
    # Merges are equally far from the threshold at one height only where thresholds are equal.
    level = torch.unique(threshold.expand(batch.numel()), return_inverse=True)[1]
    group = batch * batch.numel() + level
    in_tree = torch.zeros_like(candidates.score, dtype=torch.bool)
    return linkage_merges(candidates, in_tree, merge, group, threshold, root, clusters.join)
