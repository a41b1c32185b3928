"""Tracks from scored edges, without training: the walkthrough and greedy chains."""

from typing import NamedTuple

import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor


class WalkCuts(NamedTuple):
    """The cuts of :func:`walk_through`, on the scale of the scores, rising.

    Attributes:
        low: Edges above it form the components.
        follow: The best edge out of a hit is followed above it.
        branch: All edges out of a hit are tried above it.
    """

    low: float
    follow: float
    branch: float


def join_edges(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Return the connected component [N] of each node."""
    ends = edge_index.numpy()
    links = coo_array((torch.ones(ends.shape[1]).numpy(), tuple(ends)), shape=(num_nodes,) * 2)
    return torch.from_numpy(connected_components(links, directed=False)[1]).long()


def walk_through(edge_score: Tensor, edge_index: Tensor, num_nodes: int, cuts: WalkCuts) -> Tensor:
    """Return the track [N] of each hit, by acorn's ``CCandWalk``.

    Edges above the low cut form components. A component in which no hit has two edges in or two
    edges out is a track. In the others, paths start at the innermost unused hit: a path follows the
    best edge to an unused hit if it is above the second cut, and all edges above the third. The
    longest path is a track (of equally long ones, that of the highest sum of scores), and its hits
    are used; a hit without an edge to follow is a track of its own.

    Args:
        edge_score: [E].
        edge_index: [2, E], from the smaller node, which is further inside, to the larger.
        num_nodes: N.
        cuts: The three cuts.

    Cost: O(E log E), and O(paths through the hits that a start can reach) per start, each hit once.
    """
    kept = (edge_score > cuts.low).nonzero().view(-1)
    cluster = join_edges(edge_index[:, kept], num_nodes)
    is_branched = torch.zeros(num_nodes, dtype=torch.bool)
    for end in edge_index[:, kept]:
        is_branched |= torch.bincount(end, minlength=num_nodes) > 1
    is_walked = torch.zeros(num_nodes, dtype=torch.bool)
    is_walked[cluster[is_branched]] = True
    is_walked = is_walked[cluster]
    is_followed = is_walked[edge_index[0, kept]] & (edge_score[kept] > cuts.follow)
    tracks = _walk(
        edge_index[:, kept[is_followed]],
        edge_score[kept[is_followed]],
        is_walked.nonzero().view(-1).tolist(),
        cuts.branch,
    )
    for number, track in enumerate(tracks, start=num_nodes):
        cluster[track] = number
    return cluster


def _walk(edge_index: Tensor, score: Tensor, hits: list[int], branch: float) -> list[list[int]]:
    """Return disjoint paths through all hits."""
    # The best edge of each hit comes first.
    score, order = score.sort(descending=True, stable=True)
    ahead: dict[int, list[tuple[float, int]]] = {hit: [] for hit in hits}
    for value, source, target in zip(score.tolist(), *edge_index[:, order].tolist(), strict=True):
        ahead[source].append((value, target))
    used: set[int] = set()

    def longest(hit: int, known: dict[int, tuple[int, float, int]]) -> tuple[int, float, int]:
        """Length and sum of scores of the best path from a hit, and the next hit of it."""
        if hit not in known:
            known[hit] = (1, 0.0, -1)
            free = [(value, target) for value, target in ahead[hit] if target not in used]
            for place, (value, target) in enumerate(free):
                if place == 0 or value > branch:
                    length, total, _ = longest(target, known)
                    known[hit] = max(known[hit], (length + 1, total + value, target))
        return known[hit]

    tracks = []
    for hit in hits:
        if hit not in used:
            known: dict[int, tuple[int, float, int]] = {}
            track = [hit]
            while (following := longest(track[-1], known)[2]) >= 0:
                track.append(following)
            used.update(track)
            tracks.append(track)
    return tracks


def chain_edges(edge_score: Tensor, edge_index: Tensor) -> Tensor:
    """Return the edges of greedy chains: the best edge first, one edge in and one out per hit.

    The chains of a cut are the components of those of these edges that are above it.

    Args:
        edge_score: [E].
        edge_index: [2, E], directed.

    Returns:
        Indices of the edges, by falling score.

    Cost: O(E log E), one loop over the edges.
    """
    left, entered, kept = set(), set(), []
    order = edge_score.argsort(descending=True, stable=True)
    for edge, source, target in zip(order.tolist(), *edge_index[:, order].tolist(), strict=True):
        if source not in left and target not in entered:
            left.add(source)
            entered.add(target)
            kept.append(edge)
    return torch.tensor(kept, dtype=torch.long)
