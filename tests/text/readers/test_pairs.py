"""Pairs of graphs, and batches of them."""

import pytest
from torch import Tensor
from torch_geometric.loader import DataLoader

from pyg_grapheme.text import (
    Example,
    GraphPair,
    PairDataset,
    TextUnits,
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
        Example("칩", "t͡ʃ ɪ p", ("N",)),
        vocabulary,
        TextUnits("codepoints", "NFD"),
        TextUnits("whitespace"),
    )
    assert source.text == ["\u110e", "\u1175", "\u11b8"]
    assert source.num_nodes == 4
    assert target.text == ["t͡ʃ", "ɪ", "p"]
    assert target.unit.tolist() == [0, 1, -1]


def test_each_side_has_a_form_of_its_own() -> None:
    example, nfd = Example("e\u0301", "\u00f3"), TextUnits("codepoints", "NFD")
    composed, decomposed = (["\u00e9"], ["\u00f3"]), (["e", "\u0301"], ["o", "\u0301"])
    for options, expected in (
        ((), composed),
        ((nfd,), (decomposed[0], composed[1])),
        ((TextUnits(), nfd), (composed[0], decomposed[1])),
    ):
        source, target = graph_pair(example, VOCABULARY, *options)
        assert (source.text, target.text) == expected


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
        for field in ("label", "case", "grapheme"):
            assert pair.source[field].equal(alone[field]), field


def test_a_batch_by_indices_is_what_a_loader_makes() -> None:
    dataset = PairDataset(EXAMPLES, VOCABULARY)
    indices = [2, 0, -2, 0]
    (loaded,) = DataLoader(dataset, batch_size=4, sampler=indices)
    for batch, expected in zip(dataset.batch(indices), loaded, strict=True):
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


def test_units_have_to_be_text_units() -> None:
    with pytest.raises(ValueError, match=r"Expected 'source_units' to be a TextUnits"):
        PairDataset([Example("a", "b")], Vocabulary(["b"]), "NFC")  # type: ignore[arg-type]


def test_tags_that_are_one_text_are_refused() -> None:
    """Each letter would be a tag, and "PST" and "PRS" hard to tell apart."""
    examples = [Example("walk", "walked", ("PST",)), Example("jump", "jumps", "PRS")]  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"tags of example 1 to be a tuple of texts \(got 'PRS'\)"):
        PairDataset(examples, VOCABULARY)
