"""Graphs with a partition of their nodes as data."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch.utils.data import Sampler
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from lightning_modules.datamodules.graph_source import GraphSource, load_graphs
from lightning_modules.datamodules.seeded_data_module import SeededDataModule, name_splits
from pyg_grapheme.options import expect_count


class PartitionDataModule(SeededDataModule):
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
    """

    def __init__(
        self,
        train: GraphSource,
        val: GraphSource | None = None,
        test: dict[str, GraphSource] | None = None,
        batch_size: int = 4,
    ) -> None:
        super().__init__()
        self.sources = name_splits(train, val, test)
        self.batch_size = expect_count("batch_size", batch_size)

    @cached_property
    def splits(self) -> dict[str, Sequence[Data]]:
        """All graphs, by split; "train" is there, "val" may be."""
        return {name: load_labelled(source) for name, source in self.sources.items()}

    @property
    def has_validation(self) -> bool:
        """Whether there are graphs to validate on."""
        return "val" in self.sources

    @property
    def in_channels(self) -> int:
        """Features per node."""
        return int(self.splits["train"][0].num_node_features)

    @property
    def edge_dim(self) -> int:
        """Features per edge."""
        return int(self.splits["train"][0].num_edge_features)

    def loader(self, split: str, sampler: Sampler[int] | None = None) -> DataLoader:
        """Return batches of one split, in order unless a sampler is given."""
        return DataLoader(
            self.splits[split],
            self.batch_size,
            sampler=sampler,
            # Starting an epoch must not change the random numbers of the model.
            generator=torch.Generator(),
        )

    def train_dataloader(self) -> DataLoader:
        """Return shuffled batches to train on; each of n processes reads every n-th graph.

        Some graphs are read twice per epoch if the shares are not equal.
        """
        return self.loader("train", self.train_sampler(self.splits["train"]))

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        """Return batches to validate on, each graph once; none if there is no such split."""
        if not self.has_validation:
            return []
        return self.loader("val", self.val_sampler(self.splits["val"]))


def load_labelled(source: GraphSource) -> Sequence[Data]:
    """Return the graphs of a source, all of which have labels.

    Raises:
        ValueError: if there is no graph, or one without labels; names it.
    """
    graphs = load_graphs(source)
    if len(graphs) == 0:
        raise ValueError(f"Expected at least one graph (got none from {source!r})")
    for index, graph in enumerate(graphs):
        y = graph.get("y")
        if y is None or y.shape != (graph.num_nodes,) or y.is_floating_point():
            got = "none" if y is None else f"{tuple(y.shape)}, {y.dtype}"
            raise ValueError(
                f"{source}, graph {index}: expected 'y' to be {graph.num_nodes} integers, "
                f"the label of each node (got {got})"
            )
    return graphs
