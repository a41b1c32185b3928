"""The binary tree of merges, by one union-find pass."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.graphs import int_tensor


class MergeTree(NamedTuple):
    """N leaves, 0 to N - 1, and K merges, N to N + K - 1, each above its two children.

    The leaves of every merge are an interval of one order of the leaves.

    Attributes:
        children: [2, K].
        parent: [N + K], -1 for roots.
        size: [N + K], leaves.
        start: [N + K], position of the first leaf.
    """

    children: Tensor
    parent: Tensor
    size: Tensor
    start: Tensor


def merge_tree(pairs: Tensor, num_nodes: int) -> MergeTree:
    """Merge the clusters of the two nodes of each pair, in order.

    Merging is sequential, so this is one loop over lists; it takes less than a pooling layer does.

    Args:
        pairs: [2, K], without a cycle.
        num_nodes: N.

    Cost: O((N + K) log N), on the CPU.
    """
    total = num_nodes + pairs.size(1)
    root, cluster = list(range(num_nodes)), list(range(num_nodes))
    parent, size = [-1] * total, [1] * total
    lefts, rights = [], []
    for merge, (a, b) in enumerate(zip(*pairs.tolist(), strict=True), num_nodes):
        while root[a] != a:
            root[a] = a = root[root[a]]
        while root[b] != b:
            root[b] = b = root[root[b]]
        left, right = cluster[a], cluster[b]
        if size[left] < size[right]:
            a, b = b, a
        root[b], cluster[a] = a, merge
        parent[left] = parent[right] = merge
        size[merge] = size[left] + size[right]
        lefts.append(left)
        rights.append(right)
    start = _place(lefts, rights, parent, size)
    lists = (lefts, rights, parent, size, start)
    left, right, *columns = (int_tensor(values, pairs.device) for values in lists)
    return MergeTree(torch.stack([left, right]), *columns)


def _place(lefts: list[int], rights: list[int], parent: list[int], size: list[int]) -> list[int]:
    """Return the first position of each cluster: a tree follows the one of the root before it."""
    start, end = [0] * len(size), 0
    for node, above in enumerate(parent):
        if above < 0:
            start[node] = end
            end += size[node]
    merge = len(size)
    for left, right in zip(reversed(lefts), reversed(rights), strict=True):
        merge -= 1
        start[left] = start[merge]
        start[right] = start[merge] + size[left]
    return start
