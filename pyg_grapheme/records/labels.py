"""Known clusters of records: ids of entities, or pairs that are one entity or are not."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pyg_grapheme.records.table import Table, is_missing

SAME, APART = ("1", "true", "yes", "same"), ("0", "false", "no", "different")


def column_labels(table: Table, name: str, option: str = "cluster") -> np.ndarray:
    """Return a label [n] for each record from a column of ids; -1 where the id is missing.

    Raises:
        ValueError: if there is no such column, or it has no id.
    """
    ids: dict[str, int] = {}
    cells = table.texts(name, option)
    y = np.array([-1 if is_missing(cell) else ids.setdefault(cell, len(ids)) for cell in cells])
    if not ids:
        raise ValueError(f"{table.name}: expected ids in the column {name!r} (got none)")
    return y


def row_of_id(table: Table, name: str | None) -> dict[str, int]:
    """Return the row of each id; without a column of ids, they are the numbers of rows, from 0.

    Raises:
        ValueError: if there is no such column, an id is missing, occurs twice or has line breaks.
    """
    if name is None:
        return {str(row): row for row in range(table.num_rows)}
    rows: dict[str, int] = {}
    for row, id_ in enumerate(table.texts(name, "id")):
        if is_missing(id_) or id_ in rows:
            got = "none" if is_missing(id_) else f"{id_!r} also for record {rows[id_] + 1}"
            raise ValueError(
                f"{table.name}, record {row + 1}: expected an id of its own in {name!r} (got {got})"
            )
        if "\n" in id_ or "\r" in id_:
            raise ValueError(
                f"{table.name}, record {row + 1}: expected an id of one line in {name!r} "
                f"(got {id_!r})"
            )
        rows[id_] = row
    return rows


def read_pairs(known: Table, rows: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return known pairs of rows [2, K], and whether each is one entity [K].

    Args:
        known: Two columns of ids, and maybe a third one: "1", "true", "yes" or "same" if the pair
            is one entity, "0", "false", "no" or "different" if it is not. Without it all are.
        rows: The row of each id.

    Raises:
        ValueError: if a line is not as described; names it.
    """
    columns = [known.texts(name, "") for name in known.columns]
    if not 2 <= len(columns) <= 3:
        raise ValueError(
            f"{known.name}: expected two columns of ids, and maybe one that says whether they are "
            f"one entity (got {len(columns)} columns)"
        )
    pairs, is_same = [], []
    for number, cells in enumerate(zip(*columns, strict=True), 1):
        for id_ in cells[:2]:
            if id_ not in rows:
                raise ValueError(
                    f"{known.name}, pair {number}: expected the id of a record (got {id_!r})"
                )
        answer = cells[2].strip().lower() if len(cells) == 3 else SAME[0]
        if answer not in SAME + APART:
            allowed = ", ".join(SAME + APART)
            raise ValueError(
                f"{known.name}, pair {number}: expected one of {allowed} (got {cells[2]!r})"
            )
        pairs.append([rows[id_] for id_ in cells[:2]])
        is_same.append(answer in SAME)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T, np.array(is_same, dtype=bool)


def pair_labels(known: Table, rows: Mapping[str, int]) -> np.ndarray:
    """Return a label [n] for each record that known pairs name, -1 for the others.

    Records that are linked by pairs of one entity have one label; all other records that a pair
    names have labels of their own. So the pairs have to be all that there are among these records.

    Raises:
        ValueError: as for :func:`read_pairs`, or if a pair that is not one entity is linked by
            pairs that are.
    """
    pairs, is_same = read_pairs(known, rows)
    left, right = pairs[:, is_same]
    links = coo_matrix((np.ones(left.size), (left, right)), shape=(len(rows), len(rows)))
    label = connected_components(links, directed=False)[1]
    wrong = np.flatnonzero(~is_same & (label[pairs[0]] == label[pairs[1]]))
    if wrong.size:
        a, b = (known.texts(name, "")[wrong[0]] for name in list(known.columns)[:2])
        raise ValueError(
            f"{known.name}, pair {wrong[0] + 1}: expected {a!r} and {b!r} to be one entity, as "
            "other pairs link them (got different ones)"
        )
    y = np.full(len(rows), -1)
    y[pairs] = label[pairs]
    return y


def entity_labels(known: Table, rows: Mapping[str, int], id: str, cluster: str) -> np.ndarray:
    """Return a label [n] for each record from another table of ids; -1 for the others.

    Args:
        known: A column of ids of records and one of ids of entities, maybe missing, for some of
            the records.
        rows: The row of each record's id.
        id: The first column.
        cluster: The second one.

    Raises:
        ValueError: if there is no such column, no entity, an id that is no record's, or a record
            has two entities.
    """
    y = np.full(len(rows), -1)
    first: dict[str, int] = {}
    cells = zip(known.texts(id, "id"), column_labels(known, cluster).tolist(), strict=True)
    for number, (id_, label) in enumerate(cells, 1):
        if id_ not in rows:
            raise ValueError(
                f"{known.name}, record {number}: expected the id of a record in {id!r} "
                f"(got {id_!r})"
            )
        if label >= 0:
            if label != y[rows[id_]] >= 0:
                raise ValueError(
                    f"{known.name}, record {number}: expected one entity for {id_!r} (got another "
                    f"one in record {first[id_]})"
                )
            y[rows[id_]] = label
            first.setdefault(id_, number)
    return y


def split_entities(
    y: np.ndarray, blocks: Sequence[np.ndarray], by_block: bool, shares: Sequence[float], seed: int
) -> np.ndarray:
    """Assign each labelled record to a split: [n], -1 for records without a label.

    A group is an entity or a block. The groups come in a random order; each goes to the split that
    misses most records, or to one that is still empty if no more groups are left than such splits.

    Args:
        y: [n], labels; -1 for records without.
        blocks: The rows of each block.
        by_block: All records of a block are in one split; else all records of a label are.
        shares: Shares of the labelled records for all splits but the first, which has the rest.
        seed: Of the draw.

    Returns:
        Numbers of splits, from 0. If no split is filled for being empty, each has its share of the
        records, give or take less than the largest group.

    Raises:
        ValueError: if there are fewer labels or blocks than splits, or the shares leave nothing.

    Cost: O(groups * splits + n log n) time.
    """
    if sum(shares) >= 1:
        raise ValueError(f"Expected the shares of splits to be below 1 in sum (got {sum(shares)})")
    known, group = y >= 0, y.copy()
    if by_block:
        for number, rows in enumerate(blocks):
            group[rows] = number
    _, index, sizes = np.unique(group[known], return_inverse=True, return_counts=True)
    if sizes.size <= len(shares):
        what = "blocks" if by_block else "known entities"
        raise ValueError(f"Expected more than {len(shares)} {what} to split (got {sizes.size})")
    split = np.full(y.size, -1)
    split[known] = _fill([1 - sum(shares), *shares], sizes, seed)[index]
    return split


def _fill(shares: Sequence[float], sizes: np.ndarray, seed: int) -> np.ndarray:
    """Return the split of each group of these sizes, drawn in a random order."""
    missing, is_empty = sizes.sum() * np.array(shares), np.ones(len(shares), dtype=bool)
    split = np.empty(sizes.size, dtype=np.int64)
    order = np.random.default_rng(seed).permutation(sizes.size)
    for left, group in zip(range(sizes.size, 0, -1), order, strict=True):
        may_take = is_empty if left <= is_empty.sum() else True
        chosen = np.where(may_take, missing, -np.inf).argmax()
        split[group], is_empty[chosen] = chosen, False
        missing[chosen] -= sizes[group]
    return split
