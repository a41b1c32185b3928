"""Candidate pairs with their scores: held in memory, or scored block by block."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs

Score = Callable[[Tensor], Tensor]
"""From pairs [2, m], smaller node first, to their scores [m], differentiable."""

MaskFn = Callable[[Tensor, Tensor], Tensor]
"""From pairs [2, m] and their scores [m], detached, to a mask [m]."""

TermFn = Callable[[Tensor, Tensor], Tensor]
"""From pairs [2, m] and their scores [m] to a tensor of a fixed shape, differentiable."""


class Candidates(ABC):
    """M pairs of nodes in a fixed order, and their scores.

    Attributes:
        num_pairs: M.
        is_forest: Whether the pairs are known to have no cycle.
    """

    num_pairs: int
    is_forest: bool = False

    @abstractmethod
    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Iterate over all pairs [2, m] and their scores [m], detached, block by block."""

    @abstractmethod
    def sum_over(self, mask_fn: MaskFn, term_fn: TermFn) -> Tensor:
        """Return the sum of the terms of the masked pairs over all blocks, differentiably."""

    @abstractmethod
    def score_of(self, index: Tensor, pairs: Tensor) -> Tensor:
        """Return the scores of some pairs, differentiably.

        Args:
            index: [K], positions of the pairs among all.
            pairs: [2, K], those pairs.
        """


class ScoredPairs(Candidates):
    """Pairs that are all in memory: one block.

    Args:
        pairs: [2, M].
        score: [M].
        rescore: From pairs to their scores, differentiable, if ``score`` is not: only few pairs
            receive a gradient, and scoring these again is cheaper than a graph of all scores.
        is_forest: Whether the pairs are known to have no cycle.
    """

    def __init__(
        self, pairs: Tensor, score: Tensor, rescore: Score | None = None, is_forest: bool = False
    ) -> None:
        self.pairs, self.score, self.rescore, self.is_forest = pairs, score, rescore, is_forest
        self.num_pairs = score.numel()

    def keep(self, index: Tensor) -> "ScoredPairs":
        """Return some of the pairs, given by positions [K]."""
        pairs, score = self.pairs.index_select(1, index), self.score.index_select(0, index)
        return ScoredPairs(pairs, score, self.rescore)

    def as_forest(self) -> "ScoredPairs":
        """Return the same pairs, known to have no cycle."""
        return ScoredPairs(self.pairs, self.score, self.rescore, is_forest=True)

    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the one block."""
        yield self.pairs, self.score.detach()

    def sum_over(self, mask_fn: MaskFn, term_fn: TermFn) -> Tensor:
        """Apply the term to the masked pairs."""
        index = mask_fn(self.pairs, self.score.detach()).nonzero().view(-1)
        pairs = self.pairs.index_select(1, index)
        return term_fn(pairs, self.score_of(index, pairs))

    def score_of(self, index: Tensor, pairs: Tensor) -> Tensor:
        """Score the pairs again, or look their scores up."""
        return self.score.index_select(0, index) if self.rescore is None else self.rescore(pairs)


class PairBlocks(Candidates):
    """All pairs of nodes, generated and scored block by block, and again where they are needed.

    Memory is that of one block, whatever M is: the backward pass scores the blocks once more.

    Args:
        pairs: The blocks.
        score: Must give the same scores each time.
    """

    def __init__(self, pairs: AllPairs, score: Score) -> None:
        self.pairs, self.score, self.num_pairs = pairs, score, pairs.total

    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Generate and score the blocks."""
        for pairs in self.pairs:
            with torch.no_grad():
                score = self.score(pairs)
            yield pairs, score

    def sum_over(self, mask_fn: MaskFn, term_fn: TermFn) -> Tensor:
        """Add up over the blocks, each under ``torch.utils.checkpoint``."""

        def block_sum(index: int) -> Tensor:
            pairs = self.pairs.block(index)
            score = self.score(pairs)
            mask = mask_fn(pairs, score.detach())
            return term_fn(pairs[:, mask], score[mask])

        total: Tensor = checkpoint(block_sum, 0, use_reentrant=False)
        for index in range(1, len(self.pairs)):
            total = total + checkpoint(block_sum, index, use_reentrant=False)
        return total

    def score_of(self, index: Tensor, pairs: Tensor) -> Tensor:
        """Score the pairs again."""
        return self.score(pairs)


def has_no_cycle(pairs: Tensor) -> bool:
    """Return whether sorted pairs [2, M], smaller node first, are seen to have no cycle.

    They have none if they are one per smaller node, as in a chain, or one per larger node, as in a
    star or a tree whose nodes follow their parents. Other forests are not seen.
    """
    low, high = pairs
    if bool((low[1:] > low[:-1]).all()):
        return True
    return int(torch.bincount(high).max()) == 1


def pair_threshold(threshold: Tensor | float, pairs: Tensor) -> Tensor | float:
    """Return the threshold of pairs [2, M]: the scalar itself, or [M] of thresholds [N] by node."""
    if not isinstance(threshold, Tensor) or threshold.dim() == 0:
        return threshold
    return threshold.index_select(0, pairs[0])
