"""The candidates of rewiring, and the edges that they decide."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.graphs import Graphs, distinct_edges, find_edges
from pyg_grapheme.nn.pool.scores.pair_attributes import unordered
from pyg_grapheme.nn.pool.select import candidate_pairs
from pyg_grapheme.nn.rewire.nearest import nearest_neighbours
from pyg_grapheme.typing import RewireCandidatesName


class PossibleEdges(NamedTuple):
    """All edges that some threshold leads to: the P edges of the last graph of the filtration.

    Attributes:
        edge_index: [2, P], in the order of ``RewireOutput``.
        edge: [P], the input edge, or -1.
        candidate: [P], the candidate that decides about the edge, or -1: it is always there.
    """

    edge_index: Tensor
    edge: Tensor
    candidate: Tensor

    def spread(self, value: Tensor, always: float) -> Tensor:
        """Return the value [M] of its candidate for each edge, [P]; ``always`` without one."""
        padded = torch.cat([value.new_full((1,), always), value])
        return padded.index_select(0, self.candidate + 1)


def rewire_candidates(
    graphs: Graphs,
    candidates: RewireCandidatesName,
    k: int | None = None,
    keep_edges: bool = False,
    directed: bool = False,
) -> Tensor:
    """Return the pairs of nodes that are decided about, [2, M], each once.

    Args:
        graphs: N nodes in B graphs.
        candidates: "edges", those and the ``k`` nearest of each node ("knn"), or "all" pairs.
        k: For "knn".
        keep_edges: Leave out pairs that an edge joins.
        directed: Pairs are ordered, source first; else the smaller node is first.
    """
    edges, num_nodes = graphs.edge_index, graphs.x.size(0)
    if candidates == "knn":
        assert k is not None
        nearest = nearest_neighbours(graphs.x, graphs.batch, graphs.num_graphs, k)
        graphs = graphs._replace(edge_index=torch.cat([edges, nearest], dim=1), undirected=False)
    if directed and candidates != "all":
        pairs = distinct_edges(graphs.edge_index, num_nodes)
    else:
        pairs = candidate_pairs(graphs, "all" if candidates == "all" else "edges")
        if directed:
            pairs = torch.cat([pairs, pairs.flip(0)], dim=1)
    if keep_edges:
        joined = find_edges(pairs, edges if directed else unordered(edges), num_nodes) >= 0
        pairs = pairs[:, ~joined]
    return pairs


def possible_edges(graphs: Graphs, pairs: Tensor, directed: bool) -> PossibleEdges:
    """Return the input edges, and the edges that the other candidates insert.

    Args:
        graphs: N nodes in B graphs.
        pairs: [2, M], as from :func:`rewire_candidates`.
        directed: A candidate inserts an edge from its first node to its second; else, both.

    Cost: O((E + M) log M).
    """
    edges, num_nodes = graphs.edge_index, graphs.x.size(0)
    candidate = find_edges(edges if directed else unordered(edges), pairs, num_nodes)
    is_new = torch.ones_like(pairs[0], dtype=torch.bool)
    new = is_new.index_fill(0, candidate[candidate >= 0], False).nonzero().view(-1)
    inserted = pairs.index_select(1, new)
    if not directed:
        inserted, new = torch.cat([inserted, inserted.flip(0)], dim=1), new.repeat(2)
    order = (inserted[0] * num_nodes + inserted[1]).argsort()
    kept = torch.arange(edges.size(1), device=edges.device)
    return _by_graph(
        graphs,
        torch.cat([edges, inserted.index_select(1, order)], dim=1),
        torch.cat([kept, torch.full_like(new, -1)]),
        torch.cat([candidate, new.index_select(0, order)]),
    )


def own_candidates(graphs: Graphs) -> PossibleEdges:
    """Return the input edges, each its own candidate, for scores that are equal where edges repeat.

    Cost: O(E), O(E log E) if the edges are not sorted by graph.
    """
    row, column = graphs.edge_index
    own = torch.arange(row.numel(), device=row.device)
    return _by_graph(graphs, graphs.edge_index, own, own.masked_fill(row == column, -1))


def _by_graph(graphs: Graphs, edge_index: Tensor, edge: Tensor, candidate: Tensor) -> PossibleEdges:
    if graphs.num_graphs > 1:
        graph = graphs.batch.index_select(0, edge_index[0])
        if not bool((graph[1:] >= graph[:-1]).all()):
            order = graph.argsort(stable=True)
            return PossibleEdges(edge_index[:, order], edge[order], candidate[order])
    return PossibleEdges(edge_index, edge, candidate)
