"""Which pairs of nodes may merge."""

from torch import Tensor

from pyg_grapheme.graphs.check_graphs import Graphs
from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs
from pyg_grapheme.nn.pool.candidates.candidates import Candidates, PairBlocks
from pyg_grapheme.nn.pool.clustering.matching import keep_matching
from pyg_grapheme.nn.pool.clustering.matching_blocks import match_all_pairs
from pyg_grapheme.nn.pool.scores.score import Scorer, edge_pairs
from pyg_grapheme.typing import CandidatesName, MergeName


def find_candidates(
    score: Scorer,
    graphs: Graphs,
    candidates: CandidatesName,
    merge: MergeName,
    block_size: int,
    above: Tensor | None = None,
) -> Candidates:
    """List the pairs that may merge; of a matching, only those that some threshold would merge.

    Args:
        score: What scores pairs.
        graphs: N nodes in B graphs.
        candidates: "edges", or "all" pairs inside each graph.
        merge: "components" or "matching".
        block_size: Most of all pairs to be in memory at a time.
        above: Scalar or [N]; of a matching, only the pairs with a score above it.
    """
    of_graphs = (graphs.batch, graphs.num_graphs)
    if candidates == "edges":
        pairs = edge_pairs(graphs.edge_index, graphs.x.size(0), graphs.undirected)
    else:
        blocks = AllPairs(*of_graphs, block_size)
        if len(blocks) > 1 and merge == "matching":
            return match_all_pairs(score, *of_graphs, block_size, above)
        if len(blocks) > 1:
            return PairBlocks(blocks, score, score.may_draw)
        pairs = blocks.block(0)
    scored = score.scored(pairs)
    return keep_matching(scored, *of_graphs, above) if merge == "matching" else scored
