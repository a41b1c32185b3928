"""Features of the n + 1 gaps between the n nodes of a text."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import degree


class Gaps(NamedTuple):
    """The gaps of a batch of texts: before each grapheme, and behind the last.

    Attributes:
        x: [N + B, 2 F], what stands on the left of each gap and what on its right.
        batch: [N + B], sorted.
    """

    x: Tensor
    batch: Tensor


def gap_features(x: Tensor, batch: Tensor, num_graphs: int, start: Tensor, end: Tensor) -> Gaps:
    """Lay the nodes on the left and on the right of each gap side by side.

    Args:
        x: [N, F], nodes in reading order.
        batch: [N], sorted.
        num_graphs: B.
        start: [F], what stands on the left of the first gap.
        end: [F], what stands on the right of the last.

    Cost: O(N F).
    """
    graphs = torch.arange(num_graphs, device=x.device)
    size = degree(batch, num_graphs, dtype=torch.long)
    before = torch.arange(batch.numel(), device=x.device) + batch
    gap_batch = torch.repeat_interleave(graphs, size + 1)
    left = start.expand(batch.numel() + num_graphs, -1).index_copy(0, before + 1, x)
    right = end.expand(batch.numel() + num_graphs, -1).index_copy(0, before, x)
    return Gaps(torch.cat([left, right], dim=1), gap_batch)
