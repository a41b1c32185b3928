"""A table of records whose clusters are known in part, as graphs."""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_only
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from lightning_modules.datamodules.data_files import find_file
from lightning_modules.datamodules.drawn_records import DrawnRecords
from lightning_modules.datamodules.graph_data_module import GraphDataModule
from pyg_grapheme.options import expect_count, expect_one_of, expect_share
from pyg_grapheme.records.blocks import split_blocks
from pyg_grapheme.records.candidates import candidate_recall
from pyg_grapheme.records.columns import ColumnKind, column_kinds
from pyg_grapheme.records.labels import (
    column_labels,
    entity_labels,
    pair_labels,
    row_of_id,
    split_entities,
)
from pyg_grapheme.records.record_encoder import RecordEncoder
from pyg_grapheme.records.table import Table, read_table

SplitName = Literal["entities", "blocks"]

SPLITS = ("train", "val", "test")


class RecordsDataModule(GraphDataModule):
    """A table of records; those of one entity belong to one cluster.

    Records are nodes, pairs that may be one entity are edges, blocks are graphs. Entities are split
    into those to train on, to validate on and to test on. All records of a block are clustered
    together; in training the labels of held-out entities are hidden, and the scores of a held-out
    split count its records, and the pairs with at least one of them.

    Args:
        records: The table: ``.csv``, ``.tsv``, ``.jsonl`` (maybe ``.gz``) or ``.parquet``.
        cluster: The column of the known entity ids; records without are unlabelled.
        labels: With ``cluster`` and ``id``, the table that has this column, and the one of ids of
            records, for some of them; see :func:`entity_labels`. Without ``cluster``, a table of
            known pairs: two columns of ids of records, and maybe a third one that says whether they
            are one entity; see :func:`pair_labels`.
        id: The column of the ids of records, for ``labels``; row numbers from 0 if None.
        columns: The columns to compare, by kind: "text", "list", "number" or "date"; if None all
            but those that are named by another option, and kinds are found as by
            :func:`column_kinds`.
        block: Columns; only records that agree in all of them can be one entity.
        source: The column of sources; two records of one source are never in one cluster. The
            validation, the report and the other commands keep to it; training does not need it.
        neighbours: As for :class:`RecordEncoder`, and so are the next three.
        search: Further columns to find neighbours by.
        keys: Columns of which equal values make candidates.
        max_frequency: Bound on frequent terms and keys.
        split: Whether entities are split, or blocks.
        val_share: Share of the known records to validate on.
        test_share: Share of the known records to test on.
        split_seed: Seed of the split.
        block_size: Records of a block that a training step sees at most; from a larger block they
            are drawn, and it is visited more often, as :class:`DrawnRecords` does. All if None.
        repeats: How often an epoch visits each block; a table without blocks is one step a visit.
        batch_size: Blocks per batch.

    Raises:
        ValueError: if an option is invalid; the table is read and checked on first use.
    """

    def __init__(
        self,
        records: str,
        cluster: str | None = None,
        labels: str | None = None,
        id: str | None = None,
        columns: dict[str, ColumnKind] | None = None,
        block: list[str] | None = None,
        source: str | None = None,
        neighbours: int = 15,
        search: list[str] | None = None,
        keys: list[str] | None = None,
        max_frequency: int = 500,
        split: SplitName = "entities",
        val_share: float = 0.1,
        test_share: float = 0.2,
        split_seed: int = 0,
        block_size: int | None = None,
        repeats: int = 20,
        batch_size: int = 1,
    ) -> None:
        super().__init__(batch_size)
        if cluster is None and labels is None:
            raise ValueError("Expected 'cluster', 'labels' or both (got neither)")
        if cluster is not None and labels is not None and id is None:
            raise ValueError(
                "Expected 'id' to name the column of ids of records where 'cluster' is a column of "
                f"'labels' (got {cluster!r} of {labels!r}, but no 'id')"
            )
        expect_one_of("split", split, get_args(SplitName))
        self.records, self.cluster, self.labels, self.id = records, cluster, labels, id
        self.columns, self.block, self.source, self.split = columns, block or [], source, split
        self.options: dict[str, Any] = {
            "neighbours": expect_count("neighbours", neighbours),
            "search": search or [],
            "keys": keys or [],
            "max_frequency": expect_count("max_frequency", max_frequency),
        }
        self.shares = expect_share("val_share", val_share), expect_share("test_share", test_share)
        self.block_size = None if block_size is None else expect_count("block_size", block_size)
        self.repeats = expect_count("repeats", repeats)
        self.split_seed = expect_count("split_seed", split_seed, low=0)

    @cached_property
    def table(self) -> Table:
        """The records."""
        return read_table(find_file(self.records, "--data.records"))

    @cached_property
    def fitted(self) -> RecordEncoder:
        """The encoder, fitted to the table."""
        kinds = self.columns
        used = {"columns": kinds or (), **{name: self.options[name] for name in ("search", "keys")}}
        for name, columns in used.items():
            if self.labels is None and self.cluster in columns:
                raise ValueError(
                    f"Expected '--data.{name}' to leave out the column of known entities "
                    f"(got {self.cluster!r})"
                )
        if kinds is None:
            named = {self.cluster, self.id, self.source, *self.block}
            rest = {n: c for n, c in self.table.columns.items() if n not in named}
            kinds = column_kinds(self.table._replace(columns=rest))
        else:
            column_kinds(self.table, kinds)
        return RecordEncoder(kinds, **self.options).fit(self.table)

    @property
    def encoder(self) -> dict[str, Any]:
        """The options of the encoder, and the columns of blocks and sources, for the model."""
        return {
            "kinds": self.fitted.compared,
            **self.options,
            "block": self.block,
            "source": self.source,
        }

    @cached_property
    def known(self) -> np.ndarray:
        """The label of each record, -1 if it has none."""
        rows = row_of_id(self.table, self.id)
        y = self._read_labels(rows)
        if candidate_recall(np.empty((2, 0), dtype=np.int64), y)[1] == 0:
            source = self.labels or self.table.name
            raise ValueError(f"{source}: expected two records of one known entity (got none)")
        return y

    def _read_labels(self, rows: dict[str, int]) -> np.ndarray:
        if self.labels is None:
            return column_labels(self.table, str(self.cluster))
        given = read_table(find_file(self.labels, "--data.labels"))
        if self.cluster is None:
            return pair_labels(given, rows)
        return entity_labels(given, rows, str(self.id), self.cluster)

    @cached_property
    def graphs(self) -> list[Data]:
        """One graph per block, with the numbers of rows as ``row`` [N]."""
        table, graphs, source = self.fitted.encode(self.table), [], None
        if self.source is not None:
            source = torch.from_numpy(column_labels(self.table, self.source, "--data.source"))
        for rows in split_blocks(self.table, self.block):
            graph = self.fitted.graph(table.rows(rows))
            graph.row = torch.from_numpy(rows)
            if source is not None:
                graph.source = source[graph.row]
            graphs.append(graph)
        if not any(graph.num_edges for graph in graphs):
            name = self.table.name
            raise ValueError(
                f"{name}: expected candidates of one entity (got no candidate pairs: neighbours "
                "are found by texts and lists, '--data.columns', or by equal values, '--data.keys')"
            )
        self.fitted.fit_scale(graphs)
        return graphs

    @cached_property
    def splits(self) -> dict[str, Sequence[Data]]:
        """The blocks of each split.

        ``y`` are the labels of the split in "train", and all known labels in the others, of which
        ``counted`` [N] says which records are of the split.
        """
        known = self.known  # Wrong labels are refused before the features are computed.
        blocks = [graph.row.numpy() for graph in self.graphs]
        by_block, shares = self.split == "blocks", [share for share in self.shares if share]
        names = ("train", *(n for n, s in zip(SPLITS[1:], self.shares, strict=True) if s))
        number = split_entities(known, blocks, by_block, shares, self.split_seed)
        splits: dict[str, Sequence[Data]] = {}
        for index, name in enumerate(names):
            chosen = number == index
            y = np.where(chosen, known, -1) if name == "train" else known
            splits[name] = [
                _labelled(graph, y, chosen)
                for graph in self.graphs
                if chosen[graph.row.numpy()].any()
            ]
        self._describe(splits)
        return splits

    def train_dataloader(self) -> DataLoader:
        """Return shuffled batches to train on, with ``repeats`` visits of all blocks."""
        graphs = DrawnRecords(self.splits["train"], self.block_size, self.repeats)
        return self.batches(graphs, self.train_sampler(graphs))

    @property
    def has_validation(self) -> bool:
        """Whether there are entities to validate on; known before the table is read."""
        return self.shares[0] > 0

    @rank_zero_only
    def _describe(self, splits: Mapping[str, Sequence[Data]]) -> None:
        rows = np.concatenate([graph.row.numpy() for graph in self.graphs])
        first = np.cumsum([0, *(graph.x.size(0) for graph in self.graphs)])
        pairs = np.concatenate(
            [graph.edge_index.numpy() + at for graph, at in zip(self.graphs, first, strict=False)],
            axis=1,
        )
        found, known = candidate_recall(pairs, self.known[rows])
        share = f"{found / known:.1%}".replace("%", " %")
        kinds = ", ".join(f"{n} ({k})" for n, k in self.fitted.compared.items())
        blocks = f"{len(self.graphs)} blocks" if self.block else "one block"
        print(
            f"{self.table.num_rows} records in {blocks}, compared by {kinds}\n"
            f"{pairs.shape[1]} candidate pairs; {share} of the {known} known pairs of one entity "
            "are among them"
        )
        for name, graphs in splits.items():
            y = np.concatenate([graph.y[graph.counted].numpy() for graph in graphs])
            if np.unique(y[y >= 0], return_counts=True)[1].max(initial=0) < 2:
                print(f"no two records of {name} are one known entity: its scores say little")


def _labelled(graph: Data, y: np.ndarray, counted: np.ndarray) -> Data:
    labelled = copy(graph)  # The features are shared.
    labelled.y = torch.from_numpy(y[graph.row.numpy()])
    labelled.counted = torch.from_numpy(counted[graph.row.numpy()])
    return labelled
