"""Text graphs and the numbers of their units."""

import pytest
import torch
from torch_geometric.data import Batch

from pyg_grapheme.text import (
    CATEGORIES,
    Vocabulary,
    describe,
    label_units,
    text_graph,
    units_graph,
    units_graphs,
)

GRAPH_FIELDS = ("grapheme", "category", "activation", "hashes", "position", "is_tag")


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("", []),
        ("a", ["a"]),
        ("e\u0301t", ["é", "t"]),
        ("a👨‍👩‍👧\r\n!", ["a", "👨‍👩‍👧", "\r\n", "!"]),
    ],
    ids=["empty", "one", "accent", "emoji"],
)
def test_graphemes_are_chained_and_tags_stand_apart(text: str, clusters: list[str]) -> None:
    for tags in ((), ("V", "PST")):
        graph = text_graph(text, tags)
        graph.validate()
        n, k = len(clusters), len(tags)
        assert graph.text == clusters, tags
        assert graph.num_nodes == n + k, tags
        assert graph.edge_index.shape == (2, max(n - 1, 0)), tags
        assert graph.edge_index.T.tolist() == [[i, i + 1] for i in range(n - 1)], tags
        assert graph.position.tolist() == [[i, n - 1 - i] for i in range(n)] + [[-1, -1]] * k, tags
        assert graph.is_tag.tolist() == [False] * n + [True] * k, tags
        assert graph.category[n:].tolist() == [len(CATEGORIES)] * k, tags


def test_nodes_carry_the_description_of_their_grapheme() -> None:
    graph = text_graph("aé7", ("V",))
    seen = [describe(c) for c in "aé7"]
    assert graph.grapheme[:3].tolist() == [g.id for g in seen]
    assert graph.category[:3].tolist() == [g.category for g in seen]
    assert graph.hashes[:3].tolist() == [list(g.hashes) for g in seen]
    torch.testing.assert_close(graph.activation, torch.tensor([*(g.value for g in seen), 0.0]))


def test_a_tag_is_not_the_grapheme_of_the_same_name() -> None:
    graph = text_graph("VV", ("V", "W"))
    grapheme = graph.grapheme.tolist()
    assert grapheme[0] == grapheme[1]
    assert len(set(grapheme)) == 3
    assert not set(graph.hashes[0].tolist()) & set(graph.hashes[2].tolist())


def test_dtypes_do_not_depend_on_the_length() -> None:
    empty, some = text_graph(""), text_graph("ab", ("V",))
    for name in GRAPH_FIELDS:
        assert empty[name].dtype == some[name].dtype, name
        assert empty[name].shape[1:] == some[name].shape[1:], name
    assert empty.edge_index.dtype == some.edge_index.dtype == torch.long


def test_the_text_as_it_came_is_kept_without_a_normal_form() -> None:
    assert text_graph("e\u0301", form="none").text == ["e\u0301"]


def test_labels_number_the_units() -> None:
    graph = text_graph("x?yé")
    labelled = label_units(graph, Vocabulary(["y", "é", "x"]))
    assert labelled is graph
    assert graph.unit.tolist() == [2, Vocabulary.UNKNOWN, 0, 1]


def test_an_empty_target_has_no_labels() -> None:
    graph = label_units(text_graph(""), Vocabulary(["x"]))
    assert graph.unit.shape == (0,)
    assert graph.unit.dtype == torch.long


def test_batches_shift_the_edges_and_keep_empty_texts() -> None:
    batch = Batch.from_data_list([text_graph("ab"), text_graph(""), text_graph("cd", ("V",))])
    assert batch.num_graphs == 3
    assert batch.batch.tolist() == [0, 0, 2, 2, 2]
    assert batch.edge_index.tolist() == [[0, 2], [1, 3]]
    assert batch.text == [["a", "b"], [], ["c", "d"]]


def test_all_at_once_is_what_pyg_would_batch() -> None:
    for tagged in (False, True):
        texts = [list("walk"), [], ["e\u0301"], list("👨‍👩‍👧ab")]
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
