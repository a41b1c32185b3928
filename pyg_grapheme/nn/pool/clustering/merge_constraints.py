"""What clusters must and must not hold."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.graphs import check_integers
from pyg_grapheme.nn.pool.clustering.components import component_roots
from pyg_grapheme.options import expect_count


class MergeConstraints(NamedTuple):
    """Constraints on the clusters of N nodes. Each can be None.

    Attributes:
        together: [2, K], pairs of nodes that share a cluster, whatever their score.
        apart: [2, K], pairs of nodes that never share one.
        max_size: The largest number of nodes of a cluster.
        source: [N], the source of each node, integers of at least 0; -1 if it has none. Nodes of
            one source never share a cluster.
    """

    together: Tensor | None = None
    apart: Tensor | None = None
    max_size: int | None = None
    source: Tensor | None = None


class ConstraintError(ValueError):
    """Constraints contradict each other.

    Args:
        message: What is wrong.
        constraint: "apart", "max_size" or "source": what "together" contradicts.
        nodes: The nodes that "together" joins nevertheless.
    """

    def __init__(self, message: str, constraint: str, nodes: list[int]) -> None:
        super().__init__(message)
        self.constraint, self.nodes = constraint, nodes


def check_pairs(
    name: str, pairs: object, num_nodes: int, device: torch.device | None = None
) -> Tensor:
    """Return pairs [2, K] of nodes as int64; refuse anything else.

    Raises:
        ValueError: if the pairs are not integers in [0, N) on the device; names the argument.
    """
    if (
        not isinstance(pairs, Tensor)
        or pairs.dtype not in (torch.int64, torch.int32)
        or pairs.dim() != 2
        or pairs.size(0) != 2
    ):
        got = type(pairs).__name__
        if isinstance(pairs, Tensor):
            got = f"{str(pairs.dtype).removeprefix('torch.')} of shape {tuple(pairs.shape)}"
        raise ValueError(f"Expected '{name}' to be int64 or int32 pairs [2, K] (got {got})")
    if device is not None and pairs.device != device:
        raise ValueError(
            f"Expected '{name}' to be on {device}, as the other inputs are (got {pairs.device})"
        )
    outside = pairs[(pairs < 0) | (pairs >= num_nodes)]
    if outside.numel():
        raise ValueError(
            f"Expected '{name}' to hold nodes in [0, {num_nodes}) (got {int(outside[0])})"
        )
    return pairs.long()


def check_constraints(
    constraints: MergeConstraints, num_nodes: int, device: torch.device
) -> tuple[MergeConstraints, Tensor]:
    """Return the constraints, and the smallest node [N] that ``together`` joins each node with.

    Raises:
        ValueError: if they are not as described, or contradict each other; names the nodes.
    """
    together, apart, max_size, source = constraints
    root = torch.arange(num_nodes, device=device)
    if together is not None:
        together = check_pairs("together", together, num_nodes, device)
        root = component_roots(together, num_nodes)
    if apart is not None:
        apart = check_pairs("apart", apart, num_nodes, device)
        _check_apart(apart, root)
    if max_size is not None:
        max_size = expect_count("max_size", max_size)
        _check_size(max_size, root)
    if source is not None:
        source = check_integers("source", source, low=-1, size=num_nodes, device=device)
        _check_source(source, root)
    return MergeConstraints(together, apart, max_size, source), root


def _check_apart(apart: Tensor, root: Tensor) -> None:
    """Refuse pairs of one node, or of nodes that are joined."""
    joined = apart[:, root[apart[0]] == root[apart[1]]].T.tolist()
    for i, j in joined[:1]:
        if i == j:
            message = f"Expected 'apart' to be pairs of two nodes (got node {i} twice)"
        else:
            message = (
                f"Expected 'apart' to be pairs that 'together' does not join (got nodes {i} and "
                f"{j})"
            )
        raise ConstraintError(message, "apart", [i, j])


def _check_size(max_size: int, root: Tensor) -> None:
    """Refuse joined nodes that are too many."""
    large = (torch.bincount(root) > max_size).nonzero().view(-1)
    if large.numel():
        nodes = (root == large[0]).nonzero().view(-1).tolist()
        names = ", ".join(map(str, nodes[:5])) + (", ..." if len(nodes) > 5 else "")
        raise ConstraintError(
            f"Expected 'together' to join at most max_size={max_size} nodes (got {len(nodes)} "
            f"nodes, {names})",
            "max_size",
            nodes,
        )


def _check_source(source: Tensor, root: Tensor) -> None:
    """Refuse joined nodes of one source."""
    node = (source >= 0).nonzero().view(-1)
    ids, index = torch.unique(source[node], return_inverse=True)
    key, order = (root[node] * ids.numel() + index).sort(stable=True)
    for at in (key[1:] == key[:-1]).nonzero().view(-1)[:1]:
        i, j = int(node[order[at]]), int(node[order[at + 1]])
        raise ConstraintError(
            f"Expected 'together' to join at most one node of each source (got nodes {i} and {j} "
            f"of source {int(source[i])})",
            "source",
            [i, j],
        )


class ClustersUnderConstraints:
    """Clusters that merge two by two: a union-find that refuses what a constraint forbids.

    Args:
        root: [N], one node of the cluster of each node, itself for that node.
        constraints: Constraints that these clusters do not break.

    A refusal is final: clusters only grow, and what holds for a cluster holds for a larger one.
    """

    def __init__(self, root: Tensor, constraints: MergeConstraints) -> None:
        _, apart, max_size, source = constraints
        self._parent: list[int] = root.tolist()
        self._size: list[int] = torch.bincount(root, minlength=root.numel()).tolist()
        self._max_size = root.numel() if max_size is None else max_size
        # By root, if there are any: the sources in a cluster, the roots that it stays apart from.
        self._sources: dict[int, set[int]] = {}
        self._apart: dict[int, set[int]] = {}
        if source is not None:
            for r, s in zip(self._parent, source.tolist(), strict=True):
                if s >= 0:
                    self._sources.setdefault(r, set()).add(s)
        if apart is not None:
            for a, b in zip(*root[apart].tolist(), strict=True):
                self._apart.setdefault(a, set()).add(b)
                self._apart.setdefault(b, set()).add(a)

    def join(self, a: int, b: int) -> bool:
        """Merge the clusters of two nodes if they are two and may; return whether they did.

        Cost: O(log N) amortised; comparing sources takes as long as the smaller set.
        """
        a, b = self._find(a), self._find(b)
        if a == b or self._size[a] + self._size[b] > self._max_size:
            return False
        if b in self._apart.get(a, _NONE):
            return False
        if not self._sources.get(a, _NONE).isdisjoint(self._sources.get(b, _NONE)):
            return False
        self._union(a, b)
        return True

    def _find(self, node: int) -> int:
        parent = self._parent
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    def _union(self, a: int, b: int) -> None:
        """Merge the clusters of two roots, small sets into large ones."""
        apart, sources, size = self._apart, self._sources, self._size
        if (len(apart.get(a, _NONE)), size[a]) < (len(apart.get(b, _NONE)), size[b]):
            a, b = b, a
        self._parent[b] = a
        size[a] += size[b]
        if b in apart:
            moved = apart.pop(b)
            for c in moved:
                apart[c].remove(b)
                apart[c].add(a)
            apart[a] |= moved
        if b in sources:
            few, many = sorted((sources.pop(b), sources.get(a, set())), key=len)
            many |= few
            sources[a] = many


_NONE: frozenset[int] = frozenset()
