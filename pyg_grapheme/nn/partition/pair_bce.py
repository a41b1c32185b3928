"""Binary cross-entropy of the candidate pairs of a pool."""

from torch import Tensor
from torch.nn import functional as F

from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.nn.partition.labelled_tree import check_labels
from pyg_grapheme.nn.pool.threshold_merge_pool import ThresholdMergePool


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

    >>> import torch
    >>> pool = ThresholdMergePool(logits=True)
    >>> x, edge_index = torch.eye(3), torch.tensor([[0, 1], [1, 2]])
    >>> score = torch.tensor([2.0, -2.0])  # right for both pairs
    >>> pair_bce(pool, x, edge_index, y=torch.tensor([0, 0, 1]), edge_score=score)
    tensor(0.1269)
    """
    _, bce = labelled_pair_bce(
        pool,
        x,
        edge_index,
        edge_attr,
        batch,
        batch_size,
        y=y,
        edge_score=edge_score,
        unlabelled=unlabelled,
    )
    return bce.sum() / max(1, bce.numel())


def labelled_pair_bce(
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
) -> tuple[Tensor, Tensor]:
    """Return the labelled candidate pairs [2, K] and the binary cross-entropy [K] of each.

    Arguments, errors and differentiation are those of :func:`pair_bce`, which is the mean.
    """
    if not isinstance(pool, ThresholdMergePool):
        raise ValueError(f"Expected 'pool' to be a ThresholdMergePool (got {type(pool).__name__})")
    if not pool.logits:
        raise ValueError("Expected 'pool' to have logits=True (got False)")
    pairs, score = pool.scores(x, edge_index, edge_attr, batch, batch_size, edge_score=edge_score)
    first, second = check_labels(y, x.size(0), x.device, unlabelled)[pairs]
    if unlabelled == "ignore":
        kept = ((first >= 0) & (second >= 0)).nonzero().view(-1)
        first, second, score = (t.index_select(0, kept) for t in (first, second, score))
        pairs = pairs.index_select(1, kept)
    same = ((first == second) & (first >= 0)).to(score.dtype)
    return pairs, F.binary_cross_entropy_with_logits(score, same, reduction="none")
