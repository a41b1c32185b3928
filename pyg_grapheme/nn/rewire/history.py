"""The rewiring history: the input edge of every output edge."""

from typing import NamedTuple

from torch import Tensor

from pyg_grapheme.options import expect_rows


class RewireHistory(NamedTuple):
    """Record of one rewiring of E edges into E'; O(E') numbers, detached but for log_prob.

    Attributes:
        edge: [E'], output edge -> input edge, or -1 for an inserted edge.
        num_nodes: N.
        num_graphs: B.
        threshold: Scalar, the threshold that the scores were compared with; [B] if one was sampled
            or given per graph, [R] for given ones in ``cuts``.
        log_prob: [B], log-probability of the sampled edges, differentiable if the estimator needs
            it; zero if nothing is sampled.
    """

    edge: Tensor
    num_nodes: int
    num_graphs: int
    threshold: Tensor
    log_prob: Tensor

    def lift(self, z: Tensor) -> Tensor:
        """Return features of the output nodes as those of the input nodes: the same [N, *].

        Raises:
            ValueError: if ``z`` has not N rows.
        """
        return expect_rows("z", z, self.num_nodes, "nodes")
