"""Features of pairs of records."""

import math

import numpy as np
import pytest
import torch

from pyg_grapheme.records.columns import ColumnKind
from pyg_grapheme.records.record_encoder import RecordEncoder
from pyg_grapheme.records.table import Table

KINDS: dict[str, ColumnKind] = {"name": "text", "tags": "list", "size": "number", "day": "date"}


def draw_table(seed: int = 0, count: int = 40) -> Table:
    rng = np.random.default_rng(seed)
    names = ["Ann Lee", "Anna Lee", "Bob Stone", "", "Straße 7", "李 明", "bob  STONE!"]
    days = ["2024-01-01", "2024-01-11", "", "soon", "2023-12-31"]
    columns = {
        "name": [str(rng.choice(names)) for _ in range(count)],
        "tags": [tuple(rng.choice(list("abcd"), rng.integers(0, 4))) for _ in range(count)],
        "size": [str(rng.choice(["1", "2.5", "-4", "", "x"])) for _ in range(count)],
        "day": [str(rng.choice(days)) for _ in range(count)],
    }
    return Table(columns, count, "t.csv")


@pytest.fixture
def table() -> Table:
    return draw_table()


@pytest.fixture
def encoder(table: Table) -> RecordEncoder:
    return RecordEncoder(KINDS, neighbours=4, search=["tags"]).fit(table)


def features(encoder: RecordEncoder, table: Table, pairs: np.ndarray) -> dict[str, np.ndarray]:
    found = encoder.pair_features(encoder.encode(table), pairs)
    assert found.dtype == np.float32
    return dict(zip(encoder.feature_names, found.T, strict=True))


def test_features_do_not_depend_on_the_order_of_a_pair(
    encoder: RecordEncoder, table: Table
) -> None:
    pairs = np.random.default_rng(1).integers(0, 40, (2, 200))
    encoded = encoder.encode(table)
    found = encoder.pair_features(encoded, pairs)
    assert np.array_equal(found, encoder.pair_features(encoded, pairs[::-1]))
    assert np.isfinite(found).all()


def test_features_are_what_their_names_say(encoder: RecordEncoder, table: Table) -> None:
    pairs = np.array([(i, j) for i in range(40) for j in range(i + 1, 40)]).T
    found = features(encoder, table, pairs)
    numbers = {"1": 1.0, "2.5": 2.5, "-4": -4.0}
    days = {"2024-01-01": 11, "2024-01-11": 21, "2023-12-31": 10}
    sizes = [numbers[cell] for cell in table.columns["size"] if cell in numbers]
    low, high = np.quantile(sizes, [0.25, 0.75])
    for at, (i, j) in enumerate(pairs.T):
        values = {name: column[at] for name, column in found.items()}
        a, b = (set(table.columns["tags"][k]) for k in (i, j))
        assert values["tags: shared"] == pytest.approx(math.log1p(len(a & b)), abs=1e-6)
        share = len(a & b) / len(a | b) if a and b else 0
        assert values["tags: share"] == pytest.approx(share, abs=1e-6)
        assert values["tags: one missing"] == ((not a) != (not b))
        assert values["tags: both missing"] == (not a and not b)
        p, q = (numbers.get(table.columns["size"][k]) for k in (i, j))
        known = p is not None and q is not None
        near = math.exp(-abs(p - q) / ((high - low) / 2)) if known else 0
        assert values["size: near"] == pytest.approx(near, abs=1e-6)
        assert values["size: equal"] == (known and p == q)
        p, q = (days.get(table.columns["day"][k]) for k in (i, j))
        known = p is not None and q is not None
        assert values["day: equal"] == (known and p == q)
        p, q = ("".join(c for c in table.columns["name"][k].lower() if c.isalnum()) for k in (i, j))
        assert values["name: equal"] == (p == q != "")
        if p == q != "":
            for name in ("characters", "words", "edits", "token set", "Jaro-Winkler"):
                assert values[f"name: {name}"] == pytest.approx(1, abs=1e-5)
        assert values["name: both missing"] == (p == q == "")


def test_best_pairs_have_a_share_of_one(encoder: RecordEncoder, table: Table) -> None:
    pairs = np.array([[0, 0, 1], [1, 2, 2]])
    encoded = encoder.encode(table)
    cosine = features(encoder, table, pairs)["all texts: characters"]
    best = [max(cosine[:2]), max(cosine[[0, 2]]), max(cosine[1:])]
    shares = [[cosine[k] / max(best[i], 1e-6) for i in pairs[:, k]] for k in range(3)]
    found = encoder.pair_features(encoded, pairs)[:, -2:]
    assert found == pytest.approx(np.array([[max(s), min(s)] for s in shares]), abs=1e-5)


def test_a_block_has_the_same_graph_alone(encoder: RecordEncoder, table: Table) -> None:
    rows = np.array([3, 5, 8, 13, 21, 34, 1])
    part = encoder.graph(encoder.encode(table).rows(rows))
    alone = encoder.graph(encoder.encode(table.rows(rows)))
    assert part.keys() == alone.keys()
    for name in part.keys():  # noqa: SIM118
        assert torch.equal(part[name], alone[name])
    low, high = part.edge_index
    assert (low < high).all()
    assert part.x.shape == (7, encoder.num_node_features)


def test_features_of_graphs_are_scaled(encoder: RecordEncoder, table: Table) -> None:
    encoded = encoder.encode(table)
    graph = encoder.graph(encoded)
    raw = encoder.pair_features(encoded, graph.edge_index.numpy())
    encoder.fit_scale([graph])
    deviation = raw.std(axis=0, ddof=1)
    expected = (raw - raw.mean(axis=0)) / np.where(deviation > 1e-6, deviation, 1)
    assert graph.edge_attr.numpy() == pytest.approx(expected, abs=1e-4)
    assert torch.equal(encoder.graph(encoded).edge_attr, graph.edge_attr)


def test_the_state_brings_all_that_was_learned(encoder: RecordEncoder, table: Table) -> None:
    other = RecordEncoder(KINDS, neighbours=4, search=["tags"])
    pairs = np.array([[0, 3], [9, 7]])
    expected = encoder.pair_features(encoder.encode(table), pairs)
    assert not np.array_equal(other.pair_features(other.encode(table), pairs), expected)
    other.load_state_dict(encoder.state_dict())
    assert np.array_equal(other.pair_features(other.encode(table), pairs), expected)


@pytest.mark.parametrize("name", ["deviation", "learnt_0_0"])
def test_scales_that_nothing_can_be_divided_by_are_refused(name: str) -> None:
    encoder = RecordEncoder({"year": "number"})
    state = encoder.state_dict()
    state[name] = torch.zeros_like(state[name])
    with pytest.raises(ValueError, match=rf"Expected '{name}' to be above 0 \(got 0\.0\)"):
        encoder.load_state_dict(state)


def test_blocks_of_one_record_and_tables_without_texts_have_graphs() -> None:
    table = Table({"size": ["1", "2", "x"]}, 3)
    encoder = RecordEncoder({"size": "number"}, keys=["size"]).fit(table)
    graph = encoder.graph(encoder.encode(table))
    assert graph.edge_index.shape == (2, 0)
    assert graph.edge_attr.shape == (0, len(encoder.feature_names))
    one = encoder.graph(encoder.encode(table.rows(np.array([2]))))
    assert one.x.tolist() == [[1, 1]]


def test_huge_and_nearly_equal_numbers_are_compared() -> None:
    for cells in (["-1e308", "1e308", "5e307", "3"], ["1", "1.0000000000000002", "1", "1e-300"]):
        table = Table({"size": cells}, 4)
        encoder = RecordEncoder({"size": "number"}).fit(table)
        assert all(value.isfinite().all() for value in encoder.state_dict().values())
        pairs = np.array([(0, 1), (0, 3), (1, 2)]).T
        found = features(encoder, table, pairs)
        assert all(np.isfinite(values).all() for values in found.values())
        assert found["size: equal"].tolist() == [0, 0, 0]


def test_a_graph_says_how_many_records_its_block_has(encoder: RecordEncoder, table: Table) -> None:
    graph = encoder.graph(encoder.encode(table))
    part = graph.subgraph(torch.tensor([1, 4, 7]))
    assert graph.block_records.tolist() == part.block_records.tolist() == [40]


def test_bad_options_and_columns_are_named(encoder: RecordEncoder, table: Table) -> None:
    with pytest.raises(ValueError, match="Expected 'search' to name compared columns"):
        RecordEncoder(KINDS, search=["size"])
    with pytest.raises(ValueError, match="Expected 'neighbours' to be at least 1"):
        RecordEncoder(KINDS, neighbours=0)
    with pytest.raises(ValueError, match="Expected 'kinds' to have no column 'all texts'"):
        RecordEncoder({"all texts": "text"})
    fewer = table._replace(columns={"name": table.columns["name"]})
    with pytest.raises(ValueError, match=r"t\.csv: expected all columns .*none named 'tags'"):
        encoder.expect_columns(fewer)
