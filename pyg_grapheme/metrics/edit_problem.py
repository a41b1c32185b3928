"""The graph edit distance of two graphs as a matching of as many nodes on either side."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_grapheme.metrics.labelled_graph import LabelledGraph

Integers = NDArray[np.int64]
Costs = NDArray[np.float64]


class EditProblem(NamedTuple):
    """Two graphs, the smaller one filled up to n nodes with placeholders.

    Every edit costs 1: insert or delete a node or an edge, or change a node's label. To delete a
    node u and insert a node v costs 2 + deg u + deg v; to change u into v costs at most 1 + deg u +
    deg v. So a cheapest edit path changes every node of the smaller graph into one of the larger
    and inserts the rest: it is a permutation. The reverse path has the same cost, so it does not
    matter which graph is the smaller.

    Attributes:
        node_cost: [n, n], cost of changing node i of the smaller graph into node j of the larger,
            with their self-loops. Placeholders come last.
        smaller: [n, n], 1 for each arc of the smaller graph, without self-loops. An undirected edge
            is two arcs.
        larger: [n, n], likewise.
        num_real: Number of nodes of the smaller graph.
        arc_cost: Cost of an arc: 1, or 1/2 if an edge is two arcs.
    """

    node_cost: Costs
    smaller: Integers
    larger: Integers
    num_real: int
    arc_cost: float


def edit_problem(first: LabelledGraph, second: LabelledGraph, *, directed: bool) -> EditProblem:
    """Return the problem of two graphs; O(n^2)."""
    smaller, larger = sorted((first, second), key=lambda graph: graph.label.size)
    num_real, size = smaller.label.size, larger.label.size
    relabelled = np.ones((size, size))
    relabelled[:num_real] = smaller.label[:, None] != larger.label
    arcs = np.zeros((size, size), dtype=np.int64)
    arcs[:num_real, :num_real] = smaller.arcs
    other = larger.arcs.astype(np.int64)
    node_cost = relabelled + np.abs(arcs.diagonal()[:, None] - other.diagonal())
    np.fill_diagonal(arcs, 0)
    np.fill_diagonal(other, 0)
    return EditProblem(node_cost, arcs, other, num_real, 1.0 if directed else 0.5)


def path_cost(problem: EditProblem, matching: Integers) -> int:
    """Count the edits that change each node i of the smaller graph into ``matching[i]``.

    Args:
        problem: A problem of n nodes per side.
        matching: [n], a permutation.

    Cost: O(n^2).
    """
    nodes = problem.node_cost[np.arange(matching.size), matching].sum()
    arcs = np.count_nonzero(problem.smaller != problem.larger[matching[:, None], matching])
    return round(float(nodes) + problem.arc_cost * arcs)


def local_cost(problem: EditProblem, arc_cost: float) -> Costs:
    """Return the cost of changing i into j with the arcs around them, [n, n].

    Arcs have no labels, so the number of unmatched incoming arcs is the difference of the
    in-degrees, and likewise for outgoing ones.

    Args:
        problem: A problem of n nodes per side.
        arc_cost: Cost of an arc at either of its ends.

    Cost: O(n^2).
    """
    smaller, larger = problem.smaller, problem.larger
    unmatched = np.abs(smaller.sum(0)[:, None] - larger.sum(0))
    unmatched += np.abs(smaller.sum(1)[:, None] - larger.sum(1))
    cost: Costs = problem.node_cost + arc_cost * unmatched
    return cost
