"""Merges that a test asks for."""

from collections.abc import Callable, Sequence

import pytest
import torch

from pyg_grapheme.nn.pool import PoolOutput
from pyg_grapheme.nn.pool.history import make_history

MergeTexts = Callable[..., PoolOutput]


@pytest.fixture
def merge_texts() -> MergeTexts:
    """Make what a pool would, of texts that are merged into nodes of given sizes."""

    def merge(sizes: Sequence[Sequence[int]], channels: int = 3, seed: int = 0) -> PoolOutput:
        flat = torch.tensor([size for text in sizes for size in text], dtype=torch.long)
        nodes = torch.tensor([len(text) for text in sizes])
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(flat.numel(), channels, generator=generator, dtype=torch.double)
        history = make_history(
            torch.repeat_interleave(flat), flat.numel(), len(sizes), torch.tensor(0.5), x.dtype
        )
        edges = torch.empty(2, 0, dtype=torch.long)
        return PoolOutput(x, edges, None, torch.repeat_interleave(nodes), history)

    return merge
