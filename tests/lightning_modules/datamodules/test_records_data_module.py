"""Tables of records whose clusters are known in part."""

from pathlib import Path

import numpy as np
import pytest

from lightning_modules import RecordsDataModule

NUM_ENTITIES = 12


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Three records of each of twelve people."""
    lines = [f"r{row},p{row // 3},name {row // 3} {'xyz'[row % 3]}" for row in range(36)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["id,person,name", *lines]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def known(tmp_path: Path) -> str:
    """The people of the first 24 records, in another order, one of them twice."""
    path = tmp_path / "known.csv"
    lines = [f"p{row // 3},r{row}" for row in [5, *reversed(range(24))]]
    path.write_text("\n".join(["person,id", *lines]) + "\n", encoding="utf-8")
    return str(path)


def same(y: np.ndarray) -> np.ndarray:
    """Return which pairs of records have one label."""
    return (y[:, None] == y) & (y[:, None] >= 0)


def test_known_ids_may_be_in_a_file_of_their_own(table: str, known: str) -> None:
    data = RecordsDataModule(table, cluster="person", labels=known, id="id")
    assert np.array_equal(
        same(data.known), same(np.where(np.arange(36) < 24, np.arange(36) // 3, -1))
    )
    # The column of the table that has the name of the labels is no feature.
    assert set(data.encoder["kinds"]) == {"name"}
    y = np.full(36, -1)
    for name in ("train", "val", "test"):
        (graph,) = data.splits[name]
        y[graph.row[graph.counted]] = graph.y[graph.counted]
    assert np.array_equal(y, data.known)


def test_known_ids_may_be_a_column_or_pairs(table: str, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    lines = [f"{3 * e},{3 * e + other}" for e in range(NUM_ENTITIES) for other in (1, 2)]
    pairs.write_text("\n".join(["a,b", *lines]) + "\n", encoding="utf-8")
    expected = same(np.arange(36) // 3)
    assert np.array_equal(same(RecordsDataModule(table, cluster="person").known), expected)
    assert np.array_equal(same(RecordsDataModule(table, labels=str(pairs)).known), expected)


def test_splits_need_known_ids_that_can_be_found(table: str, known: str) -> None:
    with pytest.raises(ValueError, match=r"Expected 'cluster', 'labels' or both \(got neither\)"):
        RecordsDataModule(table)
    with pytest.raises(ValueError, match="Expected 'id' to name the column of ids of records"):
        RecordsDataModule(table, cluster="person", labels=known)
    Path(known).write_text("id,person\nr1,p0\nr1,p1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"known\.csv, record 2: expected one entity for 'r1'"):
        _ = RecordsDataModule(table, cluster="person", labels=known, id="id").splits


def test_blocks_may_be_of_one_record(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    cities = ["Rome", "Oslo", "Oslo", "Lima", "Bern", "Bern"]
    lines = [f"p{row % 5},name {row},{city}" for row, city in enumerate(cities)]
    path.write_text("\n".join(["person,name,city", *lines]) + "\n", encoding="utf-8")
    data = RecordsDataModule(
        str(path), cluster="person", block=["city"], split="blocks", val_share=0.2
    )
    graphs = [graph for split in data.splits.values() for graph in split]
    assert sorted(graph.row.tolist() for graph in graphs) == [[0], [1, 2], [3], [4, 5]]
    for graph in graphs:
        assert graph.y.shape == graph.counted.shape == graph.row.shape
        assert graph.y.tolist() == data.known[graph.row.tolist()].tolist()
