"""Blocks of records: only records of one block can be one entity."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from pyg_grapheme.records.table import Table


def split_blocks(table: Table, names: Sequence[str]) -> list[np.ndarray]:
    """Return the rows of each block, the block of the first row first.

    Args:
        table: The records.
        names: Columns; records are in one block if they agree in all of them, up to case. Records
            without a value agree with each other. Without columns there is one block.

    Raises:
        ValueError: if a column is not there.
    """
    if not names:
        return [np.arange(table.num_rows)]
    columns = [table.texts(name, "block") for name in names]
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, key in enumerate(zip(*columns, strict=True)):
        rows[tuple(text.strip().lower() for text in key)].append(row)
    return [np.array(block) for block in rows.values()]
