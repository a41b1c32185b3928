"""Known clusters, and their split."""

import networkx as nx
import numpy as np
import pytest

from pyg_grapheme.records.labels import (
    column_labels,
    entity_labels,
    pair_labels,
    row_of_id,
    split_entities,
)
from pyg_grapheme.records.table import Table

ROWS = {f"r{row}": row for row in range(40)}


def known(pairs: list[tuple[str, ...]]) -> Table:
    names = ("left", "right", "same")[: len(pairs[0])]
    return Table(
        dict(zip(names, map(list, zip(*pairs, strict=True)), strict=True)), len(pairs), "k.csv"
    )


def test_labels_of_pairs_are_connected_components() -> None:
    rng = np.random.default_rng(0)
    pairs = [tuple(f"r{row}" for row in rng.integers(0, 40, 2)) for _ in range(15)]
    y = pair_labels(known(pairs), ROWS)
    graph = nx.Graph(pairs)
    components = [{ROWS[id_] for id_ in part} for part in nx.connected_components(graph)]
    found = [set(np.flatnonzero(y == label).tolist()) for label in np.unique(y[y >= 0])]
    assert sorted(map(sorted, found)) == sorted(map(sorted, components))


def test_pairs_that_are_not_one_entity_label_records() -> None:
    y = pair_labels(known([("r0", "r1", "yes"), ("r1", "r2", "no"), ("r3", "r3", "same")]), ROWS)
    assert y[0] == y[1] != y[2] >= 0
    assert y[3] >= 0
    assert (y[4:] == -1).all()


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("r0", "x")], r"k\.csv, pair 1: expected the id of a record \(got 'x'\)"),
        ([("r0", "r1", "maybe")], "pair 1: expected one of 1, true, yes, same"),
        (
            [("r0", "r1", "1"), ("r1", "r2", "1"), ("r2", "r0", "0")],
            "pair 3: expected 'r2' and 'r0' to be one entity, as other pairs link them",
        ),
        ([("r0",)], r"expected two columns of ids.*\(got 1 columns\)"),
    ],
)
def test_bad_pairs_are_named(pairs: list[tuple[str, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pair_labels(known(pairs), ROWS)


def test_ids_are_distinct_and_present() -> None:
    table = Table({"id": ["a", "b", "a"], "gap": ["a", "", "b"], "y": ["", "p", "q"]}, 3, "t.csv")
    assert row_of_id(table, None) == {"0": 0, "1": 1, "2": 2}
    with pytest.raises(ValueError, match=r"t\.csv, record 3: .* \(got 'a' also for record 1\)"):
        row_of_id(table, "id")
    with pytest.raises(ValueError, match=r"record 2: .* \(got none\)"):
        row_of_id(table, "gap")
    assert column_labels(table, "y").tolist() == [-1, 0, 1]
    with pytest.raises(ValueError, match=r"t\.csv: expected 'cluster' to be the name of a column:"):
        column_labels(table, "z")
    with pytest.raises(ValueError, match="expected ids in the column 'y'"):
        column_labels(Table({"y": ["", ""]}, 2), "y")


def entities(**columns: str) -> Table:
    cells = {name: text.split(",") for name, text in columns.items()}
    return Table(cells, len(next(iter(cells.values()))), "known.csv")


def test_labels_of_another_table_are_those_of_its_ids() -> None:
    given = entities(who="r3,r0,r7,r3,r5,r0", person="b,a,b,b,,")
    y = entity_labels(given, ROWS, "who", "person")
    assert y[3] == y[7] != y[0]
    assert np.flatnonzero(y >= 0).tolist() == [0, 3, 7]
    assert set(y[y < 0].tolist()) == {-1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            entities(who="r3,r0,r3", person="b,a,c"),
            r"known\.csv, record 3: expected one entity for 'r3' \(got another one in record 1\)",
        ),
        (
            entities(who="r3,r40", person="b,"),
            r"known\.csv, record 2: expected the id of a record in 'who' \(got 'r40'\)",
        ),
        (entities(who="r3", person=""), r"known\.csv: expected ids in the column 'person'"),
        (
            entities(id="r3", person="a"),
            r"expected 'id' to be the name of a column: 'id', 'person'",
        ),
        (
            entities(who="r3", y="a"),
            r"expected 'cluster' to be the name of a column: 'who', 'y'",
        ),
    ],
)
def test_bad_ids_of_entities_are_named(given: Table, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        entity_labels(given, ROWS, "who", "person")


@pytest.mark.parametrize("by_block", [False, True])
def test_no_entity_or_block_is_in_two_splits(by_block: bool) -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(-1, 20, 200)
    blocks = np.split(rng.permutation(200), 10)
    split = split_entities(y, blocks, by_block, [0.1, 0.3], seed=3)
    assert ((split == -1) == (y == -1)).all()
    groups = [split[rows][y[rows] >= 0] for rows in blocks]
    if not by_block:
        groups = [split[y == label] for label in range(20)]
    numbers = [np.unique(group) for group in groups if group.size]
    assert all(number.size == 1 for number in numbers)
    again = split_entities(y, blocks, by_block, [0.1, 0.3], seed=4)
    assert not np.array_equal(split, again)


@pytest.mark.parametrize("by_block", [False, True])
def test_splits_have_their_share_of_the_records(by_block: bool) -> None:
    rng = np.random.default_rng(2)
    for seed in range(30):
        sizes = np.round(rng.lognormal(2, 2, 80)).astype(int) + 1
        group = rng.permutation(np.repeat(np.arange(80), sizes))
        blocks = [np.flatnonzero(group == number) for number in range(80)]
        y = rng.integers(0, 500, group.size) if by_block else group
        y = np.where(rng.random(group.size) < 0.2, -1, y)
        split = split_entities(y, blocks, by_block, [0.2, 0.3], seed)
        largest = np.bincount(group[y >= 0]).max()
        for number, share in enumerate([0.5, 0.2, 0.3]):
            assert abs((split == number).sum() - share * (y >= 0).sum()) <= largest


def test_no_split_is_empty() -> None:
    """Not even where one group has more records than there are for two splits."""
    for seed in range(30):
        y = np.repeat([5, 2, 9, 3], [1000, 2, 1, 1])
        split = split_entities(y, [np.arange(y.size)], False, [0.1, 0.1, 0.1], seed)
        assert sorted(np.unique(split[y == label]).item() for label in (2, 3, 5, 9)) == [0, 1, 2, 3]


def test_the_split_of_a_small_table_written_out() -> None:
    sizes = [4, 3, 2, 1, 6]
    y = np.repeat(np.arange(5), sizes)
    for seed in range(10):
        missing, place = [8.0, 4.8, 3.2], {}
        for step, label in enumerate(np.random.default_rng(seed).permutation(5).tolist()):
            open_splits = [k for k in range(3) if k not in place.values()]
            if 5 - step > len(open_splits):
                open_splits = [0, 1, 2]
            place[label] = max(open_splits, key=lambda k: missing[k])
            missing[place[label]] -= sizes[label]
        split = split_entities(y, [np.arange(16)], False, [0.3, 0.2], seed)
        assert split.tolist() == [place[label] for label in y]


def test_splits_that_can_not_be() -> None:
    blocks = [np.arange(2), np.arange(2, 3)]
    y = np.array([0, 0, 1])
    for by_block, what in ((False, "known entities"), (True, "blocks")):
        with pytest.raises(ValueError, match=rf"Expected more than 2 {what} to split \(got 2\)"):
            split_entities(y, blocks, by_block, [0.1, 0.1], 0)
    with pytest.raises(ValueError, match=r"to be below 1 in sum \(got 1.2\)"):
        split_entities(y, blocks, False, [0.5, 0.7], 0)
