"""The split history: the parent of every node."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.options import expect_rows


class SplitHistory(NamedTuple):
    """Record of one split of N nodes into C; O(C) numbers, detached but for log_prob.

    Attributes:
        parent: [C], output node -> input node; sorted, so that two children are neighbours.
        weight: [C], the share of the output node in the mean over its parent's children: 1 or 1/2;
            float32 at least.
        num_nodes: N.
        num_graphs: B.
        threshold: Scalar, the threshold that the scores were compared with; [B] if one was sampled
            or given per graph, [R] for given ones in ``cuts``.
        log_prob: [B], log-probability of the sampled split, differentiable if the estimator needs
            it; zero if nothing is sampled.
    """

    parent: Tensor
    weight: Tensor
    num_nodes: int
    num_graphs: int
    threshold: Tensor
    log_prob: Tensor

    def lift(self, fine: Tensor) -> Tensor:
        """Average the features of the children of every input node: [C, *] -> [N, *].

        The mean of integers is floating point.

        Raises:
            ValueError: if ``fine`` has not C rows.

        Differentiation: exact.
        """
        fine = expect_rows("fine", fine, self.parent.numel(), "output nodes")
        weight = self.weight.to(fine.dtype) if fine.is_floating_point() else self.weight
        # Shares are added, not sums divided: these may overflow in half precision.
        shares = (fine.movedim(0, -1) * weight).movedim(-1, 0)
        lifted = shares.new_zeros(self.num_nodes, *fine.shape[1:])
        return lifted.index_add(0, self.parent, shares)

    def children(self, i: int) -> Tensor:
        """Return the output nodes of input node ``i``: itself, or its two children."""
        if not 0 <= i < self.num_nodes:
            raise IndexError(f"Expected 'i' to be in [0, {self.num_nodes}) (got {i})")
        return (self.parent == i).nonzero().view(-1)
