"""Agglomeration over sparse pairs: the nearest clusters merge first."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from pyg_grapheme.filtration.score_order import score_order
from pyg_grapheme.graphs import int_tensor
from pyg_grapheme.nn.pool.clustering.components import jump

LEAST_LINKS, LEAST_SHARE = 200, 0.03
"""The links that a round has to remove, and their share; with fewer, a heap is faster."""


MayJoin: TypeAlias = Callable[[int, int], bool]
"""Whether the clusters of two nodes may merge; a function that says so takes note of the merge."""


class Agglomeration(NamedTuple):
    """The merges of clusters, each named after the first pair between the two clusters.

    Attributes:
        merge: [M], the merge in which the two nodes of each pair first meet; if they do not meet,
            some pair that is no merge.
        merged: [M], the pairs that are merges.
        distance: [M], the distance of the clusters at each merge.
    """

    merge: Tensor
    merged: Tensor
    distance: Tensor


class _Links(NamedTuple):
    """The linked clusters: two clusters with pairs of nodes between them.

    Attributes:
        ends: [2, L], the two clusters, each as one of its nodes.
        first: [L], the first pair of each; ascending.
        total: [L], sum of the distances of the pairs (average), or the largest (complete).
        size: [L], number of the pairs; 1 for complete linkage.
    """

    ends: Tensor
    first: Tensor
    total: Tensor
    size: Tensor

    def at(self, index: Tensor) -> "_Links":
        # Along the second dimension, index_select takes three times as long.
        ends = torch.stack([end.index_select(0, index) for end in self.ends])
        return _Links(ends, *(field.index_select(0, index) for field in self[1:]))


def agglomerate(
    pairs: Tensor,
    distance: Tensor,
    in_tree: Tensor,
    average: bool,
    limit: float,
    num_nodes: int,
    may_join: MayJoin | None = None,
) -> Agglomeration:
    """Merge the two nearest linked clusters until no two are nearer than the limit.

    Two clusters are linked if there is a pair between them. Their distance is the mean or the
    maximum over these pairs. Of equally near clusters, those of the first pair merge first.

    Clusters that are nearest to each other stay so until they merge, so each round merges all of
    them at once. When rounds remove few links, a heap merges the rest one by one.

    Args:
        pairs: [2, M].
        distance: [M], float64; integers for the mean, of which sums below 2^53 are exact.
        in_tree: [M], whether the component of the pair has no cycle: the pair is a merge.
        average: Whether the mean counts, or the maximum.
        limit: Clusters merge only if they are strictly nearer.
        num_nodes: N.
        may_join: Asked before each merge, in order; clusters that may not merge stay apart. Where
            it is given, a heap does all merges, pairs may repeat, and ``in_tree`` is False.
    """
    first = torch.arange(distance.numel(), device=pairs.device)
    links = _Links(pairs, first, distance, torch.ones_like(distance))
    links = links.at((~in_tree).nonzero().view(-1))
    state = Agglomeration(first, in_tree.clone(), distance.clone())
    if may_join is not None:
        kept = torch.ones_like(in_tree)
        kept[_coalesce(links, first, average, num_nodes, state)] = False
        links = links.at(kept.nonzero().view(-1))
        _merge_in_order(links, average, limit, num_nodes, state, may_join)
        return state._replace(merge=jump(state.merge))
    while (before := links.first.numel()) > 0:
        # A round adds up to four sums.
        exact = not average or float(links.total.abs().max()) < 2**51
        if exact:
            links = _merge_mutual(links, average, limit, num_nodes, state)
        if not exact or before - links.first.numel() < LEAST_LINKS + before * LEAST_SHARE:
            _merge_in_order(links, average, limit, num_nodes, state)
            break
    return state._replace(merge=jump(state.merge))


def _merge_mutual(
    links: _Links, average: bool, limit: float, num_nodes: int, state: Agglomeration
) -> _Links:
    """Merge all clusters that are nearest to each other; return the links that are left."""
    ends, first, distance = links.ends.reshape(-1), links.first, links.total / links.size
    best = distance.new_full((num_nodes,), inf)
    best.scatter_reduce_(0, ends, distance.repeat(2), "amin")
    nearest = best.index_select(0, ends).view(2, -1)
    # Of the links of a cluster that are equally near, the first counts.
    index = (nearest == distance).view(-1).nonzero().view(-1)
    top = first.new_full((num_nodes,), state.merge.numel())
    top.scatter_reduce_(0, ends[index], first.repeat(2)[index], "amin")
    of_left, of_right = top.index_select(0, ends).view(2, -1) == first
    chosen = of_left & of_right
    is_left = ~chosen
    if limit < inf:
        chosen &= distance < limit
        # A cluster that is at the limit from all others never merges.
        is_left &= torch.maximum(*nearest) < limit
    chosen = chosen.nonzero().view(-1)
    low, high = (end.index_select(0, chosen) for end in links.ends)
    state.merged[first[chosen]] = True
    state.distance[first[chosen]] = distance[chosen]
    label = torch.arange(num_nodes, device=ends.device)
    label[high] = low
    changed = torch.zeros_like(label, dtype=torch.bool)
    changed[low] = True
    ends = label.index_select(0, ends)
    of_left, of_right = changed.index_select(0, ends).view(2, -1)
    touched = (of_left | of_right).nonzero().view(-1)
    links = links._replace(ends=ends.view(2, -1))
    is_left[_coalesce(links, touched, average, num_nodes, state)] = False
    return links.at(is_left.nonzero().view(-1))


def _coalesce(
    links: _Links, touched: Tensor, average: bool, num_nodes: int, state: Agglomeration
) -> Tensor:
    """Join the links, among those at the positions ``touched``, that link the same clusters.

    Returns:
        The positions of the links that joined an earlier one.
    """
    left, right = (end.index_select(0, touched) for end in links.ends)
    key = torch.minimum(left, right) * num_nodes + torch.maximum(left, right)
    source, target = (touched.index_select(0, at) for at in _repeats(key, num_nodes**2))
    first = links.first
    state.merge.index_copy_(0, first.index_select(0, source), first.index_select(0, target))
    if average:
        links.total.index_add_(0, target, links.total.index_select(0, source))
        links.size.index_add_(0, target, links.size.index_select(0, source))
    else:
        links.total.scatter_reduce_(0, target, links.total.index_select(0, source), "amax")
    return source


def _repeats(key: Tensor, num_keys: int) -> tuple[Tensor, Tensor]:
    """Return the positions of the keys [K] that occur before, and those where they first do."""
    if num_keys <= 16 * key.numel():
        position = torch.arange(key.numel(), device=key.device)
        first = key.new_empty(num_keys)
        first.scatter_reduce_(0, key, position, "amin", include_self=False)
        first = first.index_select(0, key)
        repeats = (first < position).nonzero().view(-1)
        return repeats, first.index_select(0, repeats)
    key, order = key.sort(stable=True)
    repeats = (key[1:] == key[:-1]).nonzero().view(-1) + 1
    first = torch.searchsorted(key, key.index_select(0, repeats))
    return order.index_select(0, repeats), order.index_select(0, first)


def _merge_in_order(
    links: _Links,
    average: bool,
    limit: float,
    num_nodes: int,
    state: Agglomeration,
    may_join: MayJoin | None = None,
) -> None:
    """Merge the nearest clusters one by one."""
    ends = links.ends.reshape(-1)
    used = torch.zeros(num_nodes, dtype=torch.bool, device=ends.device)
    used[ends] = True
    left, right = (used.cumsum(0) - 1).index_select(0, ends).view(2, -1).tolist()
    sums = None
    if average:
        exact = float(links.total.abs().sum()) < 2**53
        total, size = (n if exact else n.long() for n in (links.total, links.size))
        sums = total.tolist(), size.tolist()
    start = links.total / links.size
    order = score_order(-start)
    queue = zip(start[order].tolist(), order.tolist(), strict=True)
    distance, node = start.tolist(), used.nonzero().view(-1).tolist()
    ask = None if may_join is None else lambda a, b: may_join(node[a], node[b])
    target, taken, taken_at = _merge_queue(queue, left, right, distance, sums, limit, ask)
    first = links.first
    state.merge[first] = first[int_tensor(target, first.device)]
    merged = first[int_tensor(taken, first.device)]
    state.merged[merged] = True
    state.distance[merged] = start.new_tensor(taken_at)


def _merge_queue(
    queue: Iterator[tuple[float, int]],
    left: list[int],
    right: list[int],
    distance: list[float],
    sums: tuple[list[float], list[float]] | None,
    limit: float,
    may_join: MayJoin | None = None,
) -> tuple[list[int], list[int], list[float]]:
    """Merge the ends of the nearest of L links again and again, few neighbours into many.

    A link's distance falls only if it absorbs a nearer one, so an entry of the queue or the heap
    that is too near can wait: it is pushed again when its turn comes.

    Args:
        queue: All links with their distances, the nearest first.
        left: One end of each link, from 0 on.
        right: The other end.
        distance: Changed: infinity for links that are gone.
        sums: Sum and number of the pairs of each link, for means; changed. None for maxima.
        limit: Links merge only if they are strictly nearer.
        may_join: Asked before each merge about the two clusters, as one of their ends each.

    Returns:
        The link that each one joined, or itself; the links that merged, and at which distances.
    """
    parent = list(range(1 + max(left + right, default=-1)))
    target = list(range(len(left)))
    taken, taken_at = [], []
    near: list[dict[int, int]] = [{} for _ in parent]
    for a, b, i in zip(left, right, target, strict=True):
        near[a][b] = near[b][a] = i
    average = sums is not None
    total, size = sums or ([], [])
    end = (inf, -1)
    following = next(queue, end)
    heap = [end]
    while True:
        if heap[0] < following:
            at, i = heappop(heap)
        else:
            at, i = following
            following = next(queue, end)
        if at >= limit:
            break
        if distance[i] != at:
            if distance[i] < limit:
                heappush(heap, (distance[i], i))
            continue
        distance[i] = inf
        a, b = left[i], right[i]
        while parent[a] != a:
            parent[a] = a = parent[parent[a]]
        while parent[b] != b:
            parent[b] = b = parent[parent[b]]
        if may_join is not None and not may_join(a, b):
            del near[a][b], near[b][a]
            continue
        taken.append(i)
        taken_at.append(at)
        large, small = near[a], near[b]
        if len(large) < len(small):
            a, b, large, small = b, a, small, large
        parent[b] = a
        del large[b], small[a]
        for c, j in small.items():
            other = near[c]
            del other[b]
            k = large.setdefault(c, j)
            if k == j:
                other[a] = j
                continue
            if j < k:
                large[c] = other[a] = j
                j, k = k, j
            target[j] = k
            if average:
                total[k] += total[j]
                size[k] += size[j]
                mean = total[k] / size[k]
                if mean < distance[k]:
                    heappush(heap, (mean, k))
                distance[k] = mean
            elif distance[k] < distance[j]:
                distance[k] = distance[j]
            distance[j] = inf
        small.clear()
    return target, taken, taken_at
