"""The pairs that may merge: held as they are, or made block by block."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pyg_grapheme.nn.pool.candidates.all_pairs import AllPairs

Choose = Callable[[Tensor, Tensor], Tensor]
"""From pairs [2, m] and their scores [m], detached, to which of them count [m]."""

Term = Callable[[Tensor, Tensor], Tensor]
"""From pairs [2, m] and their scores [m] to something of a fixed shape, differentiable."""


class Candidates(ABC):
    """M pairs of nodes in an order of their own, and how alike the nodes of each are."""

    @property
    @abstractmethod
    def num_pairs(self) -> int:
        """M."""

    @abstractmethod
    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Go through all pairs [2, m] with their scores [m], detached, a block at a time."""

    @abstractmethod
    def total(self, choose: Choose, term: Term) -> Tensor:
        """Add up the term of the chosen pairs of all blocks, differentiably."""

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
        again: From pairs [2, m] to their scores [m], differentiable, for scores that are not: few
            pairs' gradients matter, and to score those again is cheaper than to keep all others'.
    """

    def __init__(
        self, pairs: Tensor, score: Tensor, again: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        self.pairs, self.score, self.again = pairs, score, again

    @property
    def num_pairs(self) -> int:
        """M."""
        return self.score.numel()

    def keep(self, chosen: Tensor) -> "ScoredPairs":
        """Only some of the pairs: a mask or places, [M] or [K]."""
        return ScoredPairs(self.pairs[:, chosen], self.score[chosen], self.again)

    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the one block."""
        yield self.pairs, self.score.detach()

    def total(self, choose: Choose, term: Term) -> Tensor:
        """Apply the term to the chosen pairs."""
        place = choose(self.pairs, self.score.detach()).nonzero().view(-1)
        pairs = self.pairs[:, place]
        return term(pairs, self.score_of(place, pairs))

    def score_of(self, place: Tensor, pairs: Tensor) -> Tensor:
        """Score the pairs again, or look their scores up."""
        return self.score[place] if self.again is None else self.again(pairs)


class PairBlocks(Candidates):
    """Pairs that are made and scored a block at a time, and again where they are needed again.

    Nothing of a block is kept, for the backward pass neither: it makes and scores the block once
    more. So memory is that of one block, whatever M is, and time a small multiple of one scoring.

    Args:
        pairs: Makes the blocks.
        score: From pairs [2, m] to scores [m], differentiable.
        may_draw: Whether the score may be random: then a pair is only scored along with its block.
    """

    def __init__(
        self, pairs: AllPairs, score: Callable[[Tensor], Tensor], may_draw: bool = True
    ) -> None:
        self.pairs, self.score, self.may_draw = pairs, score, may_draw
        self.seed = int(torch.randint(2**31, ()))

    @property
    def num_pairs(self) -> int:
        """M."""
        return self.pairs.total

    def _scored(self, number: int) -> tuple[Tensor, Tensor]:
        """Make and score a block; a score that draws (dropout) draws the same each time."""
        pairs = self.pairs.block(number)
        devices = [pairs.device] if pairs.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.seed + number)
            return pairs, self.score(pairs)

    def blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Make and score the blocks."""
        for number in range(len(self.pairs)):
            with torch.no_grad():
                scored = self._scored(number)
            yield scored

    def total(self, choose: Choose, term: Term) -> Tensor:
        """Add up over the blocks."""

        def part(number: int) -> Tensor:
            pairs, score = self._scored(number)
            chosen = choose(pairs, score.detach())
            return term(pairs[:, chosen], score[chosen])

        total: Tensor = checkpoint(part, 0, use_reentrant=False)
        for number in range(1, len(self.pairs)):
            total = total + checkpoint(part, number, use_reentrant=False)
        return total

    def score_of(self, place: Tensor, pairs: Tensor) -> Tensor:
        """Score the pairs once more, or all of the blocks that they are in."""
        if not self.may_draw:
            return self.score(pairs)
        block = place.div(self.pairs.block_size, rounding_mode="floor")
        inside = place - block * self.pairs.block_size

        def part(number: int) -> Tensor:
            return self._scored(number)[1][inside[block == number]]

        parts = [checkpoint(part, n, use_reentrant=False) for n in torch.unique(block).tolist()]
        if not parts:
            return self.score(pairs)
        return torch.cat(parts)[block.argsort(stable=True).argsort()]
