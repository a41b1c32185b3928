"""Random clusterings of graphs."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor


class Clusterings(NamedTuple):
    """A batch of B graphs, not sorted by graph, and the same as lists."""

    cluster: Tensor
    y: Tensor
    batch: Tensor
    graphs: list[list[tuple[int, int]]]
    """The cluster and the label of each node of each graph."""


@pytest.fixture
def draw_clusterings() -> Callable[..., Clusterings]:
    """Draw graphs of up to 12 nodes, some of them empty; labels include -1."""
    rng = np.random.default_rng(0)

    def draw(num_graphs: int) -> Clusterings:
        graphs = []
        for _ in range(num_graphs):
            n, kinds = int(rng.integers(13)), int(rng.integers(1, 6))
            y = rng.integers(-1, kinds, n)
            # Mostly the labels, so that some are recovered.
            keep = rng.random(n) < rng.random()
            cluster = np.where(keep, y + 1, rng.integers(0, 5, n))
            graphs.append([(int(k), int(label)) for k, label in zip(cluster, y, strict=True)])
        rows = [(k, label, b) for b, graph in enumerate(graphs) for k, label in graph]
        rows = [rows[i] for i in rng.permutation(len(rows))]
        cluster, y, batch = torch.tensor(rows, dtype=torch.long).view(-1, 3).unbind(1)
        return Clusterings(cluster, y, batch, graphs)

    return draw
