"""Batches of graphs by split."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch.utils.data import Dataset, Sampler
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from lightning_modules.datamodules.seeded_data_module import SeededDataModule
from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.options import expect_count


class GraphDataModule(SeededDataModule):
    """Base of the data modules whose splits are lists of graphs with labels ``y`` [N].

    The graphs of "train" are shuffled in every epoch; several processes read disjoint shares.

    Args:
        batch_size: Graphs per batch.
    """

    unlabelled: UnlabelledName = "ignore"
    """Meaning of the label -1, as for ``PartitionLoss``; the model takes it from here."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.batch_size = expect_count("batch_size", batch_size)

    @property
    @abstractmethod
    def splits(self) -> dict[str, Sequence[Data]]:
        """All graphs, by split; "train" is there, "val" may be."""

    @property
    @abstractmethod
    def has_validation(self) -> bool:
        """Whether there are graphs to validate on; known before they are read."""

    @property
    def in_channels(self) -> int:
        """Features per node."""
        return count_features(self.splits["train"][0])[0]

    @property
    def edge_dim(self) -> int:
        """Features per edge."""
        return count_features(self.splits["train"][0])[1]

    def loader(self, split: str, sampler: Sampler[int] | None = None) -> DataLoader:
        """Return batches of one split, in order unless a sampler is given."""
        return self.batches(self.splits[split], sampler)

    def batches(
        self, graphs: Sequence[Data] | Dataset[Data], sampler: Sampler[int] | None = None
    ) -> DataLoader:
        """Return batches of graphs, in order unless a sampler is given."""
        return DataLoader(
            graphs,
            self.batch_size,
            sampler=sampler,
            # Starting an epoch must not change the random numbers of the model.
            generator=torch.Generator(),
        )

    def train_dataloader(self) -> DataLoader:
        """Return shuffled batches to train on; each of n processes reads every n-th graph."""
        return self.loader("train", self.train_sampler(self.splits["train"]))

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        """Return batches to validate on, each graph once; none if there is no such split."""
        if not self.has_validation:
            return []
        return self.loader("val", self.val_sampler(self.splits["val"]))


def count_features(graph: Data) -> tuple[int, int]:
    """Return the number of features per node and per edge."""
    return int(graph.num_node_features), int(graph.num_edge_features)
