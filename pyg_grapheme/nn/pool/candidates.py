"""The pairs that may merge: held as they are, or made block by block."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


class Candidates(ABC):
    """M pairs of nodes in an order of their own, and how alike the nodes of each are."""

    @abstractmethod
    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Go through all pairs [2, m] with their scores [m], detached, a block at a time."""

    @abstractmethod
    def total(self, function: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Add up what ``function(pairs, score)`` returns for the blocks, differentiably."""

    @abstractmethod
    def score_of(self, place: Tensor, pairs: Tensor) -> Tensor:
        """Scores of some pairs, differentiably.

        Args:
            place: [K], where the pairs stand in the order.
            pairs: [2, K], those pairs.
        """


class ScoredPairs(Candidates):
    """Pairs that are all in memory: one block.

    Args:
        pairs: [2, M].
        score: [M].
    """

    def __init__(self, pairs: Tensor, score: Tensor) -> None:
        self.pairs, self.score = pairs, score

    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the one block."""
        yield self.pairs, self.score.detach()

    def total(self, function: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Apply the function to the one block."""
        return function(self.pairs, self.score)

    def score_of(self, place: Tensor, pairs: Tensor) -> Tensor:
        """Look the scores up."""
        return self.score[place]


class PairBlocks(Candidates):
    """Pairs that are made and scored a block at a time, and again where they are needed again.

    Nothing of a block is kept, for the backward pass neither: it makes and scores the block once
    more. So memory is that of one block, whatever M is, and time a small multiple of one scoring.

    Args:
        pairs: Makes block i of the pairs, [2, m], where it is asked for ``pairs[i]``.
        score: From pairs [2, m] to scores [m], differentiable.
    """

    def __init__(self, pairs: Sequence[Tensor], score: Callable[[Tensor], Tensor]) -> None:
        self.pairs, self.score = pairs, score

    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Make and score the blocks."""
        for pairs in self.pairs:
            with torch.no_grad():
                score = self.score(pairs)
            yield pairs, score

    def total(self, function: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Add up over the blocks."""

        def part(number: int) -> Tensor:
            pairs = self.pairs[number]
            return function(pairs, self.score(pairs))

        total: Tensor = checkpoint(part, 0, use_reentrant=False)
        for number in range(1, len(self.pairs)):
            total = total + checkpoint(part, number, use_reentrant=False)
        return total

    def score_of(self, place: Tensor, pairs: Tensor) -> Tensor:
        """Score the pairs once more."""
        return self.score(pairs)
