"""The exact graph edit distance of two small graphs."""

import math
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from pyg_grapheme.metrics.edit_problem import EditProblem, local_cost, path_cost


def exact_distance(problem: EditProblem) -> int:
    """Return the smallest number of edits, by branch and bound.

    Depth-first search over the partners of each node of the smaller graph, as in Abu-Aisheh,
    Raveaux, Ramel and Martineau 2015 ("An exact graph edit distance algorithm for solving pattern
    recognition problems"). The lower bound for the remaining nodes is an assignment in which an arc
    costs half at either end, as in Riesen, Fischer and Bunke 2014 ("Computing upper and lower
    bounds of graph edit distance in cubic time"). Its matching is an edit path too, which gives an
    upper bound.

    Cost: exponential at worst; an assignment, O(n^3), per step. O(n^4) memory.
    """
    problem = _in_order(problem)
    below, above = _bounds(problem)
    return _search(problem, above) if below < above else above


def _search(problem: EditProblem, best: int) -> int:
    """Return the smaller of the distance and ``best``."""
    children = []
    for j in range(len(problem.larger)):
        spent, rest = _match_first(problem, j)
        below, above = _bounds(rest)
        best = min(best, spent + above)
        children.append((spent + below, spent, rest))
    # The most promising child first: a short path found early prunes more.
    for below, spent, rest in sorted(children, key=itemgetter(0)):
        if below < best:
            best = spent + _search(rest, best - spent)
    return best


def _match_first(problem: EditProblem, j: int) -> tuple[int, EditProblem]:
    """Match the first node with node j; return the cost and the remaining problem."""
    node_cost, smaller, larger, num_real, arc_cost = problem
    others = np.arange(len(larger)) != j
    lost = np.abs(smaller[1:, :1] - larger[others, j])
    lost += np.abs(smaller[:1, 1:].T - larger[j, others])
    rest = EditProblem(
        node_cost[1:, others] + arc_cost * lost,
        smaller[1:, 1:],
        larger[np.ix_(others, others)],
        num_real - 1,
        arc_cost,
    )
    return round(float(node_cost[0, j])), rest


class _Bounds(NamedTuple):
    below: int
    above: int


def _bounds(problem: EditProblem) -> _Bounds:
    cost = local_cost(problem, problem.arc_cost / 2)
    nodes, matching = linear_sum_assignment(cost)
    return _Bounds(math.ceil(cost[nodes, matching].sum()), path_cost(problem, matching))


def _in_order(problem: EditProblem) -> EditProblem:
    """Sort nodes by falling number of arcs: their partners affect the cost most."""
    degree = problem.smaller.sum(0) + problem.smaller.sum(1)
    order = np.argsort(-degree, kind="stable")
    return problem._replace(
        node_cost=problem.node_cost[order], smaller=problem.smaller[np.ix_(order, order)]
    )
