"""Nodes of labelled or unlabelled graphs as the structural loss compares them."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Batch, Data
from torch_geometric.utils import degree, scatter

from pyg_grapheme.nn.loss import GraphFeatures, reach
from pyg_grapheme.text.grapheme import hash_words

LabelName: TypeAlias = Literal["label", "star", "neighbours"]
ActivationName: TypeAlias = Literal["label", "degree", "reach"]

MOST_NEIGHBOURS = 4
MOST_NODES = 10


def read_features(
    graphs: Sequence[Data],
    label: LabelName = "label",
    activation: ActivationName = "label",
) -> GraphFeatures:
    """Return the features of graphs; the kind of a node is its label.

    Args:
        graphs: All graphs that are compared with each other; they share one vocabulary. Without
            labels, all nodes have the same one.
        label: "label"; "star", the label together with those of all neighbours, compared as a
            whole; or "neighbours", the distribution over the labels around the node.
        activation: "label", a fixed hashed value in [0, 1] of the label, as in texts; "degree", the
            number of neighbours over 4; or "reach", the number of nodes within two steps over 10.
    """
    batch = Batch.from_data_list(list(graphs))
    if "label" not in batch:
        batch.label = torch.zeros_like(batch.batch)
    kind = F.one_hot(batch.label).float()
    return GraphFeatures(
        _ACTIVATIONS[activation](batch),
        _LABELS[label](batch, kind),
        kind,
        batch.edge_index,
        batch.batch,
        len(graphs),
    )


def _label(batch: Batch, kind: Tensor) -> Tensor:
    return kind


def _star(batch: Batch, kind: Tensor) -> Tensor:
    around = scatter(kind[batch.edge_index[0]], batch.edge_index[1], dim_size=len(kind))
    stars = torch.cat([kind, around], dim=1)
    return F.one_hot(torch.unique(stars, dim=0, return_inverse=True)[1]).float()


def _neighbours(batch: Batch, kind: Tensor) -> Tensor:
    tail, head = batch.edge_index
    around = scatter(kind[tail], head, dim_size=len(kind), reduce="mean")
    alone = 1.0 - around.sum(1, keepdim=True)
    return torch.cat([around, alone], dim=1)


def _hashed_label(batch: Batch) -> Tensor:
    values = [hash_words(f"label:{i}", 1)[0] / 2**31 for i in range(int(batch.label.max()) + 1)]
    return torch.tensor(values)[batch.label]


def _degree(batch: Batch) -> Tensor:
    found: Tensor = degree(batch.edge_index[0], batch.num_nodes) / MOST_NEIGHBOURS
    return found


def _reach(batch: Batch) -> Tensor:
    return reach(batch.edge_index, batch.num_nodes) / MOST_NODES


_LABELS: dict[LabelName, Callable[[Batch, Tensor], Tensor]] = {
    "label": _label,
    "star": _star,
    "neighbours": _neighbours,
}
_ACTIVATIONS: dict[ActivationName, Callable[[Batch], Tensor]] = {
    "label": _hashed_label,
    "degree": _degree,
    "reach": _reach,
}
