"""Constraints on the clusters of a table, from the options of ``predict``."""

from argparse import Namespace
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lightning_modules.datamodules.data_files import find_file
from pyg_grapheme.nn.pool.clustering.merge_constraints import (
    ConstraintError,
    MergeConstraints,
    check_constraints,
)
from pyg_grapheme.options import expect_count
from pyg_grapheme.records.labels import column_labels, read_pairs
from pyg_grapheme.records.table import Table, read_table

CONTRADICTIONS = {
    "apart": "expected pairs of different entities to be of records that no pairs link",
    "max_size": "expected pairs of one entity to link at most '--max_size' records",
    "source": "expected pairs of one entity to link no two records of one '--source'",
}
"""What is wrong if pairs of one entity contradict another constraint."""


def read_constraints(
    table: Table, options: Namespace, rows: dict[str, int], source_column: str | None
) -> MergeConstraints:
    """Return the constraints on the rows of the table."""
    together = apart = source = None
    if options.pairs is not None:
        known, is_same = read_pairs(read_table(find_file(options.pairs, "--pairs")), rows)
        together, apart = (torch.from_numpy(known[:, kept]) for kept in (is_same, ~is_same))
    if source_column is not None:
        source = torch.from_numpy(column_labels(table, source_column, "--source"))
    size = options.max_size
    max_size = None if size is None else expect_count("--max_size", size)
    return MergeConstraints(together, apart, max_size, source)


def expect_consistent(
    constraints: MergeConstraints, blocks: Sequence[np.ndarray], ids: Sequence[str], pairs: str
) -> None:
    """Refuse constraints that no clusters keep to, which takes a file of pairs; names it."""
    try:
        check_constraints(constraints, len(ids), torch.device("cpu"))
    except ConstraintError as error:
        known = ", ".join(repr(ids[node]) for node in error.nodes[:5])
        more = ", ..." if len(error.nodes) > 5 else ""
        reason = CONTRADICTIONS[error.constraint]
        raise ValueError(f"{pairs}: {reason} (got {known}{more})") from error
    if constraints.together is None:
        return
    block = np.empty(len(ids), dtype=np.int64)
    for number, rows in enumerate(blocks):
        block[rows] = number
    left, right = constraints.together.numpy()
    wrong = np.flatnonzero(block[left] != block[right])
    if wrong.size:
        a, b = ids[left[wrong[0]]], ids[right[wrong[0]]]
        raise ValueError(
            f"{pairs}: expected pairs of one entity to be in one block (got {a!r} and {b!r})"
        )


def constraints_of_rows(
    constraints: MergeConstraints, rows: np.ndarray, num_rows: int
) -> MergeConstraints:
    """Return the constraints on some of the rows, which are numbered from 0."""
    together, apart, max_size, source = constraints
    number = torch.full((num_rows,), -1)
    number[rows] = torch.arange(rows.size)

    def numbered(pairs: Tensor | None) -> Tensor | None:
        if pairs is None:
            return None
        pairs = number[pairs]
        return pairs[:, (pairs >= 0).all(dim=0)]

    return MergeConstraints(
        numbered(together), numbered(apart), max_size, None if source is None else source[rows]
    )
