"""Select: the clusters of nodes that merge."""

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_grapheme.graphs import Graphs
from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs
from pyg_grapheme.nn.pool.candidates.candidates import (
    Candidates,
    PairBlocks,
    ScoredPairs,
    has_no_cycle,
    pair_threshold,
)
from pyg_grapheme.nn.pool.candidates.edge_pairs import edge_pairs
from pyg_grapheme.nn.pool.clustering.acyclic import acyclic_roots
from pyg_grapheme.nn.pool.clustering.components import component_roots, dense_labels
from pyg_grapheme.nn.pool.clustering.linkage import keep_linkage
from pyg_grapheme.nn.pool.clustering.matching import keep_matching
from pyg_grapheme.nn.pool.clustering.matching_blocks import match_all_pairs
from pyg_grapheme.nn.pool.scores.scorer import Scorer
from pyg_grapheme.typing import CandidatesName, MergeName


class Selection(NamedTuple):
    """A clustering, and the scores and threshold that led to it.

    Attributes:
        cluster: [N], the output node of each input node; ordered by smallest member.
        num_clusters: C.
        candidates: The candidate pairs with their scores.
        threshold: Scalar, or [N], the same for all nodes of a graph; pairs strictly above it
            merged.
    """

    cluster: Tensor
    num_clusters: int
    candidates: Candidates
    threshold: Tensor | float


def candidate_pairs(graphs: Graphs, candidates: CandidatesName) -> Tensor:
    """Return all pairs [2, M] that may merge, smaller node first, sorted.

    Args:
        graphs: N nodes in B graphs.
        candidates: "edges", or "all" pairs inside each graph.
    """
    if candidates == "edges":
        return edge_pairs(graphs.edge_index, graphs.x.size(0), graphs.undirected)
    return AllPairs(graphs.batch, graphs.num_graphs, None).block(0)


def find_candidates(
    scorer: Scorer,
    graphs: Graphs,
    candidates: CandidatesName,
    merge: MergeName,
    block_size: int,
    min_score: Tensor | None = None,
    distinct: bool = True,
) -> Candidates:
    """Return the pairs that may merge, so that the pairs above a threshold give its clusters.

    For components these are all candidate pairs. For a matching and the other linkages they are the
    merges that some threshold leads to, a forest whose scores are their heights.

    Args:
        scorer: Scores the pairs. All pairs are scored in one call unless it is repeatable.
        graphs: N nodes in B graphs.
        candidates: "edges", or "all" pairs inside each graph.
        merge: "components", "average", "complete" or "matching".
        block_size: The largest number of all pairs in memory at a time.
        min_score: Scalar or [N]; merges that do not score above it are left out.
        distinct: List each pair once. Components at a threshold do not need it, and with "edges" it
            takes sorting.

    Raises:
        ValueError: if average or complete linkage would need more than ``MAX_PAIRS`` of all pairs.
    """
    batch, num_graphs = graphs.batch, graphs.num_graphs
    if merge == "average" or merge == "complete":
        if candidates == "all":
            _check_num_pairs(AllPairs(batch, num_graphs, None).total, merge)
        pairs = candidate_pairs(graphs, candidates)
        scored = ScoredPairs(pairs, scorer(pairs))
        return keep_linkage(scored, merge, batch, num_graphs, min_score)
    if candidates == "all" and scorer.repeatable:
        blocks = AllPairs(batch, num_graphs, block_size)
        if len(blocks) > 1 and merge == "matching":
            return match_all_pairs(scorer, batch, num_graphs, block_size, min_score)
        if len(blocks) > 1:
            return PairBlocks(blocks, scorer)
    # Edges that repeat without end are not worth scoring each.
    few = graphs.edge_index.size(1) <= graphs.x.size(0) ** 2
    may_repeat = merge == "components" and scorer.takes_repeats and not distinct
    keep_edges = candidates == "edges" and may_repeat and few
    pairs = graphs.edge_index if keep_edges else candidate_pairs(graphs, candidates)
    is_forest = not keep_edges and has_no_cycle(pairs)
    # In a forest, all pairs receive a gradient.
    if scorer.cheap and torch.is_grad_enabled() and not is_forest:
        with torch.no_grad():
            score = scorer(pairs)
        scored = ScoredPairs(pairs, score, rescore=scorer)
    else:
        scored = ScoredPairs(pairs, scorer(pairs), is_forest=is_forest)
    return keep_matching(scored, batch, num_graphs, min_score) if merge == "matching" else scored


MAX_PAIRS = 2**22
"""The most pairs of all graphs together for average and complete linkage of all pairs."""


def _check_num_pairs(num_pairs: int, merge: str) -> None:
    if num_pairs > MAX_PAIRS:
        raise ValueError(
            f"Expected at most {MAX_PAIRS:,} pairs with candidates='all' and merge={merge!r}, as "
            f"all their scores are kept (got {num_pairs:,})"
        )


def select_components(
    candidates: Candidates,
    threshold: Tensor | float,
    num_nodes: int,
    dag: Tensor | None = None,
) -> Selection:
    """Merge every pair that scores strictly above the threshold, closed transitively.

    Args:
        candidates: The M pairs and their scores.
        threshold: A scalar, or [N], the same for all nodes of a graph.
        num_nodes: N.
        dag: [2, E], edges of a directed acyclic graph that is to stay acyclic, or None.

    Differentiation: the clustering is piecewise constant; the scores keep their gradient.
    Cost: O((N + M) log N).
    """
    root: Tensor | None = None
    for pairs, score in candidates.blocks():
        merged = (score > pair_threshold(threshold, pairs)).nonzero().view(-1)
        root = component_roots(pairs.index_select(1, merged), num_nodes, root)
    assert root is not None
    if dag is not None:
        root = acyclic_roots(root, dag)
    return Selection(*dense_labels(root), candidates, threshold)
