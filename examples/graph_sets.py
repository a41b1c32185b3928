"""Sets of labelled graphs, read from plain files.

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

SPLITS = ("train", "val", "test")


class Fold(NamedTuple):
    """Numbers of the graphs to train on, to choose the epoch by, and to test on."""

    train: list[int]
    validation: list[int]
    test: list[int]


class GraphSet(NamedTuple):
    """Graphs with a class each.

    Attributes:
        graphs: With ``x`` [N, F], ``edge_index`` [2, E] and ``y`` [1], a class from 0.
        num_features: F.
        num_classes: How many classes there are.
        folds: Ways to split the graphs.
    """

    graphs: list[Data]
    num_features: int
    num_classes: int
    folds: list[Fold]


def read_graph_set(path: Path, folds: int = 10) -> GraphSet:
    """Read the TU set in a folder, or the benchmark in an ``.npz`` file.

    Args:
        path: ``.../NAME/`` with ``NAME_A.txt`` and so on, or ``.../NAME.npz``.
        folds: How many folds, where none are published; a file's one split serves them all.
    """
    return read_npz(path, folds) if path.suffix == ".npz" else read_tu(path, folds)


def read_tu(folder: Path, folds: int = 10) -> GraphSet:
    """Read a TU set; nodes are described by their label, or else by their degree, one-hot.

    The folds are those of ``../splits/NAME_splits.json`` (Errica et al. 2020, "A fair comparison of
    graph neural networks for graph classification") if that is there, or else drawn.
    """
    name = folder.name
    edge_index = torch.from_numpy(_read_table(folder / f"{name}_A.txt").T) - 1
    batch = torch.from_numpy(_read_table(folder / f"{name}_graph_indicator.txt")) - 1
    classes = _from_zero(torch.from_numpy(_read_table(folder / f"{name}_graph_labels.txt")))
    if (folder / f"{name}_node_labels.txt").exists():
        label = torch.from_numpy(_read_table(folder / f"{name}_node_labels.txt"))
    else:
        label = degree(edge_index[0], batch.numel(), dtype=torch.long)
    graphs = _cut(one_hot(_from_zero(label)).float(), edge_index, batch, classes)
    splits = folder.parent / "splits" / f"{name}_splits.json"
    chosen = _read_folds(splits) if splits.exists() else _draw_folds(classes, folds)
    return GraphSet(graphs, graphs[0].num_features, int(classes.max()) + 1, chosen)


def read_npz(path: Path, folds: int = 10) -> GraphSet:
    """Read Bianchi's benchmark: its one split serves as every fold, each with another seed."""
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
            part = _cut(colour, arrays["edge_index"] + first, batch, arrays["y"])
            split[name] = list(range(len(graphs), len(graphs) + len(part)))
            graphs += part
    classes = max(int(graph.y) for graph in graphs) + 1
    fold = Fold(*(split[name] for name in SPLITS))
    return GraphSet(graphs, graphs[0].num_features, classes, [fold] * folds)


def _read_table(path: Path) -> np.ndarray:
    """Integers of a text file with commas; numpy unpacks a ``.gz`` by itself."""
    packed = path.with_name(path.name + ".gz")
    return np.loadtxt(packed if packed.exists() else path, dtype=np.int64, delimiter=",")


def _from_zero(values: Tensor) -> Tensor:
    return torch.unique(values, return_inverse=True)[1]


def _cut(x: Tensor, edge_index: Tensor, batch: Tensor, classes: Tensor) -> list[Data]:
    """Cut one big graph into those that it is made of, numbered by ``batch``, which is sorted."""
    count = classes.numel()
    nodes = degree(batch, count, dtype=torch.long)
    owner = batch[edge_index[0]]
    edges = degree(owner, count, dtype=torch.long)
    edge_index = (edge_index - (nodes.cumsum(0) - nodes)[owner])[:, owner.argsort(stable=True)]
    parts = zip(
        x.split(nodes.tolist()),
        edge_index.split(edges.tolist(), 1),
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
    """Deal the graphs of each class out in turn; the part behind the one tested on validates."""
    order = torch.randperm(classes.numel(), generator=torch.Generator().manual_seed(0))
    order = order[classes[order].argsort(stable=True)]
    parts = [order[start::count].tolist() for start in range(count)]
    folds = []
    for i in range(count):
        held = {i, (i + 1) % count}
        train = [graph for j, part in enumerate(parts) if j not in held for graph in part]
        folds.append(Fold(train, parts[(i + 1) % count], parts[i]))
    return folds
