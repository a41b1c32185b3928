"""The attacked citation graphs, and the Jaccard similarity of bags of words."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import index_to_mask, to_undirected

RATES = (0, 5, 10, 15, 20, 25)
"""Edges that the attack has added, in % of the clean ones."""

SPLITS = ("train", "val", "test")


def read_graph(path: Path, rate: int) -> Data:
    """Read Cora under an attack of one rate.

    Args:
        path: File of the graphs, ``cora.npz``.
        rate: One of ``RATES``.

    Returns:
        ``x`` [N, F] binary, ``y`` [N], ``edge_index`` [2, 2 E] with both directions of each edge,
        and the published splits as ``train_mask``, ``val_mask`` and ``test_mask``, [N] each.
    """
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: torch.from_numpy(file[name]).long() for name in file.files}
    num_nodes = arrays["label"].numel()
    word, row_ptr = arrays["feature"], arrays["feature_row_ptr"]
    x = torch.zeros(num_nodes, int(arrays["num_features"]))
    x[torch.arange(num_nodes).repeat_interleave(row_ptr.diff()), word] = 1
    masks = {f"{s}_mask": index_to_mask(arrays[f"idx_{s}"], num_nodes) for s in SPLITS}
    edge_index = to_undirected(arrays[f"edges_{rate}"], num_nodes=num_nodes)
    return Data(x=x, y=arrays["label"], edge_index=edge_index, **masks)


def jaccard(x: Tensor, edge_index: Tensor) -> Tensor:
    """Return the Jaccard similarity of the two ends of each edge, [E]; 0 for two empty bags.

    Args:
        x: [N, F], binary.
        edge_index: [2, E].

    Cost: O(E F).
    """
    size = x.sum(dim=1)[edge_index]
    common = (x[edge_index[0]] * x[edge_index[1]]).sum(dim=1)
    return common / (size.sum(dim=0) - common).clamp(min=1)
