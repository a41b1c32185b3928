"""Pairs of records that may be one entity."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import sparse

from pyg_grapheme.records.table import is_missing
from pyg_grapheme.records.tfidf import nearest_pairs


def candidate_pairs(
    vectors: Sequence[sparse.csr_matrix],
    keys: Sequence[np.ndarray],
    neighbours: int,
    max_frequency: int,
    texts: np.ndarray,
) -> np.ndarray:
    """Return the candidate pairs of one block of n records.

    Args:
        vectors: Matrices [n, terms] of unit vectors; the nearest rows of each are candidates.
        keys: Columns [n]; records of one value are candidates, unless it is missing, or that of
            more than ``max_frequency`` records.
        neighbours: Nearest rows per row and matrix.
        max_frequency: Terms of more records do not help to find neighbours.
        texts: [n]; records of equal texts are candidates in a row, however many there are.

    Returns:
        [2, M], distinct, the smaller row first, sorted.
    """
    parts = [nearest_pairs(matrix, neighbours, max_frequency) for matrix in vectors]
    parts += [equal_pairs(cells, max_frequency) for cells in keys]
    parts.append(equal_in_a_row(texts))
    pairs = np.unique(np.concatenate(parts, axis=1), axis=1)
    return pairs.astype(np.int64)


def equal_pairs(cells: np.ndarray, max_size: int) -> np.ndarray:
    """Return the pairs [2, M] of rows [n] of one value that at most ``max_size`` rows have."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, cell in enumerate(cells):
        if not is_missing(cell):
            rows[cell.strip().lower()].append(row)
    pairs = [
        pair for group in rows.values() if len(group) <= max_size for pair in combinations(group, 2)
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


def equal_in_a_row(texts: np.ndarray) -> np.ndarray:
    """Return the pairs [2, M] of each row [n] and the next one of the same text, not empty."""
    last: dict[str, int] = {}
    pairs = []
    for row, text in enumerate(texts):
        if text:
            if text in last:
                pairs.append((last[text], row))
            last[text] = row
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


def candidate_recall(pairs: np.ndarray, y: np.ndarray) -> tuple[int, int]:
    """Return how many pairs of one label are candidates, and how many there are.

    Args:
        pairs: [2, M].
        y: [n], -1 for records without a label.
    """
    left, right = y[pairs]
    sizes = np.unique(y[y >= 0], return_counts=True)[1]
    return int(((left == right) & (left >= 0)).sum()), int((sizes * (sizes - 1) // 2).sum())
