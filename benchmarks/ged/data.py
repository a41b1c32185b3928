"""Sets of small graphs with their edit distances, as SimGNN's authors published them.

A folder holds ``graphs.json``, ``{"train": [...], "test": [...]}`` with graphs ``{"id",
"num_nodes", "edges": [[a, b], ...], "labels": [...]}``, the labels optional; and matrices of
distances as lines of numbers, some of them gzipped.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected


class GraphSet(NamedTuple):
    """Graphs and the distances between them.

    Attributes:
        train: G graphs, which are ranked. Every edge is there in both directions; ``label`` [N]
            are integers, if the set has labels.
        test: Q graphs, the queries.
        distance: [Q, G], graph edit distances.
    """

    train: list[Data]
    test: list[Data]
    distance: Tensor


def read_graph_set(folder: Path) -> GraphSet:
    """Read the graphs of a folder and the distances between its test and training graphs."""
    graphs = json.loads((folder / "graphs.json").read_text())
    symbols = {s for part in graphs.values() for graph in part for s in graph.get("labels", ())}
    index = {symbol: i for i, symbol in enumerate(sorted(symbols))}
    return GraphSet(
        [_to_data(graph, index) for graph in graphs["train"]],
        [_to_data(graph, index) for graph in graphs["test"]],
        read_matrix(folder / "ged_test_train.csv"),
    )


def read_matrix(path: Path) -> Tensor:
    """Read a matrix, a line a row, with commas between the numbers; gzipped if its name says so."""
    return torch.from_numpy(np.loadtxt(path, delimiter=",", ndmin=2))


def _to_data(graph: dict[str, Any], index: dict[str, int]) -> Data:
    size = graph["num_nodes"]
    edges = torch.tensor(graph["edges"], dtype=torch.long).view(-1, 2)
    data = Data(num_nodes=size, edge_index=to_undirected(edges.t(), num_nodes=size))
    if "labels" in graph:
        data.label = torch.tensor([index[symbol] for symbol in graph["labels"]])
    return data
