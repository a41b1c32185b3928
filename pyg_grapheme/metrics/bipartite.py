"""Edit paths by an assignment of nodes: short, but not always the shortest."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from pyg_grapheme.metrics.edit_problem import Costs, EditProblem, Integers, local_cost, path_cost


def bipartite_distance(problem: EditProblem) -> int:
    """Count the edits of the path that the cheapest assignment of nodes implies.

    Riesen and Bunke 2009 ("Approximate graph edit distance computation by means of bipartite graph
    matching"): the cost of a pair of nodes is that of their labels, and of all edges around them
    matched at best. Their matrix is of n1 + n2 rows, most of which stand for nodes that are deleted
    or inserted; as no cheapest assignment deletes where it could change (see
    :class:`~pyg_grapheme.metrics.edit_problem.EditProblem`), max(n1, n2) rows have the same optima.

    An upper bound of the distance. Where several assignments are cheapest, the order of the nodes
    decides which is taken, and with it the bound.

    Cost: O(n^3).
    """
    _, matching = linear_sum_assignment(local_cost(problem, problem.arc_cost))
    return path_cost(problem, matching)


def greedy_distance(problem: EditProblem) -> int:
    """Count the edits of the better of two paths, on which nodes take the cheapest that is free.

    BP2, after Fischer, Riesen and Bunke 2017 ("Improved quadratic time approximation of graph edit
    distance by combining Hausdorff matching and greedy assignment"): the costs are those of the
    Hausdorff edit distance, where edges pay half at either end, and a node that was taken is not
    free any more. Once the nodes of one graph choose, one after the other, and once those of the
    other.

    An upper bound of the distance, and it depends on the order of the nodes.

    Cost: O(n^2).
    """
    cost = local_cost(problem, problem.arc_cost / 2)[: problem.num_real]
    chosen, choosing = _take_cheapest(cost), _take_cheapest(cost.T)
    return min(
        path_cost(problem, _matching(problem, np.arange(chosen.size), chosen)),
        path_cost(problem, _matching(problem, choosing, np.arange(choosing.size))),
    )


def _take_cheapest(cost: Costs) -> Integers:
    """Let each row [R] take the cheapest column that none before it took, until none is free."""
    cost = cost.copy()
    chosen = np.empty(min(cost.shape), dtype=np.int64)
    for row in range(chosen.size):
        chosen[row] = cost[row].argmin()
        cost[:, chosen[row]] = np.inf
    return chosen


def _matching(problem: EditProblem, nodes: Integers, partners: Integers) -> Integers:
    """Match the pairs, and what is left of the larger graph with the nodes that do not exist."""
    size = len(problem.larger)
    matching = np.empty(size, dtype=np.int64)
    matching[nodes] = partners
    matching[problem.num_real :] = np.setdiff1d(np.arange(size), partners)
    return matching
