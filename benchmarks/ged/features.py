"""What the structural loss is told of a graph's nodes: grapheme, category, activation."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.data import Batch, Data
from torch_geometric.utils import degree, scatter

from pyg_grapheme.nn.loss import GraphFeatures
from pyg_grapheme.text.grapheme import hash_words

GraphemeName: TypeAlias = Literal["label", "star", "neighbours"]
ActivationName: TypeAlias = Literal["label", "degree", "reach"]

MOST_NEIGHBOURS = 4
MOST_NODES = 10


def read_features(
    graphs: Sequence[Data],
    grapheme: GraphemeName = "label",
    activation: ActivationName = "label",
) -> GraphFeatures:
    """Describe graphs with labelled nodes to the structural loss; the category is the label.

    Args:
        graphs: All that are to be compared with each other, for they share one vocabulary.
        grapheme: "label"; "star", the label with those of all neighbours, so that two nodes have
            the same or not; or "neighbours", the distribution over the labels around the node.
        activation: "label", a fixed hashed value in [0, 1] of the label, as text has it; "degree",
            the number of neighbours as a share of four; or "reach", the number of nodes within two
            steps as a share of ten.
    """
    batch = Batch.from_data_list(list(graphs))
    category = F.one_hot(batch.label).float()
    return GraphFeatures(
        _ACTIVATIONS[activation](batch),
        _GRAPHEMES[grapheme](batch, category),
        category,
        batch.edge_index,
        batch.batch,
        len(graphs),
    )


def _label(batch: Batch, category: Tensor) -> Tensor:
    return category


def _star(batch: Batch, category: Tensor) -> Tensor:
    around = scatter(category[batch.edge_index[0]], batch.edge_index[1], dim_size=len(category))
    stars = torch.cat([category, around], dim=1)
    return F.one_hot(torch.unique(stars, dim=0, return_inverse=True)[1]).float()


def _neighbours(batch: Batch, category: Tensor) -> Tensor:
    tail, head = batch.edge_index
    around = scatter(category[tail], head, dim_size=len(category), reduce="mean")
    alone = 1.0 - around.sum(1, keepdim=True)
    return torch.cat([around, alone], dim=1)


def _hashed_label(batch: Batch) -> Tensor:
    values = [hash_words(f"label:{i}", 1)[0] / 2**31 for i in range(int(batch.label.max()) + 1)]
    return torch.tensor(values)[batch.label]


def _degree(batch: Batch) -> Tensor:
    found: Tensor = degree(batch.edge_index[0], batch.num_nodes) / MOST_NEIGHBOURS
    return found


def _reach(batch: Batch) -> Tensor:
    near = torch.eye(batch.num_nodes)
    near[batch.edge_index[0], batch.edge_index[1]] = 1.0
    # Only a set of small graphs is looked at: all nodes by all nodes is a few megabytes.
    return ((near @ near) > 0).sum(1) / MOST_NODES


_GRAPHEMES: dict[GraphemeName, Callable[[Batch, Tensor], Tensor]] = {
    "label": _label,
    "star": _star,
    "neighbours": _neighbours,
}
_ACTIVATIONS: dict[ActivationName, Callable[[Batch], Tensor]] = {
    "label": _hashed_label,
    "degree": _degree,
    "reach": _reach,
}
