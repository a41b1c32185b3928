"""Pairs of graphs, and batches of them."""

import pytest
from torch import Tensor
from torch_geometric.loader import DataLoader

from pyg_grapheme.text import (
    Example,
    GraphPair,
    PairDataset,
    Vocabulary,
    graph_pair,
    text_graph,
)

EXAMPLES = [Example("walk", "walked", ("V", "PST")), Example("a", ""), Example("go", "went")]
VOCABULARY = Vocabulary(["d", "e", "n", "t", "w"])


def test_a_pair_is_the_source_and_the_target_with_labels() -> None:
    source, target = graph_pair(EXAMPLES[0], VOCABULARY)
    assert source.text == list("walk")
    assert source.num_nodes == 6
    assert "unit" not in source
    assert target.text == list("walked")
    assert target.num_nodes == 6
    assert target.unit.tolist() == [4, -1, -1, -1, 1, 0]


def test_each_side_has_units_of_its_own() -> None:
    vocabulary = Vocabulary(["t͡ʃ", "ɪ"])
    source, target = graph_pair(
        Example("칩", "t͡ʃ ɪ p", ("N",)), vocabulary, "NFC", "letters", "spaced"
    )
    assert source.text == ["\u110e", "\u1175", "\u11b8"]
    assert source.num_nodes == 4
    assert target.text == ["t͡ʃ", "ɪ", "p"]
    assert target.unit.tolist() == [0, 1, -1]


def test_the_form_reaches_both_graphs() -> None:
    source, target = graph_pair(Example("e\u0301", "o\u0301"), VOCABULARY, "none")
    assert (source.text, target.text) == (["e\u0301"], ["o\u0301"])
    source, target = graph_pair(Example("e\u0301", "o\u0301"), VOCABULARY)
    assert (source.text, target.text) == (["\u00e9"], ["\u00f3"])


def test_a_loader_makes_a_pair_of_batches() -> None:
    dataset = PairDataset(EXAMPLES, VOCABULARY)
    assert len(dataset) == 3
    (batch,) = DataLoader(dataset, batch_size=3)
    assert isinstance(batch, GraphPair)
    assert batch.source.batch.tolist() == [0] * 6 + [1] + [2] * 2
    assert batch.target.batch.tolist() == [0] * 6 + [2] * 4
    assert batch.target.num_graphs == 3
    assert batch.target.unit.tolist() == [4, -1, -1, -1, 1, 0, 4, 1, 2, 3]
    assert batch.source.text == [list("walk"), ["a"], list("go")]


def test_a_loader_keeps_what_each_graph_is() -> None:
    dataset = PairDataset(EXAMPLES, VOCABULARY)
    for i, pair in enumerate(DataLoader(dataset, batch_size=1)):
        alone = text_graph(EXAMPLES[i].source, EXAMPLES[i].tags)
        assert pair.source.edge_index.equal(alone.edge_index)
        assert pair.source.grapheme.equal(alone.grapheme)


def test_a_batch_by_numbers_is_what_a_loader_makes() -> None:
    dataset = PairDataset(EXAMPLES, VOCABULARY)
    numbers = [2, 0, -2, 0]
    (loaded,) = DataLoader(dataset, batch_size=4, sampler=numbers)
    for batch, expected in zip(dataset.batch(numbers), loaded, strict=True):
        fields = {name: value for name, value in expected.to_dict().items() if name[0] != "_"}
        assert batch.to_dict().keys() == fields.keys()
        assert (batch.num_graphs, batch.num_nodes) == (expected.num_graphs, expected.num_nodes)
        for name, value in fields.items():
            same = value.equal(batch[name]) if isinstance(value, Tensor) else value == batch[name]
            assert same, name


def test_a_batch_of_texts_without_units_has_no_nodes() -> None:
    source, target = PairDataset([Example("", "")], VOCABULARY).batch([0, 0])
    assert source.num_nodes == target.num_nodes == 0
    assert source.num_graphs == target.num_graphs == 2
    assert source.text == target.text == [[], []]


def test_pairs_end_and_are_counted_from_the_end() -> None:
    dataset = PairDataset(EXAMPLES, VOCABULARY)
    assert [pair.target.text for pair in dataset] == [list("walked"), [], list("went")]
    assert dataset[-1] is dataset[2]
    with pytest.raises(IndexError):
        dataset[3]
