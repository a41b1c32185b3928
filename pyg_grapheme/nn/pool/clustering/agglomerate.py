"""Agglomeration over sparse pairs: the nearest clusters merge first."""

from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.nn.pool.clustering.components import jump


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
    """The linked clusters: pairs of clusters with a pair of nodes between them.

    Attributes:
        left: [L], cluster of one side, as one of its nodes.
        right: [L].
        total: [L], sum of the distances of the pairs (average), or the largest (complete).
        count: [L], number of the pairs, or None for complete linkage.
        first: [L], the first pair of each; ascending.
    """

    left: Tensor
    right: Tensor
    total: Tensor
    count: Tensor | None
    first: Tensor

    def distance(self) -> Tensor:
        return self.total if self.count is None else self.total / self.count

    def keep(self, index: Tensor) -> "_Links":
        return _Links(*(None if field is None else field[index] for field in self))


def agglomerate(
    pairs: Tensor, distance: Tensor, average: bool, limit: float, num_nodes: int
) -> Agglomeration:
    """Merge the two nearest linked clusters until no two are nearer than the limit.

    Two clusters are linked if there is a pair between them. Their distance is the mean or the
    maximum over these pairs. Of equally near clusters, those of the first pair merge first.

    Args:
        pairs: [2, M].
        distance: [M], float64; integers for the mean, of which sums below 2^53 are exact.
        average: Whether the mean counts, or the maximum.
        limit: Clusters merge only if they are strictly nearer.
        num_nodes: N.
    """
    count = torch.ones_like(distance) if average else None
    links = _Links(*pairs, distance, count, torch.arange(distance.numel(), device=pairs.device))
    into = links.first.clone()
    merged = torch.zeros_like(into, dtype=torch.bool)
    height = distance.clone()
    while links.first.numel() > 0:
        if average and float(links.total.abs().max()) >= 2**51:
            break  # Sums of the next round may not be exact.
        before = links.first.numel()
        links = _merge_mutual(links, limit, num_nodes, into, merged, height)
        if before - links.first.numel() < 200 + before / 100:
            break
    if links.first.numel() > 0:
        _merge_in_order(links, limit, num_nodes, into, merged, height)
    return Agglomeration(jump(into), merged, height)


def _merge_mutual(
    links: _Links, limit: float, num_nodes: int, into: Tensor, merged: Tensor, height: Tensor
) -> _Links:
    """Merge all clusters that are nearest to each other: one round."""
    left, right, _, _, first = links
    distance = links.distance()
    best = distance.new_full((num_nodes,), torch.inf)
    best.scatter_reduce_(0, left, distance, "amin").scatter_reduce_(0, right, distance, "amin")
    of_left, of_right = best[left], best[right]
    near_left, near_right = distance == of_left, distance == of_right
    top = first.new_full((num_nodes,), into.numel())
    for end, near in ((left, near_left), (right, near_right)):
        index = near.nonzero().view(-1)
        top.scatter_reduce_(0, end[index], first[index], "amin")
    mutual = (top[left] == first) & (top[right] == first) & (distance < limit)
    is_open = (of_left < limit) & (of_right < limit) & ~mutual
    index = mutual.nonzero().view(-1)
    merged[first[index]] = True
    height[first[index]] = distance[index]
    label = torch.arange(num_nodes, device=left.device)
    label[right[index]] = left[index]
    changed = torch.zeros_like(label, dtype=torch.bool)
    changed[left[index]] = True
    links = links.keep(is_open.nonzero().view(-1))
    links = links._replace(left=label[links.left], right=label[links.right])
    touched = (changed[links.left] | changed[links.right]).nonzero().view(-1)
    return _coalesce(links, touched, num_nodes, into)


def _coalesce(links: _Links, touched: Tensor, num_nodes: int, into: Tensor) -> _Links:
    """Join the links, among those at the positions ``touched``, that link the same clusters."""
    left, right, total, count, first = links
    low = torch.minimum(left[touched], right[touched])
    high = torch.maximum(left[touched], right[touched])
    key, order = (low * num_nodes + high).sort(stable=True)
    touched = touched[order]
    is_new = torch.ones_like(key, dtype=torch.bool)
    torch.ne(key[1:], key[:-1], out=is_new[1:])
    group = is_new.cumsum(0) - 1
    kept = touched[is_new]
    target = kept[group]
    other = (~is_new).nonzero().view(-1)
    source, target = touched[other], target[other]
    into[first[source]] = first[target]
    if count is None:
        total.scatter_reduce_(0, target, total[source], "amax")
    else:
        total.index_add_(0, target, total[source])
        count.index_add_(0, target, count[source])
    alive = torch.ones_like(first, dtype=torch.bool)
    alive[source] = False
    return links.keep(alive.nonzero().view(-1))


def _merge_in_order(
    links: _Links, limit: float, num_nodes: int, into: Tensor, merged: Tensor, height: Tensor
) -> None:
    """Merge the nearest clusters one by one, with a heap."""
    ends = torch.stack([links.left, links.right])
    used = torch.zeros(num_nodes, dtype=torch.bool, device=ends.device)
    used[ends] = True
    left, right = (used.cumsum(0) - 1)[ends].tolist()
    parent = list(range(int(used.sum())))
    start = links.distance()
    exact = links.count is None or float(links.total.abs().sum()) < 2**53
    total = (links.total if exact else links.total.long()).tolist()
    count = [] if links.count is None else links.count.tolist()
    distance = start.tolist()
    target = list(range(len(left)))
    taken, taken_at = [], []
    heap: list[tuple[float, int]] = []
    near: list[dict[int, int]] = [{} for _ in parent]
    i = 0
    for a, b in zip(left, right, strict=True):
        near[a][b] = near[b][a] = i
        i += 1

    def merge(i: int) -> None:
        taken.append(i)
        taken_at.append(distance[i])
        distance[i] = inf
        a, b = left[i], right[i]
        while parent[a] != a:
            parent[a] = a = parent[parent[a]]
        while parent[b] != b:
            parent[b] = b = parent[parent[b]]
        large, small = near[a], near[b]
        if len(large) < len(small):
            a, b, large, small = b, a, small, large
        parent[b] = a
        del large[b], small[a]
        find = large.get
        for c, j in small.items():
            other = near[c]
            del other[b]
            k = find(c)
            if k is None:
                large[c] = other[a] = j
                continue
            if k > j:
                j, k = k, j
                large[c] = other[a] = k
            target[j] = k
            if count:
                total[k] = t = total[k] + total[j]
                count[k] = n = count[k] + count[j]
                now = t / n
            else:
                now = max(distance[j], distance[k])
            if now < distance[k] and now < limit:
                heappush(heap, (now, k))
            distance[k] = now
            distance[j] = inf
        near[b] = {}

    order = start.argsort(stable=True)
    order = order[start[order] < limit]
    for entry in zip(start[order].tolist(), order.tolist(), strict=True):
        while heap and heap[0] < entry:
            at, i = heappop(heap)
            now = distance[i]
            if now == at:
                merge(i)
            elif now < limit:
                heappush(heap, (now, i))
        at, i = entry
        now = distance[i]
        if now == at:
            merge(i)
        elif now < limit:
            heappush(heap, (now, i))
    while heap:
        at, i = heappop(heap)
        now = distance[i]
        if now == at:
            merge(i)
        elif now < limit:
            heappush(heap, (now, i))
    first = links.first
    into[first] = first[torch.tensor(target, device=first.device)]
    merged[first[taken]] = True
    height[first[taken]] = height.new_tensor(taken_at)
