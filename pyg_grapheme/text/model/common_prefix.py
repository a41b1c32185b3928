"""How far a text has begun as its source does."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class CommonStart(NamedTuple):
    """What B texts have in common with their sources so far.

    Attributes:
        units: [B], units at the start that are those of the source.
        since: [B], units written behind them.
    """

    units: Tensor
    since: Tensor

    def write(self, same: Tensor) -> "CommonStart":
        """Write one more unit.

        Args:
            same: [B], whether it is the same as unit number ``units`` of the source.
        """
        goes_on = same & (self.since == 0)
        return CommonStart(
            self.units + goes_on.long(), torch.where(goes_on, self.since, self.since + 1)
        )


def common_starts(length: Tensor, source: Tensor, target: Tensor) -> CommonStart:
    """Compare every beginning of some targets with their sources.

    Args:
        length: [B], units of each source.
        source: [B, N] integers, one a unit; whatever is behind the end.
        target: [B, M], likewise.

    Returns:
        [B, M + 1] each: of the first j units of the target.

    Cost: O(B (N + M)).
    """
    shared = min(source.size(1), target.size(1))
    place = torch.arange(target.size(1) + 1, device=source.device)
    same = (source[:, :shared] == target[:, :shared]) & (place[:shared] < length[:, None])
    going_on = same.long().cumprod(dim=1)
    count = F.pad(going_on, (1, target.size(1) - shared)).cumsum(dim=1)
    return CommonStart(count, place - count)
