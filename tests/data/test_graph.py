"""Text graphs and their labels."""

import pytest
import torch
from torch_geometric.data import Batch

from pyg_grapheme.data import (
    CATEGORIES,
    DELETE,
    KEEP,
    Edits,
    Vocabulary,
    describe,
    label_edits,
    text_graph,
)
from pyg_grapheme.data.graph import IGNORE_LABEL


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
@pytest.mark.parametrize("tags", [(), ("V", "PST")], ids=["", "tagged"])
def test_graphemes_are_chained_and_tags_stand_apart(
    text: str, clusters: list[str], tags: tuple[str, ...]
) -> None:
    graph = text_graph(text, tags)
    graph.validate()
    n, k = len(clusters), len(tags)
    assert graph.text == clusters
    assert graph.num_nodes == n + k
    assert graph.edge_index.shape == (2, max(n - 1, 0))
    assert graph.edge_index.T.tolist() == [[i, i + 1] for i in range(n - 1)]
    assert graph.position.tolist() == [[i, n - 1 - i] for i in range(n)] + [[-1, -1]] * k
    assert graph.is_tag.tolist() == [False] * n + [True] * k
    assert graph.category[n:].tolist() == [len(CATEGORIES)] * k


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
    for name in ("grapheme", "category", "activation", "hashes", "position", "is_tag"):
        assert empty[name].dtype == some[name].dtype, name
        assert empty[name].shape[1:] == some[name].shape[1:], name
    assert empty.edge_index.dtype == some.edge_index.dtype == torch.long


def test_the_text_as_it_came_is_kept_without_a_normal_form() -> None:
    assert text_graph("e\u0301", form="none").text == ["e\u0301"]


def test_labels_number_the_edits() -> None:
    edits = Edits(
        ("a", "b", "c", "d"),
        (KEEP, DELETE, "y", "?"),
        (("x",), (), ("?", "y"), (), ()),
    )
    graph = label_edits(text_graph("abcd"), edits, Vocabulary(["x", "y"]))
    assert graph.operation.tolist() == [0, 1, 2 + 1, IGNORE_LABEL]
    assert graph.insert_length.tolist() == [1, 0, 2, 0, 0]
    assert graph.insert_grapheme.tolist() == [0, IGNORE_LABEL, 1]


def test_ignored_labels_are_those_that_cross_entropy_leaves_out() -> None:
    assert torch.nn.CrossEntropyLoss().ignore_index == IGNORE_LABEL


def test_an_empty_source_has_one_gap() -> None:
    graph = label_edits(text_graph(""), Edits((), (), (("x",),)), Vocabulary(["x"]))
    assert graph.operation.shape == (0,)
    assert graph.operation.dtype == torch.long
    assert graph.insert_length.tolist() == [1]


def test_batches_shift_the_edges_and_keep_empty_texts() -> None:
    batch = Batch.from_data_list([text_graph("ab"), text_graph(""), text_graph("cd", ("V",))])
    assert batch.num_graphs == 3
    assert batch.batch.tolist() == [0, 0, 2, 2, 2]
    assert batch.edge_index.tolist() == [[0, 2], [1, 3]]
    assert batch.text == [["a", "b"], [], ["c", "d"]]
