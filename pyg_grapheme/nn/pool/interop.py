"""Conversion of merge histories from and to the types of other libraries."""

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch_geometric.nn.pool.select import SelectOutput

from pyg_grapheme.nn.pool.history import MergeHistory, make_history

if TYPE_CHECKING:
    from tgp.select import SelectOutput as TgpSelectOutput


class HardAssignment(Protocol):
    """The common part of the ``SelectOutput`` of PyG and of torch-geometric-pool."""

    num_nodes: int
    node_index: Tensor
    cluster_index: Tensor


def to_select_output(history: MergeHistory) -> SelectOutput:
    """Convert a merge to PyG's ``SelectOutput``; the weight is the share under ``mean``."""
    return SelectOutput(
        node_index=torch.arange(history.cluster.numel(), device=history.cluster.device),
        num_nodes=history.cluster.numel(),
        cluster_index=history.cluster,
        num_clusters=history.num_clusters,
        weight=history.weight,
    )


def to_tgp_select_output(history: MergeHistory) -> "TgpSelectOutput":
    """Convert a merge to the ``SelectOutput`` of torch-geometric-pool, which must be installed.

    Its sparse assignment holds the shares under ``mean``, so that library's ``reduce`` is the mean
    over clusters, and its ``lift`` copies the output to the members.
    """
    from tgp.select import SelectOutput as TgpSelectOutput

    return TgpSelectOutput(
        cluster_index=history.cluster,
        num_nodes=history.cluster.numel(),
        num_supernodes=history.num_clusters,
        weight=history.weight,
        s_inv_op="inverse",
    )


def from_select_output(select: HardAssignment, num_graphs: int = 1) -> MergeHistory:
    """Convert a ``SelectOutput`` of either library to a merge history.

    The threshold is NaN: there was none. Weights are the shares under ``mean``, whatever weights
    the assignment has.

    Args:
        select: Assigns every node to one cluster, as merging pools do.
        num_graphs: B.

    Raises:
        ValueError: if it drops nodes, as TopK does, or assigns one to several clusters.
    """
    node, cluster = getattr(select, "node_index", None), getattr(select, "cluster_index", None)
    if node is None or cluster is None:
        raise ValueError(
            "Expected 'select' to be a SelectOutput with one cluster per node "
            f"(got {type(select).__name__})"
        )
    times = torch.bincount(node, minlength=select.num_nodes)
    if not bool((times == 1).all()):
        i = int((times != 1).nonzero()[0])
        raise ValueError(
            "Expected 'select' to assign every node to one cluster "
            f"(got {int(times[i])} for node {i} of {select.num_nodes})"
        )
    name = "num_supernodes" if hasattr(select, "num_supernodes") else "num_clusters"
    count: int = getattr(select, name)
    ordered = torch.empty_like(cluster).index_put_((node,), cluster)
    threshold = torch.tensor(float("nan"), device=cluster.device)
    return make_history(ordered, count, num_graphs, threshold, torch.get_default_dtype())
