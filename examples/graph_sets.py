"""Readers of labelled graph data sets in plain files.

A TU set is a folder of text files (Morris et al. 2020, "TUDataset: a collection of benchmark
datasets for learning with graphs"), gzipped or not; Bianchi's benchmark for graph classification is
one ``.npz`` without pickles.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch_geometric.data import Data
from torch_geometric.utils import degree

from pyg_grapheme.graphs import batch_ptr

SPLITS = ("train", "val", "test")


class Fold(NamedTuple):
    """Indices of the graphs for training, for the choice of the epoch, and for testing."""

    train: list[int]
    validation: list[int]
    test: list[int]


class GraphSet(NamedTuple):
    """Labelled graphs.

    Attributes:
        graphs: Graphs with ``x`` [N, F], ``edge_index`` [2, E] and the class ``y`` [1], from 0.
        num_features: F.
        num_classes: Number of classes.
        folds: Splits of the graphs.
    """

    graphs: list[Data]
    num_features: int
    num_classes: int
    folds: list[Fold]


def read_graph_set(path: Path, folds: int = 10) -> GraphSet:
    """Read the TU set in a folder, or the benchmark in an ``.npz`` file.

    Args:
        path: ``.../NAME/`` with ``NAME_A.txt`` and so on, or ``.../NAME.npz``.
        folds: Number of folds if none are published; all folds of an ``.npz`` are its one split.
    """
    return read_npz(path, folds) if path.suffix == ".npz" else read_tu(path, folds)


def read_tu(folder: Path, folds: int = 10) -> GraphSet:
    """Read a TU set; the features of a node are its one-hot label, or its degree if it has none.

    The folds are those of ``../splits/NAME_splits.json`` (Errica et al. 2020, "A fair comparison of
    graph neural networks for graph classification") if that file exists, else random ones.
    """
    name = folder.name
    edge_index = torch.from_numpy(_read_table(folder / f"{name}_A.txt").T) - 1
    batch = torch.from_numpy(_read_table(folder / f"{name}_graph_indicator.txt")) - 1
    classes = _from_zero(torch.from_numpy(_read_table(folder / f"{name}_graph_labels.txt")))
    if (folder / f"{name}_node_labels.txt").exists():
        label = torch.from_numpy(_read_table(folder / f"{name}_node_labels.txt"))
    else:
        label = degree(edge_index[0], batch.numel(), dtype=torch.long)
    graphs = _split(one_hot(_from_zero(label)).float(), edge_index, batch, classes)
    splits = folder.parent / "splits" / f"{name}_splits.json"
    chosen = _read_folds(splits) if splits.exists() else _draw_folds(classes, folds)
    return GraphSet(graphs, graphs[0].num_features, int(classes.max()) + 1, chosen)


def read_npz(path: Path, folds: int = 10) -> GraphSet:
    """Read Bianchi's benchmark; every fold is its one split, to be used with different seeds."""
    graphs: list[Data] = []
    split: dict[str, list[int]] = {}
    with np.load(path, allow_pickle=False) as file:
        for name in SPLITS:
            arrays = {
                key: torch.from_numpy(file[f"{name}_{key}"]).long()
                for key in ("num_nodes", "color", "num_edges", "edge_index", "y")
            }
            size, edges = arrays["num_nodes"], arrays["num_edges"]
            first = (size.cumsum(0) - size).repeat_interleave(edges)
            colour = one_hot(arrays["color"], 5).float()
            batch = torch.repeat_interleave(size)
            part = _split(colour, arrays["edge_index"] + first, batch, arrays["y"])
            split[name] = list(range(len(graphs), len(graphs) + len(part)))
            graphs += part
    classes = max(int(graph.y) for graph in graphs) + 1
    fold = Fold(*(split[name] for name in SPLITS))
    return GraphSet(graphs, graphs[0].num_features, classes, [fold] * folds)


def _read_table(path: Path) -> np.ndarray:
    """Read the integers of a text file with commas, gzipped or not."""
    packed = path.with_name(path.name + ".gz")
    return np.loadtxt(packed if packed.exists() else path, dtype=np.int64, delimiter=",")


def _from_zero(values: Tensor) -> Tensor:
    return torch.unique(values, return_inverse=True)[1]


def _split(x: Tensor, edge_index: Tensor, batch: Tensor, classes: Tensor) -> list[Data]:
    """Split a batch into its graphs; ``batch`` is sorted."""
    nodes = batch_ptr(batch, classes.numel())
    graph = batch[edge_index[0]]
    edges = batch_ptr(graph, classes.numel())
    edge_index = (edge_index - nodes[graph])[:, graph.argsort(stable=True)]
    parts = zip(
        x.tensor_split(nodes[1:-1]),
        edge_index.tensor_split(edges[1:-1], 1),
        classes.view(-1, 1),
        strict=True,
    )
    return [Data(x=x, edge_index=edge_index.contiguous(), y=y) for x, edge_index, y in parts]


def _read_folds(path: Path) -> list[Fold]:
    folds = []
    for fold in json.loads(path.read_text()):
        inner = fold["model_selection"][0]
        folds.append(Fold(inner["train"], inner["validation"], fold["test"]))
    return folds


def _draw_folds(classes: Tensor, count: int) -> list[Fold]:
    """Draw folds with equal shares of each class; part i tests, part i + 1 validates."""
    order = torch.randperm(classes.numel(), generator=torch.Generator().manual_seed(0))
    order = order[classes[order].argsort(stable=True)]
    parts = [order[start::count].tolist() for start in range(count)]
    folds = []
    for i in range(count):
        held = {i, (i + 1) % count}
        train = [graph for j, part in enumerate(parts) if j not in held for graph in part]
        folds.append(Fold(train, parts[(i + 1) % count], parts[i]))
    return folds
