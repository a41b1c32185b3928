"""Common prefix of a written text and its source, and the units that follow others in it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class CommonPrefix(NamedTuple):
    """The common prefixes of B texts, as far as they are written, and their sources.

    Attributes:
        length: [B], units at the start that are those of the source.
        num_new: [B], units written behind them.
    """

    length: Tensor
    num_new: Tensor

    def append(self, same: Tensor) -> "CommonPrefix":
        """Append a unit to each text.

        Args:
            same: [B], whether it equals unit ``length`` of the source.
        """
        extends = same & (self.num_new == 0)
        return CommonPrefix(
            self.length + extends.long(), torch.where(extends, self.num_new, self.num_new + 1)
        )


def common_prefixes(length: Tensor, source: Tensor, target: Tensor) -> CommonPrefix:
    """Compare every prefix of some targets with their sources.

    Args:
        length: [B], units of each source.
        source: [B, N], labels of its units; the padding may be anything.
        target: [B, M], labels of the units of the targets.

    Returns:
        [B, M + 1] each; column j is about the first j units of the target.

    Cost: O(B (N + M)).
    """
    shared = min(source.size(1), target.size(1))
    place = torch.arange(target.size(1) + 1, device=source.device)
    same = (source[:, :shared] == target[:, :shared]) & (place[:shared] < length[:, None])
    is_common = same.long().cumprod(dim=1)
    count = F.pad(is_common, (1, target.size(1) - shared)).cumsum(dim=1)
    return CommonPrefix(count, place - count)


def following_units(source: Tensor, last: Tensor) -> Tensor:
    """Find the unit of the source that follows the last written one.

    Args:
        source: [B, N], indices of its units in the vocabulary; negative for none.
        last: [B, T], that of the last written unit; negative for none.

    Returns:
        [B, T], behind the first place where the source has this unit; its first unit where it has
        none; -1 where nothing follows.

    Cost: O(B N T).
    """
    source = F.pad(source, (0, 1), value=-1)
    same = (source[:, None] == last[..., None]) & (last >= 0)[..., None]
    place = torch.where(same.any(dim=2), same.long().argmax(dim=2) + 1, 0)
    return source.gather(1, place)
