"""Tables of records as graphs: records are nodes, candidate pairs edges."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_grapheme.options import expect_count
from pyg_grapheme.records.candidates import candidate_pairs
from pyg_grapheme.records.columns import ColumnKind, expect_kind
from pyg_grapheme.records.comparers import COMPARERS, Comparer, EncodedColumn, compare_column
from pyg_grapheme.records.table import Table
from pyg_grapheme.records.tfidf import cosines

JOINT = "all texts"
"""The name of the texts and lists of a record together, as a column."""

OF_BEST = (f"{JOINT}: of the best", f"{JOINT}: of both bests")


class EncodedTable(NamedTuple):
    """A table, ready for its records to be compared.

    Attributes:
        columns: The compared columns by name; last all texts of each record together.
        keys: Cells of the columns by whose equal values records are candidates.
    """

    columns: Mapping[str, EncodedColumn]
    keys: Sequence[np.ndarray]

    def rows(self, index: np.ndarray) -> "EncodedTable":
        """Return some of the records."""
        columns = {name: column.rows(index) for name, column in self.columns.items()}
        return EncodedTable(columns, [cells[index] for cells in self.keys])


class RecordEncoder(nn.Module):
    """Turns records into nodes, and pairs that may be one entity into edges with features.

    What it learns from one table, frequencies of terms and scales of numbers, are buffers, used for
    every table from then on: the features of a block of records do not depend on other blocks.

    Args:
        kinds: The columns to compare, and how.
        neighbours: Nearest records by joint text, and by each column of ``search``, that are
            candidates.
        search: Further columns of texts or lists to find neighbours by.
        keys: Columns; records of one value are candidates, too.
        max_frequency: Terms of more records than that, in a block, do not help to find neighbours,
            and records are no candidates by a key that so many share.

    Raises:
        ValueError: if an option is invalid.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        kinds: Mapping[str, ColumnKind],
        *,
        neighbours: int = 15,
        search: Sequence[str] = (),
        keys: Sequence[str] = (),
        max_frequency: int = 500,
    ) -> None:
        super().__init__()
        if JOINT in kinds:
            raise ValueError(f"Expected 'kinds' to have no column {JOINT!r} (got one)")
        self.kinds: dict[str, ColumnKind] = {**kinds, JOINT: "text"}
        self.neighbours = expect_count("neighbours", neighbours)
        self.max_frequency = expect_count("max_frequency", max_frequency)
        self.search, self.keys = tuple(search), tuple(keys)
        for name in self.search:
            if kinds.get(name) not in ("text", "list"):
                known = ", ".join(repr(n) for n, kind in kinds.items() if kind in ("text", "list"))
                raise ValueError(
                    "Expected 'search' to name compared columns of texts or lists, of "
                    f"{known or 'which there are none'} (got {name!r})"
                )
        for column, kind in enumerate(self.kinds.values()):
            for part, size in enumerate(COMPARERS[kind].sizes):
                self.register_buffer(f"learnt_{column}_{part}", torch.ones(size))
        self.register_buffer("mean", torch.zeros(len(self.feature_names)))
        self.register_buffer("deviation", torch.ones(len(self.feature_names)))
        self.register_load_state_dict_post_hook(_expect_scales)  # type: ignore[no-untyped-call]

    @property
    def compared(self) -> dict[str, ColumnKind]:
        """The columns of the table that are compared, by kind."""
        return {name: kind for name, kind in self.kinds.items() if name != JOINT}

    def _comparers(self) -> dict[str, Comparer]:
        found: dict[str, Comparer] = {}
        for column, (name, kind) in enumerate(self.kinds.items()):
            parts = range(len(COMPARERS[kind].sizes))
            buffers: list[Tensor] = [getattr(self, f"learnt_{column}_{part}") for part in parts]
            found[name] = COMPARERS[kind](tuple(b.float().cpu().numpy() for b in buffers))
        return found

    def fit(self, table: Table) -> Self:
        """Learn frequencies of terms and scales of numbers from a table; labels play no part."""
        for column, (name, cells) in enumerate(self._cells(table).items()):
            learnt = COMPARERS[self.kinds[name]].fit(cells).learnt
            for part, array in enumerate(learnt):
                getattr(self, f"learnt_{column}_{part}").copy_(torch.from_numpy(array))
        return self

    def expect_columns(self, table: Table) -> None:
        """Refuse a table without a column that this one compares, or of another kind.

        Raises:
            ValueError: if a column is missing, or none of its values is a number or date, as they
                were; names it.
        """
        for name in (*self.compared, *self.keys):
            if name not in table.columns:
                raise ValueError(
                    f"{table.name}: expected all columns that the model compares (got none named "
                    f"{name!r})"
                )
        for name, kind in self.compared.items():
            expect_kind(table, name, kind)

    def fit_scale(self, graphs: Sequence[Data]) -> None:
        """Learn mean and deviation of the features of pairs, and scale those of these graphs.

        Args:
            graphs: Of this encoder, before it has learned a scale; ``edge_attr`` changes in place.
        """
        features = torch.cat([graph.edge_attr for graph in graphs])
        if features.size(0) > 1:
            self.mean.copy_(features.mean(dim=0))
            deviation = features.std(dim=0)
            self.deviation.copy_(torch.where(deviation > 1e-6, deviation, 1.0))
        for graph in graphs:
            graph.edge_attr.sub_(self.mean).div_(self.deviation)

    def _cells(self, table: Table) -> dict[str, Sequence]:  # type: ignore[type-arg]
        """Return the cells of all compared columns, and the joint texts."""
        compared = {name: table.column(name, "columns") for name in self.compared}
        names = [name for name in compared if self.kinds[name] in ("text", "list")]
        texts = [table.texts(name, "columns") for name in names] or [[""] * table.num_rows]
        return {**compared, JOINT: [" ".join(row) for row in zip(*texts, strict=True)]}

    @property
    def feature_names(self) -> list[str]:
        """The name of each feature of a pair."""
        missing = ("one missing", "both missing")
        return [
            f"{column}: {name}"
            for column, kind in self.kinds.items()
            for name in (*COMPARERS[kind].names, *missing)
        ] + list(OF_BEST)

    @property
    def num_node_features(self) -> int:
        """F, features per record."""
        return len(self.kinds)

    def encode(self, table: Table) -> EncodedTable:
        """Prepare the records of a table.

        Raises:
            ValueError: if a column is not there.
        """
        cells, comparers = self._cells(table), self._comparers()
        keys = [np.array(table.texts(name, "keys"), dtype=object) for name in self.keys]
        columns = {name: comparers[name].encode(cells[name]) for name in comparers}
        return EncodedTable(columns, keys)

    def pair_features(self, table: EncodedTable, pairs: np.ndarray) -> np.ndarray:
        """Return features [M, D] of pairs of rows [2, M]; they do not depend on the order of rows.

        The last two are the cosine of the joint texts over the largest of all pairs of either
        record.
        """
        parts = [
            compare_column(comparer, table.columns[name], pairs)
            for name, comparer in self._comparers().items()
        ]
        joint = table.columns[JOINT]
        characters = cosines(joint.vectors[0], pairs)
        best = np.zeros(joint.is_missing.size, dtype=np.float32)
        for side in pairs:
            np.maximum.at(best, side, characters)
        of_best = characters / np.maximum(best[pairs], 1e-6)
        parts.append(np.stack([of_best.max(axis=0), of_best.min(axis=0)], axis=1))
        return np.concatenate(parts, axis=1)

    def graph(self, table: EncodedTable) -> Data:
        """Return the graph of the records of one block.

        Returns:
            ``x`` [N, F]: 1, and which cells are missing; ``edge_index`` [2, M], the smaller row
            first; ``edge_attr`` [M, D], scaled; ``block_records`` [1], N.
        """
        pairs = candidate_pairs(
            [table.columns[name].vectors[0] for name in (JOINT, *self.search)],
            table.keys,
            self.neighbours,
            self.max_frequency,
            table.columns[JOINT].values,
        )
        missing = [table.columns[name].is_missing for name in self.compared]
        x = np.stack([np.ones_like(table.columns[JOINT].is_missing), *missing], axis=1)
        features = torch.from_numpy(self.pair_features(table, pairs))
        return Data(
            x=torch.from_numpy(x.astype(np.float32)),
            edge_index=torch.from_numpy(pairs),
            edge_attr=features.sub_(self.mean).div_(self.deviation),
            block_records=torch.tensor([x.shape[0]]),
        )


def _expect_scales(encoder: nn.Module, _: object) -> None:
    """Refuse loaded scales by which nothing can be divided."""
    assert isinstance(encoder, RecordEncoder)
    numbers = [c for c, kind in enumerate(encoder.kinds.values()) if kind in ("number", "date")]
    for name in ("deviation", *(f"learnt_{column}_0" for column in numbers)):
        smallest = float(encoder.get_buffer(name).min())
        if smallest <= 0:
            raise ValueError(f"Expected {name!r} to be above 0 (got {smallest})")
