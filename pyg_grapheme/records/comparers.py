"""How two cells of a column are compared: a few numbers per pair of records."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Protocol, Self

import numpy as np
from rapidfuzz import fuzz, process, utils
from rapidfuzz.distance import JaroWinkler
from scipy import sparse

from pyg_grapheme.records.columns import ColumnKind, to_days, to_numbers
from pyg_grapheme.records.table import Value, is_missing
from pyg_grapheme.records.tfidf import (
    BUCKETS,
    cosines,
    count_terms,
    inverse_frequency,
    progress,
    weigh,
)

CHUNK = 200_000
"""Pairs whose texts are compared at a time."""


class EncodedColumn(NamedTuple):
    """The cells of a column, ready to be compared.

    Attributes:
        vectors: TF-IDF vectors [n, terms], one matrix per analyzer.
        values: Texts, lists or numbers [n].
        is_missing: [n].
    """

    vectors: tuple[sparse.csr_matrix, ...]
    values: np.ndarray
    is_missing: np.ndarray

    def rows(self, index: np.ndarray) -> "EncodedColumn":
        """Return some of the cells."""
        vectors = tuple(matrix[index] for matrix in self.vectors)
        return EncodedColumn(vectors, self.values[index], self.is_missing[index])


class Comparer(Protocol):
    """Compares the cells of a column; what it learnt from a table are the arrays ``learnt``."""

    names: ClassVar[tuple[str, ...]]
    """What each number of a pair is."""

    sizes: ClassVar[tuple[int, ...]]
    """Sizes of the arrays that are learnt."""

    @property
    def learnt(self) -> tuple[np.ndarray, ...]:
        """The arrays."""
        ...

    def encode(self, cells: Sequence[Value]) -> EncodedColumn:
        """Prepare the cells of a table."""
        ...

    def compare(self, column: EncodedColumn, pairs: np.ndarray) -> np.ndarray:
        """Return numbers [M, len(names)] of pairs of rows [2, M]; 0 where a cell is missing."""
        ...


class TextComparer:
    """Compares texts by TF-IDF of three characters and of words, and by edits.

    Args:
        learnt: Inverse frequencies of both.
    """

    names: ClassVar[tuple[str, ...]] = (
        "characters", "words", "edits", "token set", "Jaro-Winkler", "equal",
    )  # fmt: skip
    sizes: ClassVar[tuple[int, ...]] = (BUCKETS, BUCKETS)

    def __init__(self, learnt: tuple[np.ndarray, ...]) -> None:
        self.learnt = learnt

    @classmethod
    def fit(cls, cells: Sequence[Value]) -> Self:
        """Learn how frequent terms are."""
        texts = _normal_texts(cells)
        return cls(
            (
                inverse_frequency(count_terms(texts, "characters")),
                inverse_frequency(count_terms(texts, "words")),
            )
        )

    def encode(self, cells: Sequence[Value]) -> EncodedColumn:
        """Prepare the cells of a table: lower case, without punctuation."""
        texts = _normal_texts(cells)
        vectors = (
            weigh(count_terms(texts, "characters"), self.learnt[0]),
            weigh(count_terms(texts, "words"), self.learnt[1]),
        )
        values = np.array(texts, dtype=object)
        return EncodedColumn(vectors, values, values == "")

    def compare(self, column: EncodedColumn, pairs: np.ndarray) -> np.ndarray:
        """Return numbers in [0, 1], 1 for equal texts."""
        left, right = (column.values[side] for side in pairs)
        found = [
            *(cosines(vectors, pairs) for vectors in column.vectors),
            process.cpdist(left, right, scorer=fuzz.ratio, dtype=np.float32) / 100,
            process.cpdist(left, right, scorer=fuzz.token_set_ratio, dtype=np.float32) / 100,
            process.cpdist(left, right, scorer=JaroWinkler.normalized_similarity, dtype=np.float32),
            (left == right).astype(np.float32),
        ]
        return np.stack(found, axis=1)


class ListComparer:
    """Compares lists, such as the authors of a paper, by the items that they share.

    Args:
        learnt: Inverse frequencies of the items.
    """

    names: ClassVar[tuple[str, ...]] = ("items", "shared", "share")
    sizes: ClassVar[tuple[int, ...]] = (BUCKETS,)

    def __init__(self, learnt: tuple[np.ndarray, ...]) -> None:
        self.learnt = learnt

    @classmethod
    def fit(cls, cells: Sequence[Value]) -> Self:
        """Learn how frequent items are."""
        return cls((inverse_frequency(count_terms(cells, "items")),))

    def encode(self, cells: Sequence[Value]) -> EncodedColumn:
        """Prepare the cells of a table."""
        counts = count_terms(cells, "items")
        present = counts.sign()
        missing = np.array([is_missing(cell) for cell in cells])
        return EncodedColumn((weigh(counts, self.learnt[0]), present), missing, missing)

    def compare(self, column: EncodedColumn, pairs: np.ndarray) -> np.ndarray:
        """Return the cosine, log(1 + items in both), and items in both over those in either."""
        weighted, present = column.vectors
        number = np.diff(present.indptr).astype(np.float32)
        shared = cosines(present, pairs)
        either = number[pairs].sum(axis=0) - shared
        share = shared / np.maximum(either, 1)
        return np.stack([cosines(weighted, pairs), np.log1p(shared), share], axis=1)


class NumberComparer:
    """Compares numbers by their difference.

    Args:
        learnt: The scale of differences, [1].
    """

    names: ClassVar[tuple[str, ...]] = ("near", "very near", "ratio", "equal")
    sizes: ClassVar[tuple[int, ...]] = (1,)

    def __init__(self, learnt: tuple[np.ndarray, ...]) -> None:
        self.learnt = learnt

    @classmethod
    def fit(cls, cells: Sequence[Value]) -> Self:
        """Take half of the range between the quartiles as scale."""
        numbers = cls._read(cells)
        low, high = np.nanquantile(numbers, [0.25, 0.75]) if np.isfinite(numbers).any() else (0, 0)
        # Half of each, lest the range overflow; kept as float32.
        scale = np.clip(high / 2 - low / 2, 1e-30, 1e30) if high > low else 1.0
        return cls((np.array([scale]),))

    @staticmethod
    def _read(cells: Sequence[Value]) -> np.ndarray:
        return to_numbers(cells)

    def encode(self, cells: Sequence[Value]) -> EncodedColumn:
        """Prepare the cells of a table; what is no number counts as missing."""
        numbers = self._read(cells)
        return EncodedColumn((), np.nan_to_num(numbers), np.isnan(numbers))

    def compare(self, column: EncodedColumn, pairs: np.ndarray) -> np.ndarray:
        """Return exp(-d / s), exp(-10 d / s), the smaller over the larger, and d = 0."""
        left, right = column.values[pairs]
        largest = np.maximum(np.abs(left), np.abs(right))
        with np.errstate(over="ignore"):  # An infinite difference is far as well.
            difference = np.abs(left - right)
            apart = difference / self.learnt[0]
            ratio = 1 - np.minimum(difference / np.where(largest > 0, largest, 1), 1)
        found = [np.exp(-apart), np.exp(-10 * apart), ratio, difference == 0]
        return np.stack(found, axis=1).astype(np.float32)


class DateComparer(NumberComparer):
    """Compares dates by the days between them."""

    @staticmethod
    def _read(cells: Sequence[Value]) -> np.ndarray:
        return to_days(cells)


COMPARERS: dict[ColumnKind, type[TextComparer] | type[ListComparer] | type[NumberComparer]] = {
    "text": TextComparer,
    "list": ListComparer,
    "number": NumberComparer,
    "date": DateComparer,
}
"""The comparer of each kind of column."""


def compare_column(comparer: Comparer, column: EncodedColumn, pairs: np.ndarray) -> np.ndarray:
    """Return all numbers of pairs [2, M] of one column: [M, len(names) + 2].

    The last two say that one cell is missing, and that both are.
    """
    parts = []
    for start in progress(range(0, max(1, pairs.shape[1]), CHUNK), "features"):
        chunk = pairs[:, start : start + CHUNK]
        left, right = column.is_missing[chunk]
        numbers = np.where((left | right)[:, None], 0, comparer.compare(column, chunk))
        parts.append(np.concatenate([numbers, np.stack([left ^ right, left & right], 1)], axis=1))
    return np.concatenate(parts).astype(np.float32)


def _normal_texts(cells: Sequence[Value]) -> list[str]:
    """Return texts in lower case, with single spaces instead of punctuation; "" if missing."""
    joined = (cell if isinstance(cell, str) else " ".join(cell) for cell in cells)
    return [
        "" if is_missing(text) else " ".join(utils.default_process(text).split()) or text.strip()
        for text in joined
    ]
