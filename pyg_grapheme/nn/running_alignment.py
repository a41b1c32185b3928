"""Where in its source a text has got to, by the cheapest edits so far."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_LEAVE_OUT = 0.5
"""What it costs to leave a unit of the source out; to insert or to substitute one costs 1."""


class RunningAlignment(NamedTuple):
    """The last row of the table of edit distances between B sources and what is written so far.

    Attributes:
        cost: [B, N + 1], of the cheapest edits from the first i units of a source to all that is
            written; infinite behind the end of the source.
        aligned: [B], units of the source behind which it is cheapest to be.
        since: [B], units written since the last one that came from the source.
    """

    cost: Tensor
    aligned: Tensor
    since: Tensor

    def write(self, same: Tensor) -> "RunningAlignment":
        """Write one more unit.

        Args:
            same: [B, N], whether it is the same as each unit of the source.

        Cost: O(B N).
        """
        left_out = _LEAVE_OUT * torch.arange(self.cost.size(1), device=same.device)
        replaced = self.cost[:, :-1] + (~same).to(self.cost.dtype)
        written = torch.minimum(self.cost + 1, F.pad(replaced, (1, 0), value=float("inf")))
        # Leaving units out is a recurrence along the row: without its costs, a running minimum.
        cost = (written - left_out).cummin(dim=1).values + left_out
        cost = cost.masked_fill(self.cost.isinf(), float("inf"))
        before, (after, aligned) = self.cost.amin(dim=1), cost.min(dim=1)
        return RunningAlignment(cost, aligned, torch.where(after - before < 1, 0, self.since + 1))


def nothing_written(length: Tensor) -> RunningAlignment:
    """Begin with empty texts, of B sources of these lengths [B]."""
    longest = int(length.max()) if length.numel() else 0
    place = torch.arange(longest + 1, device=length.device)
    cost = (_LEAVE_OUT * place).expand(length.numel(), -1)
    cost = cost.masked_fill(place > length[:, None], float("inf"))
    zero = torch.zeros_like(length)
    return RunningAlignment(cost, zero, zero)


def align_prefixes(length: Tensor, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Align every beginning of some targets with their sources.

    Args:
        length: [B], units of each source.
        source: [B, N] integers, one a unit; whatever is behind the end.
        target: [B, M], likewise.

    Returns:
        ``aligned`` and ``since``, [B, M + 1] each: of the first j units of the target.

    Source: the table of Wagner and Fischer 1974, "The string-to-string correction problem", one
    row at a time.
    Cost: O(B N M), in M steps.
    """
    alignment = nothing_written(length)
    rows = [alignment]
    for unit in target.unbind(dim=1):
        alignment = alignment.write(source == unit[:, None])
        rows.append(alignment)
    return torch.stack([r.aligned for r in rows], 1), torch.stack([r.since for r in rows], 1)
