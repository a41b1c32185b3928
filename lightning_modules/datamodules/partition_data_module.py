"""Graphs with a partition of their nodes as data."""

from collections.abc import Sequence
from functools import cached_property
from typing import get_args

from torch_geometric.data import Data

from lightning_modules.datamodules.graph_data_module import GraphDataModule, count_features
from lightning_modules.datamodules.graph_source import GraphSource, load_graphs
from lightning_modules.datamodules.seeded_data_module import name_splits
from pyg_grapheme.graphs import check_graphs, check_integers
from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.options import expect_one_of

LARGEST = 1e15
"""Features beyond it overflow in single precision, inside a network."""


class PartitionDataModule(GraphDataModule):
    """Graphs whose nodes have labels ``y``: nodes of one label belong to one cluster.

    Graphs have ``x`` [N, F], ``edge_index`` [2, E], ``y`` [N], -1 for nodes without label, and
    maybe ``edge_attr`` [E, D]. They are shuffled in every epoch, in an order that depends on the
    seed of the run and the epoch alone. Several processes read disjoint shares.

    Args:
        train: Graphs to train on: a file ``*.npz`` that ``write_graphs`` wrote, the class path of a
            sequence of ``Data``, or a mapping of its ``class_path`` and ``init_args``.
        val: Graphs to validate on during training, and to tune the threshold of the baseline on.
        test: Further graphs to report on, by the name of the split.
        batch_size: Graphs per batch.
        unlabelled: Meaning of the label -1, as for ``PartitionLoss``; the model takes it from here.

    Raises:
        ValueError: if an option is invalid; the graphs are read and checked on first use.
    """

    def __init__(
        self,
        train: GraphSource,
        val: GraphSource | None = None,
        test: dict[str, GraphSource] | None = None,
        batch_size: int = 4,
        unlabelled: UnlabelledName = "ignore",
    ) -> None:
        super().__init__(batch_size)
        self.sources = name_splits(train, val, test)
        expect_one_of("unlabelled", unlabelled, get_args(UnlabelledName))
        self.unlabelled: UnlabelledName = unlabelled

    @cached_property
    def splits(self) -> dict[str, Sequence[Data]]:
        """All graphs, by split; "train" is there, "val" may be."""
        splits: dict[str, Sequence[Data]] = {}
        for name, source in self.sources.items():
            features = count_features(splits["train"][0]) if splits else None
            splits[name] = load_labelled(source, self.unlabelled, features)
        return splits

    @property
    def has_validation(self) -> bool:
        """Whether there are graphs to validate on; known before they are read."""
        return "val" in self.sources


def load_labelled(
    source: GraphSource,
    unlabelled: UnlabelledName = "ignore",
    features: tuple[int, int] | None = None,
) -> Sequence[Data]:
    """Return the graphs of a source, all of which have labels and features.

    Args:
        source: The source.
        unlabelled: Meaning of the label -1; "ignore" needs one other label per graph.
        features: Features per node and per edge; those of the first graph if None.

    Raises:
        ValueError: if there is no graph, or one that is not as expected; names it.
    """
    graphs = load_featured(source, features)
    for index, graph in enumerate(graphs):
        where = f"{source}, graph {index}: expected 'y' to"
        try:
            y = check_integers("y", graph.get("y"), low=-1, size=graph.num_nodes)
        except ValueError as error:
            raise ValueError(str(error).replace("Expected 'y' to", where)) from error
        if unlabelled == "ignore" and y.numel() and not (y >= 0).any():
            raise ValueError(f"{where} label a node, where unlabelled='ignore' (got only -1)")
    return graphs


def load_featured(source: GraphSource, features: tuple[int, int] | None = None) -> Sequence[Data]:
    """Return the graphs of a source, all of which have features that a network can compute with.

    Args:
        source: The source.
        features: Features per node and per edge; those of the first graph if None.

    Raises:
        ValueError: if there is no graph, or one that is not as expected; names it.
    """
    graphs = load_graphs(source)
    if len(graphs) == 0:
        raise ValueError(f"Expected at least one graph (got none from {source!r})")
    features = features or count_features(graphs[0])
    for index, graph in enumerate(graphs):
        where = f"{source}, graph {index}: expected"
        try:
            attr = graph.get("edge_attr")
            check_graphs(graph.get("x"), graph.get("edge_index"), attr, None, None)
        except ValueError as error:
            raise ValueError(str(error).replace("Expected", where, 1)) from error
        if attr is not None and not attr.is_floating_point():
            raise ValueError(f"{where} 'edge_attr' to be floats (got {attr.dtype})")
        for name in ("x", "edge_attr"):
            value = graph.get(name)
            largest = 0.0 if value is None or value.numel() == 0 else float(value.abs().max())
            if not largest <= LARGEST:  # or NaN
                raise ValueError(
                    f"{where} '{name}' to be in [-{LARGEST:g}, {LARGEST:g}] (got {largest:g})"
                )
        found = count_features(graph)
        if found != features:
            raise ValueError(
                f"{where} {features[0]} features per node and {features[1]} per edge "
                f"(got {found[0]} and {found[1]})"
            )
    return graphs
