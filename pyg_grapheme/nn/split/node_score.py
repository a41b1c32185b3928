"""Scores of nodes: of a module, or given."""

import torch
from torch import Tensor, nn

from pyg_grapheme.graphs import Graphs, check_numbers
from pyg_grapheme.nn.split.wider_linear import WiderLinear


class LinearScore(nn.Module):
    """A linear map, and a sigmoid unless scores are logits.

    Args:
        in_channels: F, features per node.
        logits: Whether to leave out the sigmoid.

    Shapes: x [N, F] -> [N].
    """

    def __init__(self, in_channels: int, logits: bool = False) -> None:
        super().__init__()
        self.map, self.logits = WiderLinear(in_channels, 1), logits

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.map.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Score N nodes."""
        logit: Tensor = self.map(x).squeeze(-1)
        return logit if self.logits else logit.sigmoid()


def node_scores(score: nn.Module, graphs: Graphs, node_score: object, check_finite: bool) -> Tensor:
    """Return the scores of nodes, as given or by a module.

    Args:
        score: [N, F] -> [N].
        graphs: N nodes.
        node_score: [N], in place of the module's, or None.
        check_finite: Refuse scores that are not finite.

    Returns:
        [N], float32 at least.

    Raises:
        ValueError: if the scores are not as expected.
    """
    size = graphs.x.size(0)
    if node_score is not None:
        found = check_numbers("node_score", node_score, size, "node", graphs.x.device, check_finite)
    else:
        found = score(graphs.x)
        if not isinstance(found, Tensor) or found.shape != (size,):
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(
                f"Expected 'score' to return one number per node, {(size,)} (got {got})"
            )
        if check_finite and not bool(torch.isfinite(found).all()):
            raise ValueError("Expected 'score' to return finite numbers (got NaN or infinity)")
    return found.to(torch.promote_types(found.dtype, torch.float))
