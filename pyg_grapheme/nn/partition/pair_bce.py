"""Binary cross-entropy of the candidate pairs of a pool."""

from torch import Tensor
from torch.nn import functional as F

from pyg_grapheme.graphs import check_graphs, check_numbers
from pyg_grapheme.nn.partition.labelled_tree import UnlabelledName, check_labels
from pyg_grapheme.nn.pool.candidates.edge_pairs import edge_pairs
from pyg_grapheme.nn.pool.scores.scorer import EdgeScorer
from pyg_grapheme.nn.pool.threshold_merge_pool import PairScores, ThresholdMergePool


def pair_bce(
    pool: ThresholdMergePool,
    x: Tensor,
    edge_index: Tensor,
    edge_attr: Tensor | None = None,
    batch: Tensor | None = None,
    batch_size: int | None = None,
    *,
    y: Tensor,
    edge_score: Tensor | None = None,
    unlabelled: UnlabelledName = "ignore",
) -> Tensor:
    """Return the binary cross-entropy of "same label" for all labelled candidate pairs.

    Neither threshold nor temperature matters: it is the usual training of a scorer, to start from
    or to add to a :class:`PartitionLoss`.

    Args:
        pool: With ``logits=True``.
        x: As for ``ThresholdMergePool.forward``, and so are the next four.
        edge_index: [2, E].
        edge_attr: [E] or [E, D].
        batch: [N].
        batch_size: B.
        y: [N] integers, the label of each node; -1 if it has none.
        edge_score: [E], logits in place of those of the score module.
        unlabelled: "ignore" leaves out pairs with an unlabelled node; "other" makes each unlabelled
            node a label of its own.

    Returns:
        A scalar, the mean over the pairs of all graphs; 0 if there is none.

    Raises:
        ValueError: if the pool has ``logits=False``, or an argument is not as expected.

    Differentiation: exact in x, the score module and ``edge_score``.
    Cost: that of the scores of all M candidate pairs.
    """
    if not pool.logits:
        raise ValueError("Expected 'pool' to have logits=True (got False)")
    if edge_score is None:
        pairs, score = pool.scores(x, edge_index, edge_attr, batch, batch_size)
    else:
        pairs, score = _given_scores(pool, edge_score, x, edge_index, edge_attr, batch, batch_size)
    first, second = check_labels(y, x.size(0), x.device, unlabelled)[pairs]
    if unlabelled == "ignore":
        kept = ((first >= 0) & (second >= 0)).nonzero().view(-1)
        first, second, score = (t.index_select(0, kept) for t in (first, second, score))
    same = ((first == second) & (first >= 0)).to(score.dtype)
    total = F.binary_cross_entropy_with_logits(score, same, reduction="sum")
    return total / max(1, score.numel())


def _given_scores(pool: ThresholdMergePool, edge_score: Tensor, *inputs: object) -> PairScores:
    graphs = check_graphs(*inputs, check_finite=pool.check_finite)
    num_nodes, num_edges = graphs.x.size(0), graphs.edge_index.size(1)
    score = check_numbers("edge_score", edge_score, num_edges, graphs.x.device, pool.check_finite)
    pairs = edge_pairs(graphs.edge_index, num_nodes)
    return PairScores(pairs, EdgeScorer(graphs.edge_index, score, num_nodes)(pairs))
