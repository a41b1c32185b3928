"""Text graphs and the indices of their units."""

import unicodedata

import pytest
import torch
from torch_geometric.data import Batch

from pyg_grapheme.text import (
    CATEGORIES,
    TextUnits,
    Vocabulary,
    split_graphemes,
    text_graph,
    unit_info,
    units_graph,
    units_graphs,
)
from pyg_grapheme.text.graph import index_units

GRAPH_FIELDS = (
    "label",
    "kind",
    "activation",
    "hashes",
    "case",
    "grapheme",
    "position",
    "is_tag",
)


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("", []),
        ("a", ["a"]),
        ("e\u0301t", ["é", "t"]),
        ("a👨‍👩\r\n!", ["a", "👨", "\u200d", "👩", "\r", "\n", "!"]),
    ],
    ids=["empty", "one", "accent", "emoji"],
)
def test_units_are_chained_and_tags_stand_apart(text: str, split: list[str]) -> None:
    for tags in ((), ("V", "PST")):
        graph = text_graph(text, tags)
        graph.validate()
        n, k = len(split), len(tags)
        assert graph.text == split, tags
        assert graph.num_nodes == n + k, tags
        assert graph.edge_index.shape == (2, max(n - 1, 0)), tags
        assert graph.edge_index.T.tolist() == [[i, i + 1] for i in range(n - 1)], tags
        assert graph.position.tolist() == [[i, n - 1 - i] for i in range(n)] + [[-1, -1]] * k, tags
        assert graph.is_tag.tolist() == [False] * n + [True] * k, tags
        assert graph.kind[n:].tolist() == [len(CATEGORIES)] * k, tags
        assert graph.case[n:].tolist() == [[-1, -1]] * k, tags
        assert graph.grapheme[n:].tolist() == [-1] * k, tags


@pytest.mark.parametrize(
    ("units", "split"),
    [
        (TextUnits("codepoints", "NFD"), ["e", "\u0301", " ", "a", "b"]),
        (TextUnits("graphemes", "NFD"), ["e\u0301", " ", "a", "b"]),
        (TextUnits("whitespace", "NFC"), ["é", "ab"]),
    ],
)
def test_a_node_is_one_of_the_units_asked_for(units: TextUnits, split: list[str]) -> None:
    graph = text_graph("é ab", ("V",), units)
    assert graph.text == split
    assert graph.label.equal(units_graph(split, ["V"]).label)


def test_nodes_carry_what_is_known_of_their_unit() -> None:
    graph = text_graph("aé7", ("V",))
    seen = [unit_info(c) for c in "aé7"]
    assert graph.label[:3].tolist() == [info.id for info in seen]
    assert graph.kind[:3].tolist() == [info.category for info in seen]
    assert graph.hashes[:3].tolist() == [list(info.hashes) for info in seen]
    torch.testing.assert_close(graph.activation, torch.tensor([*(i.value for i in seen), 0.0]))


def test_a_tag_is_not_the_unit_of_the_same_name() -> None:
    graph = text_graph("VV", ("V", "W"))
    label = graph.label.tolist()
    assert label[0] == label[1]
    assert len(set(label)) == 3
    assert not set(graph.hashes[0].tolist()) & set(graph.hashes[2].tolist())


def test_case_is_the_label_of_the_unit_in_upper_and_in_lower_case() -> None:
    units = ["a", "É", "7", "ß", "ẞ", "ŉ", "İ", "ı", "ǅ", "e\u0301", "Ab", "ßa"]
    upper = ["A", None, None, None, None, None, None, "I", "Ǆ", "E\u0301", None, None]
    lower = [None, "é", None, None, "ß", None, None, None, "ǆ", None, "ab", None]
    graph = units_graph(units, ("V", "a"))
    for column, mapped in enumerate((upper, lower)):
        labels = [-1 if unit is None else int(units_graph([unit]).label) for unit in mapped]
        assert graph.case[:, column].tolist() == [*labels, -1, -1]


def test_code_points_know_their_grapheme_cluster(script_texts: list[str]) -> None:
    for text in script_texts:
        graph = text_graph(text, ("V",), TextUnits("codepoints", "NFD"))
        clusters = split_graphemes(unicodedata.normalize("NFD", text))
        expected = [i for i, cluster in enumerate(clusters) for _ in range(len(cluster))]
        assert graph.grapheme.tolist() == [*expected, -1], text
        whole = text_graph(text, ("V",), TextUnits("graphemes", "NFD"))
        assert whole.grapheme.tolist() == [*range(len(clusters)), -1], text


def test_dtypes_do_not_depend_on_the_length() -> None:
    empty, some = text_graph(""), text_graph("ab", ("V",))
    for name in GRAPH_FIELDS:
        assert empty[name].dtype == some[name].dtype, name
        assert empty[name].shape[1:] == some[name].shape[1:], name
    assert empty.edge_index.dtype == some.edge_index.dtype == torch.long


def test_units_have_the_indices_of_the_vocabulary() -> None:
    found = index_units("x?yé", Vocabulary(["y", "é", "x"]))
    assert found.tolist() == [2, Vocabulary.UNKNOWN, 0, 1]
    nothing = index_units("", Vocabulary(["x"]))
    assert (nothing.shape, nothing.dtype) == ((0,), torch.long)


def test_batches_shift_the_edges_and_keep_empty_texts() -> None:
    batch = Batch.from_data_list([text_graph("ab"), text_graph(""), text_graph("cd", ("V",))])
    assert batch.num_graphs == 3
    assert batch.batch.tolist() == [0, 0, 2, 2, 2]
    assert batch.edge_index.tolist() == [[0, 2], [1, 3]]
    assert batch.grapheme.tolist() == [0, 1, 0, 1, -1]
    assert batch.text == [["a", "b"], [], ["c", "d"]]


def test_all_at_once_is_what_pyg_would_batch() -> None:
    for tagged in (False, True):
        texts = [list("walk"), [], ["e\u0301", "t"], list("👨‍👩‍👧aB")]
        tags = [("V", "PST"), ("N",), (), ("V",)] if tagged else []
        batch = units_graphs(texts, tags)
        graphs = [units_graph(t, tags[i] if tags else ()) for i, t in enumerate(texts)]
        expected = Batch.from_data_list(graphs)
        assert batch.num_graphs == expected.num_graphs == 4, tagged
        assert batch.num_nodes == expected.num_nodes, tagged
        assert batch.text == expected.text, tagged
        for name in (*GRAPH_FIELDS, "edge_index", "batch", "ptr"):
            torch.testing.assert_close(batch[name], expected[name], rtol=0, atol=0)


def test_no_texts_are_an_empty_batch() -> None:
    batch = units_graphs([])
    assert (batch.num_graphs, batch.num_nodes) == (0, 0)
    assert batch.edge_index.shape == (2, 0)


def test_units_have_to_be_text_units() -> None:
    with pytest.raises(ValueError, match=r"Expected 'units' to be a TextUnits \(got 'NFC'\)"):
        text_graph("abc", (), "NFC")  # type: ignore[arg-type]


def test_tags_have_to_be_several() -> None:
    with pytest.raises(ValueError, match=r"Expected 'tags' to be a sequence of tags \(got 'PST'\)"):
        text_graph("walk", "PST")
