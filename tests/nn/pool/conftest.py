"""Something to tell pooled graphs apart."""

from collections.abc import Callable

import pytest
from torch import Tensor

from pyg_grapheme.nn.pool import Cuts


@pytest.fixture
def fourth_powers() -> Callable[[Cuts], Tensor]:
    """Something that tells pooled graphs apart: the sum of the fourth powers of their features."""

    def read_out(cuts: Cuts) -> Tensor:
        x = cuts.output.x.pow(4).sum(1)
        return x.new_zeros(cuts.graph.numel()).index_add(0, cuts.output.batch, x)

    return read_out
