"""The graph edit distance: the number of edits that turn one graph into another."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_grapheme.metrics.bipartite import bipartite_distance, greedy_distance
from pyg_grapheme.metrics.edit_problem import EditProblem, edit_problem
from pyg_grapheme.metrics.exact import exact_distance
from pyg_grapheme.metrics.labelled_batch import labelled_pair
from pyg_grapheme.metrics.labelled_graph import split_graphs
from pyg_grapheme.metrics.pair_mean import PairMean
from pyg_grapheme.options import expect_count, expect_flag, expect_one_of
from pyg_grapheme.typing import EditDistanceName

_BY_NAME: dict[str, Callable[[EditProblem], int]] = {
    "exact": exact_distance,
    "bipartite": bipartite_distance,
    "bp2": greedy_distance,
}


def graph_edit_distance(
    first: Data,
    second: Data,
    *,
    method: EditDistanceName = "exact",
    label: str | None = "label",
    directed: bool = False,
    max_nodes: int = 16,
) -> Tensor:
    """Count the edits that turn graph b of ``first`` into graph b of ``second``, for each b.

    Every edit costs 1: insert or delete a node, insert or delete an edge, change a node's label.
    The edges of a deleted node are deleted as well, at a cost of 1 each. Edges have no labels.
    Parallel edges count as one; a self-loop is an edge.

    Args:
        first: A PyG graph or ``Batch`` of B graphs.
        second: Likewise, with as many graphs.
        method: "exact" (:func:`~pyg_grapheme.metrics.exact.exact_distance`), or an upper bound:
            "bipartite" by an optimal assignment of the nodes
            (:func:`~pyg_grapheme.metrics.bipartite.bipartite_distance`), "bp2" by a greedy one
            (:func:`~pyg_grapheme.metrics.bipartite.greedy_distance`).
        label: Name of the attribute with the labels of the nodes, [N] integers, comparable between
            both; None if all nodes are alike.
        directed: Whether an edge from u to v differs from one from v to u.
        max_nodes: Size of the largest graph that "exact" accepts. Its cost is exponential: a pair
            of molecules of 10 nodes takes milliseconds, of 16 nodes seconds; dense graphs without
            labels, for which the bounds are weak, take seconds from 12 nodes on.

    Returns:
        [B], integers.

    Raises:
        ValueError: if the label is missing or not [N] integers, the numbers of graphs differ, or a
            graph is too large for "exact".

    Differentiation: none.
    Cost: for graphs of n nodes, on the CPU, one pair after the other: O(n^2) for "bp2", O(n^3) for
        "bipartite", exponential at worst for "exact".

    Example:
        >>> triangle = Data(num_nodes=3, edge_index=torch.tensor([[0, 1, 2], [1, 2, 0]]))
        >>> path = Data(num_nodes=4, edge_index=torch.tensor([[0, 1, 2], [1, 2, 3]]))
        >>> graph_edit_distance(triangle, path, label=None)
        tensor([3])
    """
    expect_one_of("method", method, list(_BY_NAME))
    graphs = [
        split_graphs(batch)
        for batch in labelled_pair(first, second, label=label, directed=directed)
    ]
    problems = [edit_problem(a, b, directed=directed) for a, b in zip(*graphs, strict=True)]
    largest = max((len(problem.larger) for problem in problems), default=0)
    if method == "exact" and largest > max_nodes:
        raise ValueError(
            f"Expected graphs of at most 'max_nodes' = {max_nodes} nodes for method='exact' "
            f"(got one of {largest})"
        )
    distances = [_BY_NAME[method](problem) for problem in problems]
    return torch.tensor(distances, dtype=torch.long, device=first.edge_index.device)


class GraphEditDistance(PairMean):
    """The mean number of edits that turn one graph of a pair into the other.

    Args:
        method: "exact", or an upper bound: "bipartite" or "bp2".
        label: Name of the attribute with the labels of the nodes, [N] integers; None if all nodes
            are alike.
        directed: Whether an edge from u to v differs from one from v to u.
        max_nodes: Size of the largest graph that "exact" accepts.
        kwargs: Options of ``torchmetrics.Metric``.

    See :func:`graph_edit_distance`.

    Example:
        >>> graph = Data(label=torch.tensor([1, 2]), edge_index=torch.tensor([[0], [1]]))
        >>> other = Data(label=torch.tensor([1, 3]), edge_index=torch.tensor([[0], [1]]))
        >>> metric = GraphEditDistance("exact")
        >>> metric.update(graph, other)
        >>> metric.compute()
        tensor(1.)
    """

    higher_is_better = False

    def __init__(
        self,
        method: EditDistanceName = "exact",
        *,
        label: str | None = "label",
        directed: bool = False,
        max_nodes: int = 16,
        **kwargs: Any,
    ) -> None:
        super().__init__(method, label, directed, max_nodes, **kwargs)
        expect_one_of("method", method, list(_BY_NAME))
        expect_flag("directed", directed)
        self.method, self.label, self.directed = method, label, directed
        self.max_nodes = expect_count("max_nodes", max_nodes)

    def compare(self, first: Data, second: Data) -> Tensor:
        """Count the edits of each pair, [B]."""
        return graph_edit_distance(
            first,
            second,
            method=self.method,
            label=self.label,
            directed=self.directed,
            max_nodes=self.max_nodes,
        )
