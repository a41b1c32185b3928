"""TF-IDF of texts, and the pairs that are near in it."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize
from tqdm import tqdm

from pyg_grapheme.records.table import Value

Analyzer: TypeAlias = Literal["characters", "words", "items"]
"""What is counted: runs of three characters, words, or the items of lists."""

BUCKETS = 2**16
"""Hashed terms: two of them rarely share a bucket, and no vocabulary has to be kept."""

BLOCK = 512
"""Rows that are compared with all others at a time."""


def progress(steps: range, name: str) -> "tqdm[int]":
    """Show how far a loop is, if it takes more than a second and the output is a terminal."""
    return tqdm(steps, name, leave=False, delay=1, disable=None)


def count_terms(cells: Sequence[Value], analyzer: Analyzer) -> sparse.csr_matrix:
    """Return how often each hashed term occurs in each cell, [n, BUCKETS], dampened by 1 + log."""
    analyzers: dict[Analyzer, dict[str, Any]] = {
        "characters": {"analyzer": "char_wb", "ngram_range": (3, 3)},
        "words": {"analyzer": "word", "token_pattern": r"(?u)\w+"},
        "items": {"analyzer": _items},
    }
    vectorizer = HashingVectorizer(
        n_features=BUCKETS, norm=None, alternate_sign=False, dtype=np.float32, **analyzers[analyzer]
    )
    counts = vectorizer.transform(cells).tocsr()
    counts.data = 1 + np.log(counts.data)
    return counts


def _items(cell: Value) -> Sequence[str]:
    return cell if isinstance(cell, tuple) else (cell,) if cell else ()


def inverse_frequency(counts: sparse.csr_matrix) -> np.ndarray:
    """Return 1 + log((n + 1) / (f + 1)) for each term, f of n cells having it: [BUCKETS]."""
    number, frequency = counts.shape[0], np.bincount(counts.indices, minlength=BUCKETS)
    idf: np.ndarray = 1 + np.log((number + 1) / (frequency + 1))
    return idf.astype(np.float32)


def weigh(counts: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    """Return unit vectors [n, BUCKETS] of counts times inverse frequencies."""
    weighted = counts.multiply(idf[None]).tocsr()
    return normalize(weighted, copy=False)


def cosines(vectors: sparse.csr_matrix, pairs: np.ndarray) -> np.ndarray:
    """Return the cosine [M] of the two unit vectors of each pair [2, M]."""
    found = np.empty(pairs.shape[1], dtype=np.float32)
    for start in range(0, found.size, 100_000):
        left, right = pairs[:, start : start + 100_000]
        product = vectors[left].multiply(vectors[right]).sum(axis=1)
        found[start : start + 100_000] = np.asarray(product).ravel()
    return found


def nearest_pairs(vectors: sparse.csr_matrix, count: int, max_frequency: int) -> np.ndarray:
    """Return the pairs of each row and its nearest rows by cosine.

    Terms of more than ``max_frequency`` rows do not help to find neighbours: that bounds the time.

    Args:
        vectors: [n, terms], unit vectors.
        count: Neighbours per row, at most; rows of cosine 0 are none.
        max_frequency: Rows that a term may be in.

    Returns:
        [2, M], distinct, the smaller row first, sorted.

    Cost: O(n * terms per row * max_frequency) time, O(M) memory.
    """
    frequency = np.bincount(vectors.indices, minlength=vectors.shape[1])
    kept = vectors.copy()
    kept.data[frequency[kept.indices] > max_frequency] = 0
    kept.eliminate_zeros()
    transposed = kept.T.tocsr()
    keys = [
        _keys(kept[start : start + BLOCK] @ transposed, start, count)
        for start in progress(range(0, kept.shape[0], BLOCK), "candidates")
    ]
    number = kept.shape[0]
    key = np.unique(np.concatenate(keys)) if keys else np.empty(0, dtype=np.int64)
    return np.stack([key // number, key % number])


def _keys(products: sparse.csr_matrix, start: int, count: int) -> np.ndarray:
    """Return ``smaller * n + larger`` for the pairs of the largest products of each row."""
    number = products.shape[1]
    found = list(_largest(products, start, count))
    row = np.repeat(np.arange(start, start + len(found)), [len(columns) for columns in found])
    column = np.concatenate(found) if found else row
    key: np.ndarray = np.minimum(row, column).astype(np.int64) * number + np.maximum(row, column)
    return key


def _largest(products: sparse.csr_matrix, start: int, count: int) -> Iterator[np.ndarray]:
    """Yield the columns of the largest values of each row, but for the diagonal."""
    for row, (first, last) in enumerate(zip(products.indptr, products.indptr[1:], strict=False)):
        columns, values = products.indices[first:last], products.data[first:last]
        others = columns != start + row
        columns, values = columns[others], values[others]
        if columns.size > count:
            columns = columns[np.argpartition(-values, count - 1)[:count]]
        yield columns
