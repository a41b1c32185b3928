"""Select: which nodes become one."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.filtration.noise import at_pairs
from pyg_grapheme.nn.pool.candidates.candidates import Candidates
from pyg_grapheme.nn.pool.clustering.acyclic import acyclic_roots
from pyg_grapheme.nn.pool.clustering.components import component_roots, dense_labels


class Selection(NamedTuple):
    """A clustering, and what led to it.

    Attributes:
        cluster: [N], which output node each input node goes to; numbered by smallest member.
        num_clusters: C.
        candidates: The pairs that might have merged, with their scores.
        threshold: Scalar, or [N] where graphs have their own; pairs strictly above it merged.
    """

    cluster: Tensor
    num_clusters: int
    candidates: Candidates
    threshold: Tensor | float


def select_components(
    candidates: Candidates,
    threshold: Tensor | float,
    num_nodes: int,
    dag: Tensor | None = None,
) -> Selection:
    """Merge every pair whose score is strictly above the threshold, closed transitively.

    Args:
        candidates: The M pairs and their scores.
        threshold: A scalar, or [N], alike for all nodes of a graph.
        num_nodes: N.
        dag: [2, E], edges of a directed acyclic graph that is to stay one, or None.

    Differentiation: the clustering is piecewise constant; the scores are handed on as they came.
    Cost: O((N + M) log N).
    """
    root: Tensor | None = None
    for pairs, score in candidates.blocks():
        merged = (score > at_pairs(threshold, pairs)).nonzero().view(-1)
        root = component_roots(pairs[:, merged], num_nodes, root)
    assert root is not None
    if dag is not None:
        root = acyclic_roots(root, dag)
    return Selection(*dense_labels(root), candidates, threshold)
