"""Select: which nodes become one."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.nn.pool.acyclic import acyclic_roots
from pyg_grapheme.nn.pool.components import component_roots, dense_labels


class Selection(NamedTuple):
    """A clustering, and what led to it.

    Attributes:
        cluster: [N], which output node each input node goes to; numbered by smallest member.
        num_clusters: C.
        pairs: [2, M], the candidate pairs.
        score: [M], how alike they are.
        merged: [M], whether the score is above the threshold.
    """

    cluster: Tensor
    num_clusters: int
    pairs: Tensor
    score: Tensor
    merged: Tensor


def select_components(
    score: Tensor,
    pairs: Tensor,
    threshold: Tensor | float,
    num_nodes: int,
    dag: Tensor | None = None,
) -> Selection:
    """Merge every pair whose score is strictly above the threshold, closed transitively.

    Args:
        score: [M].
        pairs: [2, M].
        threshold: A scalar.
        num_nodes: N.
        dag: [2, E], edges of a directed acyclic graph that is to stay one, or None.

    Differentiation: the clustering is piecewise constant; the scores are handed on as they came.
    Cost: O((N + M) log N).
    """
    merged = score.detach() > threshold
    root = component_roots(pairs[:, merged], num_nodes)
    if dag is not None:
        root = acyclic_roots(root, dag)
    cluster, num_clusters = dense_labels(root)
    return Selection(cluster, num_clusters, pairs, score, merged)
