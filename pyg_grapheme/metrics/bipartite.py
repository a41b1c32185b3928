"""Edit paths by an assignment of nodes: upper bounds of the distance."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from pyg_grapheme.metrics.edit_problem import Costs, EditProblem, Integers, local_cost, path_cost


def bipartite_distance(problem: EditProblem) -> int:
    """Count the edits of the path that the cheapest assignment of nodes implies.

    Riesen and Bunke 2009 ("Approximate graph edit distance computation by means of bipartite graph
    matching"): the cost of a pair of nodes is that of their labels and of the best matching of the
    edges around them. Their matrix has n1 + n2 rows, most of which stand for deleted or inserted
    nodes. No cheapest assignment deletes a node that it could change (see
    :class:`~pyg_grapheme.metrics.edit_problem.EditProblem`), so max(n1, n2) rows have the same
    optima.

    It is an upper bound of the distance. If several assignments are cheapest, the order of the
    nodes selects one, and the bound depends on it.

    Cost: O(n^3).
    """
    _, matching = linear_sum_assignment(local_cost(problem, problem.arc_cost))
    return path_cost(problem, matching)


def greedy_distance(problem: EditProblem) -> int:
    """Count the edits of the better of two paths, each from a greedy assignment.

    BP2, after Fischer, Riesen and Bunke 2017 ("Improved quadratic time approximation of graph edit
    distance by combining Hausdorff matching and greedy assignment"): the costs are those of the
    Hausdorff edit distance, where an edge costs half at either end. The nodes of one graph take, in
    order, the cheapest free node of the other; then the two graphs change roles.

    It is an upper bound of the distance, and it depends on the order of the nodes.

    Cost: O(n^2).
    """
    cost = local_cost(problem, problem.arc_cost / 2)[: problem.num_real]
    chosen, choosing = _take_cheapest(cost), _take_cheapest(cost.T)
    return min(
        path_cost(problem, _matching(problem, np.arange(chosen.size), chosen)),
        path_cost(problem, _matching(problem, choosing, np.arange(choosing.size))),
    )


def _take_cheapest(cost: Costs) -> Integers:
    """Assign the cheapest free column to each row in order, until no column is free."""
    cost = cost.copy()
    chosen = np.empty(min(cost.shape), dtype=np.int64)
    for row in range(chosen.size):
        chosen[row] = cost[row].argmin()
        cost[:, chosen[row]] = np.inf
    return chosen


def _matching(problem: EditProblem, nodes: Integers, partners: Integers) -> Integers:
    """Return the matching of the pairs; placeholders get the nodes that remain."""
    size = len(problem.larger)
    matching = np.empty(size, dtype=np.int64)
    matching[nodes] = partners
    matching[problem.num_real :] = np.setdiff1d(np.arange(size), partners)
    return matching
